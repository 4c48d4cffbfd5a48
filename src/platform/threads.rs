//! Threads that may not be had: where there are too many, only what wanted one more fails. The standard library's `spawn`
//! and tokio's `spawn_blocking` panic instead.

use std::panic::{self, AssertUnwindSafe};
use std::thread::{Builder, JoinHandle};
use std::{io, process};

use crate::platform::system::scarcity;
use crate::tokens::error::{Failure, Kind};

/// Starts a thread.
///
/// # Errors
/// None can be started.
pub fn start<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    Builder::new().name(name.to_owned()).spawn(work)
}

/// Starts a thread without which the process is of no use: a panic in it ends the process, so that whoever looks after that
/// can start another.
///
/// # Errors
/// None can be started.
pub fn start_vital(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    start(name, move || {
        if panic::catch_unwind(AssertUnwindSafe(work)).is_err() {
            process::abort();
        }
    })
}

/// Whether there were too many processes, threads or open files, which may be otherwise in a moment.
pub fn is_scarcity(error: &io::Error) -> bool {
    scarcity::of_processes(error)
}

/// Whether there was too much of something for one more connection to be accepted.
pub fn is_full(error: &io::Error) -> bool {
    scarcity::of_connections(error)
}

/// What to say of it.
pub fn scarcity(what: &str, error: &io::Error) -> Failure {
    Failure::new(Kind::Temporary, format!("{what}: {error}")).hint(scarcity::HINT)
}
