//! What the tests and the demo share: loopback servers that behave like GitHub and like a broker,
//! keys and certificates made at run time, and a sandbox in which the built binary and real gits run.
#![allow(dead_code, reason = "each user takes a part")]
#![allow(clippy::disallowed_methods, reason = "test support starts programs and reads the real clock")]

pub mod acceptor;
pub mod actions;
pub mod at_once;
pub mod broker;
pub mod collector;
pub mod connect_proxy;
pub mod gh;
pub mod git;
pub mod github;
pub mod gzip;
pub mod http_client;
pub mod http_server;
pub mod inherited;
pub mod issuer;
pub mod keys;
pub mod leftovers;
pub mod namespace;
pub mod needs;
pub mod process;
pub mod pty;
pub mod raw_server;
pub mod runner;
pub mod sandbox;
pub mod strace;
pub mod terminal;
pub mod tls;
pub mod tokens;
pub mod users;
pub mod wrong_clock;
