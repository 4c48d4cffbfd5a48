//! The built binary against loopback servers and the real git: status, stdout and stderr as users see them.

#![allow(
    clippy::disallowed_methods,
    reason = "the tests are the edge: they read the clock and start programs"
)]

mod support;

mod action;
mod app;
mod architecture;
mod bounds;
mod broker;
mod cache;
mod calls;
mod clients;
mod clone;
mod common;
mod completions;
mod deploying;
mod docs;
mod doctor;
mod exec;
mod faults;
mod first_aid;
mod gh;
mod granted;
mod help;
mod hosts;
mod identities;
mod install;
mod keys;
mod leaks;
mod neighbours;
mod network;
mod not_the_api;
mod owners;
mod pages;
mod profiles;
mod protocol;
mod raw_paths;
mod real_git;
mod recipes;
mod refresh;
mod refresh_gh;
mod released;
mod replicas;
mod revoke;
mod scope;
mod serve;
mod settings;
mod setup;
mod soak;
mod status;
mod terminal;
mod timer;
mod trial;
mod unreported;
mod windows;
mod wrong_clock;
mod wrong_forms;
