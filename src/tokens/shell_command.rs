//! Runs a configured command by `sh -c`, as git runs helpers: time-limited, stderr passed through, stdout never shown.

use zeroize::Zeroizing;

use crate::platform::clock::Deadline;
use crate::platform::process::{self, RunError};
use crate::platform::threads;
use crate::tokens::error::{Failure, Kind};

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
    let mut shell = process::shell(command);
    let outcome =
        process::run_beside_people(&mut shell, input, deadline).map_err(|trouble| match trouble {
            RunError::Start(error) if threads::is_scarcity(&error) => {
                threads::scarcity(&format!("the {name} cannot be started"), &error)
            }
            RunError::Start(error) => failed(format!("cannot be started: {error}")),
            RunError::Lost(error) => failed(format!("cannot be used: {error}")),
            RunError::Late => Failure::new(Kind::Temporary, format!("the {name} did not end in time"))
                .hint("make it faster, or raise --timeout"),
        })?;
    if !outcome.status.success() {
        return Err(failed(format!("failed ({})", outcome.status)));
    }
    if outcome.stdout.is_empty() {
        return Err(failed("printed nothing".into()));
    }
    Ok(outcome.stdout)
}
