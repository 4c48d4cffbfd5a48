//! System calls that fail, by strace(1): those that touch certain paths, one at a time.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use rustix::process::Pid;

use super::inherited::{Directory, directory};
use super::needs::{STRACE, left_out};
use super::process::{Output, Run};
use super::sandbox::Sandbox;

/// A program under strace, which traces only these paths. Its log is outside the sandbox and holds no content.
pub struct Tracer<'a> {
    sandbox: &'a Sandbox,
    paths: Vec<PathBuf>,
    logs: Directory,
}

/// Whether programs can be traced here; a line says so where they cannot.
pub fn available(sandbox: &Sandbox) -> bool {
    if cfg!(not(target_os = "linux")) {
        left_out("strace is for Linux", STRACE.tests);
        return false;
    }
    if !STRACE.is_met() {
        return false;
    }
    let works = sandbox.command("strace", &["-f", "-o", "/dev/null", "true"]).run().status == 0;
    if !works {
        left_out("this machine lets nobody trace", STRACE.tests);
    }
    works
}

/// Whether the paths can be seen that the helper hands to the system; a line says so where they cannot. The helper closes
/// its memory even to a tracer, if that is not root.
pub fn can_watch(sandbox: &Sandbox) -> bool {
    if !available(sandbox) {
        return false;
    }
    let probe = sandbox.write_private("strace-probe.toml", "");
    let tracer = Tracer::new(sandbox, vec![probe.clone()]);
    tracer.helper(None, &["--config", &probe.to_string_lossy(), "status"]).run();
    let seen = tracer.lines().iter().any(|line| line.contains("open"));
    if !seen {
        left_out("only root can look into the helper's memory", STRACE.tests);
    }
    seen
}

/// The files that the helper opens; `None` where programs cannot be traced.
pub fn opened(sandbox: &Sandbox, args: &[&str], stdin: &str) -> Option<Vec<String>> {
    if !can_watch(sandbox) {
        return None;
    }
    let log = sandbox.path().join("opened.log");
    let tracing = ["-f", "-qq", "-s", "4096", "-e", "trace=open,openat,openat2", "-o"];
    let run = tracing.iter().fold(sandbox.command("strace", &[]), Run::arg).arg(&log);
    let run = args.iter().fold(run.arg(sandbox.binary()), Run::arg);
    run.stdin(stdin).run().success();
    let text = fs::read_to_string(log).expect("strace's log");
    let opened = text.lines().filter(|line| !line.contains(" = -1 "));
    Some(opened.filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect())
}

impl<'a> Tracer<'a> {
    /// Watches the system calls that name one of these paths, or a file that was opened by it.
    pub fn new(sandbox: &'a Sandbox, paths: Vec<PathBuf>) -> Self {
        Self { sandbox, paths, logs: directory("github-app-strace-") }
    }

    /// The helper with these arguments; `injection` is what strace's `-e inject=` wants.
    pub fn helper(&self, injection: Option<&str>, args: &[&str]) -> Run {
        let log = self.log().to_string_lossy().into_owned();
        let mut run = self.sandbox.command("strace", &["-f", "-qq", "-s", "0", "-o", &log]);
        for path in &self.paths {
            run = run.arg("-P").arg(path);
        }
        if let Some(injection) = injection {
            run = run.arg("-e").arg(format!("inject={injection}"));
        }
        args.iter().fold(run.arg(self.sandbox.binary()), Run::arg)
    }

    /// How often each system call touches the paths when nothing fails.
    pub fn count(&self, args: &[&str], stdin: &str) -> (BTreeMap<String, usize>, Output) {
        let output = self.helper(None, args).stdin(stdin).run();
        let mut counts = BTreeMap::new();
        for name in self.calls() {
            *counts.entry(name).or_default() += 1;
        }
        (counts, output)
    }

    /// The system calls of the last run that touched the paths, in their order.
    pub fn calls(&self) -> Vec<String> {
        let name = |line: String| {
            let (name, _) = line.split_once(' ')?.1.trim_start().split_once('(')?;
            (!name.contains([' ', '<'])).then(|| name.to_owned())
        };
        self.lines().into_iter().filter_map(name).collect()
    }

    /// Whether the last run met what was injected.
    pub fn injected(&self) -> bool {
        self.lines().iter().any(|line| line.contains("INJECTED"))
    }

    /// The program, once an injected signal has stopped it.
    pub fn stopped(&self) -> Option<Pid> {
        let line = self.lines().into_iter().find(|line| line.contains("--- stopped by SIGSTOP"))?;
        Pid::from_raw(line.split(' ').next()?.parse().ok()?)
    }

    fn log(&self) -> PathBuf {
        self.logs.path().join("log")
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(self.log()).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}
