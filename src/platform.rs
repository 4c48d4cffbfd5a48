//! Everything that depends on the operating system: private files, locks, processes, threads, clocks. It knows nothing
//! about tokens.
//!
//! `unix` and `windows` have the same modules with the same functions, of which a build has one half; no other file says
//! `cfg(unix)` or `cfg(windows)`.

pub mod atomic_write;
pub mod bounds;
pub mod clock;
mod command;
pub mod line_sink;
pub mod lock;
#[cfg(any(windows, test))]
mod powershell;
pub mod process;
#[cfg(any(windows, test))]
mod sddl;
pub mod search;
pub mod threads;
mod trust;
#[cfg(unix)]
mod unix;
pub mod watched;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub use system::{files, paths, private_files, shell, signals, sockets, terminal, unix_socket, users};
