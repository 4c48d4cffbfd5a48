//! Starts threads and reports a failure: if the system has no more threads, only the caller fails. The standard library's
//! `spawn` and tokio's `spawn_blocking` panic instead.

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

/// Starts a thread that the process cannot do without: a panic in it ends the process, so that a supervisor can start
/// another.
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

/// Whether the system ran out of processes, threads or open files, which may be temporary.
pub fn is_scarcity(error: &io::Error) -> bool {
    scarcity::of_processes(error)
}

/// Whether the system lacked the resources to accept one more connection.
pub fn is_full(error: &io::Error) -> bool {
    scarcity::of_connections(error)
}

/// The failure to report for it.
pub fn scarcity(what: &str, error: &io::Error) -> Failure {
    Failure::new(Kind::Temporary, format!("{what}: {error}")).hint(scarcity::HINT)
}
