//! Runs a configured command by `sh -c`, as git runs helpers: time-limited, stderr passed through, stdout never shown.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::clock::Deadline;
use crate::error::{Failure, Kind};

/// More than any key or signature has.
const MAX_OUTPUT: u64 = 64 << 10;

/// The stdout of a command that ends well before the deadline. `name` is what messages call it.
pub fn run(
    name: &str,
    command: &str,
    input: &[u8],
    deadline: Deadline,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |cause: String| {
        Failure::new(Kind::Settings, format!("the {name} {cause}"))
            .hint("run it by hand to see what is wrong")
    };
    let mut child = spawn(command).map_err(|error| failed(format!("cannot be started: {error}")))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A few hundred bytes fit the pipe; a command that does not read them is judged by its output.
        let _ = stdin.write_all(input);
    }
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut output = Zeroizing::new(Vec::with_capacity(8 << 10));
            let result = stdout.take(MAX_OUTPUT + 1).read_to_end(&mut output);
            let _ = sender.send(result.map(|_| output));
        });
    }
    let late = || {
        Failure::new(Kind::Temporary, format!("the {name} did not end in time"))
            .hint("make it faster, or raise --timeout")
    };
    let Ok(output) = receiver.recv_timeout(deadline.left()) else {
        stop(&mut child);
        return Err(late());
    };
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if deadline.wait(Duration::from_millis(5)) => {}
            Ok(None) => {
                stop(&mut child);
                return Err(late());
            }
            Err(error) => return Err(failed(format!("was lost: {error}"))),
        }
    };
    if !status.success() {
        return Err(failed(format!("failed ({status})")));
    }
    let output = output.map_err(|error| failed(format!("cannot be read: {error}")))?;
    if output.is_empty() {
        return Err(failed("printed nothing".into()));
    }
    if output.len() as u64 > MAX_OUTPUT {
        return Err(failed("printed more than 64 KiB".into()));
    }
    Ok(output)
}

#[expect(clippy::disallowed_methods, reason = "key and sign commands are the user's own programs")]
fn spawn(command: &str) -> std::io::Result<Child> {
    Command::new("sh").args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
}

fn stop(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
