//! Runs a program to its end or beside the test, always with a time limit and never leaving it behind.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::collector::Collector;
use super::{inherited, leftovers};

/// Long enough for a slow machine, short enough to notice a hang.
const LIMIT: Duration = Duration::from_mins(1);

/// How long children that outlive their parent may hold its pipes before they are ended.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

/// A program that is to be run.
#[must_use]
pub struct Run {
    program: PathBuf,
    args: Vec<OsString>,
    env: BTreeMap<OsString, OsString>,
    preloaded: Option<PathBuf>,
    cwd: Option<PathBuf>,
    stdin: Vec<u8>,
    /// In place of bytes.
    open_stdin: Option<OwnedFd>,
    /// In place of being collected.
    open_stderr: Option<OwnedFd>,
    limit: Duration,
}

impl Run {
    /// Prepares a program with exactly this environment.
    pub fn new(
        program: &Path,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        env: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        Self {
            program: program.to_owned(),
            args: args.into_iter().map(|arg| arg.as_ref().to_owned()).collect(),
            env: env.into_iter().collect(),
            preloaded: None,
            cwd: None,
            stdin: Vec::new(),
            open_stdin: None,
            open_stderr: None,
            limit: LIMIT,
        }
    }

    /// Sets one variable for this run.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.insert(key.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// Takes one variable away for this run.
    pub fn env_remove(mut self, key: impl AsRef<OsStr>) -> Self {
        self.env.remove(key.as_ref());
        self
    }

    /// Loads this library into the program and all that it starts.
    pub fn preload(mut self, library: &Path) -> Self {
        self.preloaded = Some(library.to_owned());
        self
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Sets the working directory.
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// Feeds these bytes, then end of file.
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = bytes.as_ref().to_vec();
        self
    }

    /// Hands over something that is open as standard input.
    pub fn stdin_from(mut self, open: impl Into<OwnedFd>) -> Self {
        self.open_stdin = Some(open.into());
        self
    }

    /// Sets where standard error goes: the test does not collect it.
    pub fn stderr_to(mut self, open: impl Into<OwnedFd>) -> Self {
        self.open_stderr = Some(open.into());
        self
    }

    /// Changes the time after which the program counts as hung.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs to the end.
    #[track_caller]
    pub fn run(self) -> Output {
        self.spawn().wait()
    }

    /// Starts and returns at once.
    #[track_caller]
    pub fn spawn(self) -> Running {
        let mut command = inherited::command(&self.program, &self.env, self.preloaded.as_deref());
        command.args(&self.args).current_dir(self.cwd.as_deref().unwrap_or(Path::new(".")));
        command.stdin(self.open_stdin.map_or_else(Stdio::piped, Stdio::from));
        command.stdout(Stdio::piped()).stderr(self.open_stderr.map_or_else(Stdio::piped, Stdio::from));
        // A group of its own, so that what the program leaves running can be ended with it.
        command.process_group(0);
        let shown = self.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut child = command.spawn().unwrap_or_else(|cause| panic!("start {shown}: {cause}"));
        leftovers::started(child.id());
        let stdin = self.stdin;
        if let Some(mut pipe) = child.stdin.take() {
            // A program need not read its input: a broken pipe is no fault.
            std::thread::spawn(move || match pipe.write_all(&stdin) {
                Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => panic!("feed stdin: {cause}"),
                _ => {}
            });
        }
        let (open, output) = channel();
        let stdout = Collector::start(child.stdout.take().expect("a pipe"), open.clone());
        let stderr = match child.stderr.take() {
            Some(pipe) => Collector::start(pipe, open),
            None => Collector::start(io::empty(), open),
        };
        Running { child, shown, deadline: Instant::now() + self.limit, stdout, stderr, output, done: None }
    }
}

