//! Runs commands in turn, and takes medians.
//!
//! Each round has its own order: a command that runs after a large program finds the processor's caches full of it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::sandbox::Sandbox;

/// Warm-up rounds, not counted: files are read into memory, frequencies settle.
const WARM_UP: usize = 20;

/// A command that is measured as a whole process.
pub struct Contender {
    pub name: String,
    pub program: PathBuf,
    pub args: Vec<String>,
    pub stdin: PathBuf,
    pub env: Vec<(String, String)>,
}

impl Contender {
    /// A program without a slash is looked up on the `PATH` now, so that no search is measured.
    pub fn new(name: &str, program: impl Into<PathBuf>, args: &[&str], stdin: &Path) -> Self {
        let program = program.into();
        let program = on_path(&program).unwrap_or(program);
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self { name: name.to_owned(), program, args, stdin: stdin.to_owned(), env: Vec::new() }
    }

    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    pub fn command(&self, sandbox: &Sandbox) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(sandbox.env()).envs(self.env.iter().cloned());
        command.stdin(File::open(&self.stdin).expect("a request"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

/// The median time of each, in milliseconds.
pub fn medians(sandbox: &Sandbox, contenders: &[Contender], rounds: usize) -> Vec<f64> {
    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..WARM_UP + rounds {
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        fastrand::shuffle(&mut order);
        for index in order {
            let contender = &contenders[index];
            let mut command = contender.command(sandbox);
            let started = Instant::now();
            let status = command.status().unwrap_or_else(|cause| panic!("{}: {cause}", contender.name));
            let took = started.elapsed();
            assert!(status.success(), "{} ends with {status}", contender.name);
            if round >= WARM_UP {
                times[index].push(took);
            }
        }
    }
    times.into_iter().map(median).collect()
}

/// The middle one, in milliseconds.
pub fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// Where a program is.
pub fn on_path(program: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}
