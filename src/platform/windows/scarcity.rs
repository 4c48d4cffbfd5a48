//! Errors that mean that a resource is exhausted
//! (<https://learn.microsoft.com/windows/win32/debug/system-error-codes>).

use std::io;

const TOO_MANY_OPEN_FILES: i32 = 4;
const NOT_ENOUGH_MEMORY: i32 = 8;
const OUT_OF_MEMORY: i32 = 14;
const NO_SYSTEM_RESOURCES: i32 = 1450;
const COMMITMENT_LIMIT: i32 = 1455;
const TOO_MANY_SOCKETS: i32 = 10024;
const NO_BUFFER_SPACE: i32 = 10055;

/// What to do about it.
pub const HINT: &str = "try again later, or end other programs";

fn is_one_of(error: &io::Error, known: &[i32]) -> bool {
    error.raw_os_error().is_some_and(|code| known.contains(&code))
}

/// Whether the system ran out of processes, threads or open files.
pub fn of_processes(error: &io::Error) -> bool {
    let known =
        [TOO_MANY_OPEN_FILES, NOT_ENOUGH_MEMORY, OUT_OF_MEMORY, NO_SYSTEM_RESOURCES, COMMITMENT_LIMIT];
    is_one_of(error, &known)
}

/// Whether the system ran out of sockets or memory for one more connection.
pub fn of_connections(error: &io::Error) -> bool {
    let known = [NOT_ENOUGH_MEMORY, OUT_OF_MEMORY, NO_SYSTEM_RESOURCES, TOO_MANY_SOCKETS, NO_BUFFER_SPACE];
    is_one_of(error, &known)
}
