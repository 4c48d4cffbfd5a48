//! The library: git's protocol, GitHub's API, where tokens come from, and how they are kept. It reads no environment and
//! no command line, and prints nothing: configuration, notes and the clock are parameters.

pub mod ask;
pub mod cache;
pub mod config;
pub mod error;
pub mod fault;
pub mod github;
pub mod host;
pub mod http;
pub mod notes;
pub mod origin;
pub mod protocol;
pub mod scope;
pub mod secret;
pub mod shell_command;
pub mod signatures;
pub mod source;
pub mod token;
