//! Errors that mean that a resource is exhausted.

use std::io;

use rustix::io::Errno;

/// What to do about it.
pub const HINT: &str =
    "try again later, or allow more processes, threads and open files: ulimit -a shows the limits";

fn is_one_of(error: &io::Error, known: &[Errno]) -> bool {
    error.raw_os_error().map(Errno::from_raw_os_error).is_some_and(|errno| known.contains(&errno))
}

/// Whether the system ran out of processes, threads or open files.
pub fn of_processes(error: &io::Error) -> bool {
    is_one_of(error, &[Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE])
}

/// Whether the system ran out of open files or memory for one more connection.
pub fn of_connections(error: &io::Error) -> bool {
    is_one_of(error, &[Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM])
}
