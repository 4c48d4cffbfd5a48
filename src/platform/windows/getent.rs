//! The user database, which Windows asks by itself.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::platform::clock::Deadline;

/// Whether this build must not ask the system itself.
pub const NEEDED: bool = false;

/// The addresses of a host, by another way than the system's own: there is none.
pub fn addresses(_: &str, _: Deadline) -> io::Result<Option<Vec<IpAddr>>> {
    Ok(None)
}

/// The home directory by the user database: `directories` asks for it.
pub fn home() -> Option<PathBuf> {
    None
}
