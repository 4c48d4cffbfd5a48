//! Linux, macOS and their relatives.

pub mod files;
pub mod paths;
pub mod private_files;
pub mod programs;
pub mod scarcity;
pub mod search;
pub mod shell;
pub mod signals;
pub mod sockets;
pub mod terminal;
pub mod unix_socket;
pub mod users;
