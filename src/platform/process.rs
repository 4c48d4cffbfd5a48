//! Starts other programs, always with a time limit: key and sign commands, gh, git, crontab, systemctl. The caller judges
//! their output; it is never shown here.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::platform::clock::Deadline;
pub use crate::platform::command::foreign;
pub use crate::platform::search::look_in;
use crate::platform::system::programs;
pub use crate::platform::system::programs::{HAS_TASK_SCHEDULER, become_another, hide_memory};
use crate::platform::{bounds, search, threads};
use crate::tokens::error::{Failure, Kind, MORE_TIME};
use crate::tokens::secret::{BEARER_VARIABLE, ID_TOKEN_VARIABLE, KEY_VARIABLE};

/// The time limit for a program that reads a few local files or prints its version.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What a program returned.
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// May be a secret.
    pub stdout: Zeroizing<Vec<u8>>,
    /// Empty unless captured.
    pub stderr: Zeroizing<Vec<u8>>,
}

impl Outcome {
    /// Major and minor version, the third word of what git and gh print for `--version`.
    pub fn version(&self) -> Option<(u32, u32)> {
        let text = std::str::from_utf8(&self.stdout).ok()?;
        let mut numbers = text.split_whitespace().nth(2)?.split('.').map(|number| number.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    }
}

/// The line of a program's stderr that says why it failed: the last one.
pub fn last_line(stderr: &str) -> &str {
    stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it gave no reason")
}

/// Why there is no outcome.
pub enum RunError {
    /// It cannot be started, or no thread can be started to read its output.
    Start(io::Error),
    /// It timed out and was killed.
    Late,
    /// It printed more than [`bounds::MOST`], or its output or status cannot be read.
    Lost(io::Error),
}

impl RunError {
    /// The failure to report for a program that is looked up on the `PATH`.
    pub fn of(self, name: &str) -> Failure {
        let other = |what: String| Failure::new(Kind::Other, what);
        match self {
            Self::Start(error) if threads::is_scarcity(&error) => {
                threads::scarcity(&format!("{name} cannot be started"), &error)
            }
            Self::Start(error) if error.kind() == io::ErrorKind::NotFound => {
                other(format!("{name} is not installed, or not on the PATH"))
                    .hint(format!("install {name}, or add its directory to PATH"))
            }
            Self::Start(error) => other(format!("{name} cannot be started: {error}")),
            Self::Lost(error) => other(format!("{name} was lost: {error}")),
            Self::Late => {
                Failure::new(Kind::Temporary, format!("{name} did not end in time and was stopped"))
                    .hint(MORE_TIME)
            }
        }
    }
}

/// A program that we run for ourselves, such as `git`, looked up only in the absolute entries of the `PATH`.
pub fn program(name: &str) -> Command {
    let search = search::own();
    let mut command = foreign(search.find(name));
    if let Some(path) = &search.instead {
        command.env("PATH", path);
    }
    command
}

/// Runs a command line from the settings, as git runs helpers.
pub fn shell(line: &str) -> Command {
    let mut command = programs::shell(line);
    if let Some(path) = &search::own().instead {
        command.env("PATH", path);
    }
    command
}

/// Removes the secrets from the environment of a program that does not need them. The commands in the settings keep
/// them: they are the user's own.
pub fn without_secrets(command: &mut Command) -> &mut Command {
    without_own_secrets(command).env_remove(ID_TOKEN_VARIABLE)
}

/// The same, but keeps the variables with which a GitHub Actions job requests id-tokens: the command that `exec` runs may
/// need them for other services.
pub fn without_own_secrets(command: &mut Command) -> &mut Command {
    command.env_remove(KEY_VARIABLE).env_remove(BEARER_VARIABLE)
}

/// Runs a program whose stderr is shown. What it has started may outlive it: it may talk to the terminal, so it
/// stays in the terminal's foreground group.
pub fn run_beside_people(
    command: &mut Command,
    input: &[u8],
    deadline: Deadline,
) -> Result<Outcome, RunError> {
    run(command, input, deadline, false)
}

/// Runs a program with its stderr captured, in its own process group, so that a timeout ends all its children too.
pub fn run_in_group(command: &mut Command, input: &[u8], deadline: Deadline) -> Result<Outcome, RunError> {
    command.stderr(Stdio::piped());
    programs::set_apart(command);
    run(command, input, deadline, true)
}

fn run(
    command: &mut Command,
    input: &[u8],
    deadline: Deadline,
    own_group: bool,
) -> Result<Outcome, RunError> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(RunError::Start)?;
    if let Some(mut stdin) = child.stdin.take() {
        // The input fits into the pipe; a program that does not read it is judged by its output.
        let _ = stdin.write_all(input);
    }
    let pipes = collect(child.stdout.take()).and_then(|stdout| Ok((stdout, collect(child.stderr.take())?)));
    let outcome = pipes
        .map_err(RunError::Start)
        .and_then(|(stdout, stderr)| wait(&mut child, deadline, &stdout, &stderr));
    if outcome.is_err() {
        if own_group {
            programs::end_all(&child);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    outcome
}

type Collected = Receiver<io::Result<Zeroizing<Vec<u8>>>>;

fn collect(pipe: Option<impl Read + Send + 'static>) -> io::Result<Collected> {
    let (sender, receiver) = mpsc::channel();
    let Some(pipe) = pipe else {
        let _ = sender.send(Ok(Zeroizing::default()));
        return Ok(receiver);
    };
    threads::start("reader", move || {
        let mut output = Zeroizing::new(Vec::with_capacity(8 << 10));
        let result = pipe.take(bounds::MOST as u64 + 1).read_to_end(&mut output);
        let _ = sender.send(result.map(|_| output));
    })?;
    Ok(receiver)
}

fn wait(
    child: &mut Child,
    deadline: Deadline,
    stdout: &Collected,
    stderr: &Collected,
) -> Result<Outcome, RunError> {
    let take = |output: &Collected| match output.recv_timeout(deadline.left()) {
        Ok(Ok(bytes)) if bytes.len() > bounds::MOST => {
            Err(RunError::Lost(io::Error::other(format!("it printed more than {}", bounds::MOST_IN_WORDS))))
        }
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(RunError::Lost(error)),
        Err(_) => Err(RunError::Late),
    };
    let (stdout, stderr) = (take(stdout)?, take(stderr)?);
    // A program that has closed its output is about to exit.
    let mut pause = Duration::from_micros(50);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Outcome { status, stdout, stderr }),
            Ok(None) if deadline.wait(pause) => pause = (2 * pause).min(Duration::from_millis(5)),
            Ok(None) => return Err(RunError::Late),
            Err(error) => return Err(RunError::Lost(error)),
        }
    }
}
