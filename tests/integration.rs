//! The built binary against loopback servers and the real git: status, stdout and stderr as users see them.

#![allow(
    clippy::disallowed_methods,
    reason = "the tests are the edge: they read the clock and start programs"
)]

mod support;

mod app;
mod broker;
mod cache;
mod common;
mod docs;
mod gh;
mod protocol;
mod real_git;
mod settings;