/// A program that runs beside the test; it is killed when dropped.
pub struct Running {
    child: Child,
    shown: String,
    deadline: Instant,
    stdout: Collector,
    stderr: Collector,
    /// Disconnected once no process has the program's output open.
    output: Receiver<Infallible>,
    done: Option<ExitStatus>,
}

impl Running {
    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal only to the program, not to its children.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a running program");
    }

    /// Standard output so far.
    pub fn stdout_so_far(&self) -> String {
        self.stdout.text()
    }

    /// Standard error so far.
    pub fn stderr_so_far(&self) -> String {
        self.stderr.text()
    }

    /// Whether the program has ended.
    pub fn has_ended(&mut self) -> bool {
        if self.done.is_none() {
            let done = self.child.try_wait().expect("a child of ours");
            self.done = done.inspect(|_| leftovers::ended(self.id()));
        }
        self.done.is_some()
    }

    /// Waits until standard error holds this text, and returns all of it so far.
    #[track_caller]
    pub fn wait_for_stderr(&mut self, text: &str) -> String {
        loop {
            // Asked before the text is read, so that last words are not missed.
            let ended = self.has_ended();
            let so_far = self.stderr.text();
            if so_far.contains(text) {
                return so_far;
            }
            let late = Instant::now() > self.deadline;
            assert!(!ended && !late, "{} never wrote {text:?}; stderr:\n{so_far}", self.shown);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for the end.
    #[track_caller]
    pub fn wait(mut self) -> Output {
        while !self.has_ended() {
            if Instant::now() > self.deadline {
                self.end_group();
                panic!("{} does not end; stderr so far:\n{}", self.shown, self.stderr.text());
            }
            // The end of its output is the end of most programs, or comes very soon before it.
            if let Err(RecvTimeoutError::Disconnected) = self.output.recv_timeout(Duration::from_millis(1)) {
                std::thread::sleep(Duration::from_micros(50));
            }
        }
        let status = self.done.expect("the loop has ended");
        if !(self.stdout.ends_within(LEFT_BEHIND) && self.stderr.ends_within(LEFT_BEHIND)) {
            self.end_group();
        }
        let stdout_bytes = self.stdout.bytes();
        Output {
            status: status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1),
            stdout: String::from_utf8_lossy(&stdout_bytes).into_owned(),
            stdout_bytes,
            stderr: String::from_utf8_lossy(&self.stderr.bytes()).into_owned(),
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed()).expect("a process id above 0")
    }

    /// Ends the program and what it has started; both may be gone already.
    fn end_group(&mut self) {
        let _ = kill_process_group(self.pid(), Signal::KILL);
        drop(self.child.wait());
        leftovers::ended(self.id());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.end_group();
        }
    }
}

/// What a program has left.
#[derive(Clone, Debug)]
pub struct Output {
    /// The exit status, or 128 and the signal.
    pub status: i32,
    pub stdout: String,
    pub stdout_bytes: Vec<u8>,
    pub stderr: String,
}

impl Output {
    /// Compares all three.
    #[track_caller]
    pub fn expect(&self, status: i32, stdout: &str, stderr: &str) {
        let same = self.status == status && self.stdout == stdout && self.stderr == stderr;
        assert!(
            same,
            "not as expected\n--- status\nexpected {status}\nis       {}\n--- stdout expected\n{stdout}\n\
             --- stdout is\n{}\n--- stderr expected\n{stderr}\n--- stderr is\n{}\n---",
            self.status, self.stdout, self.stderr
        );
    }

    /// Asserts exit status 0.
    #[track_caller]
    pub fn success(&self) -> &Self {
        assert_eq!(self.status, 0, "failed\n--- stdout\n{}\n--- stderr\n{}\n---", self.stdout, self.stderr);
        self
    }

    /// Asserts this exit status.
    #[track_caller]
    pub fn fails_with(&self, status: i32) -> &Self {
        assert_eq!(self.status, status, "--- stdout\n{}\n--- stderr\n{}\n---", self.stdout, self.stderr);
        self
    }
}
