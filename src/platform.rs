//! What differs from one operating system to the next, and nothing else knows: private files, locks, processes, threads,
//! clocks. It knows nothing of tokens.

pub mod atomic_write;
pub mod bounds;
pub mod clock;
pub mod getent;
pub mod line_sink;
pub mod lock;
pub mod private_files;
pub mod process;
pub mod threads;
pub mod unix_socket;
pub mod watched;
