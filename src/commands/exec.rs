//! `exec`: replaces itself with another command, with a fresh token in the variables that gh and similar tools read.
//! The command gets a token that expires within the hour, not the App: our own secrets are removed from its
//! environment.

use std::ffi::OsString;
use std::io;

use anyhow::Result;
use clap::Args;

use crate::platform::clock::Deadline;
use crate::platform::process;
use crate::programs::git::here::Here;
use crate::report::Report;
use crate::session::{Asks, chosen, provider};
use crate::settings::Sources;
use crate::tokens::ask::TokenProvider;
use crate::tokens::config::BearerSource;
use crate::tokens::error::{Failure, Kind, escape};

/// What `exec` runs
#[expect(clippy::doc_markdown, reason = "help texts, where backticks would show")]
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// Leave GITHUB_APP_PRIVATE_KEY, GITHUB_APP_BROKER_TOKEN and a job's secret in the command's environment
    #[arg(long)]
    pub with_secrets: bool,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// Runs the command; returns only on failure.
pub fn run(sources: &Sources, arguments: &ExecArgs, report: Report) -> Result<()> {
    let here = Here::default();
    let settings = chosen(sources, &here, report)?.settings()?;
    let deadline = Deadline::after(settings.timeout);
    let asks = Asks::here(&settings, &here, report)?.handing_out(&settings);
    let token = asks.run(|ask| provider(&settings, &ask.scope, deadline, report).token(ask))?;
    let [program, rest @ ..] = arguments.command.as_slice() else { return Ok(()) };
    let host = &settings.host;
    let mut command = process::foreign(program);
    command.args(rest);
    for name in host.token_variables() {
        command.env(name, token.secret.expose());
    }
    // gh sends the token for one kind of host to any host of the other kind if it finds one there.
    for name in host.foreign_token_variables() {
        command.env_remove(name);
    }
    if !arguments.with_secrets {
        process::without_own_secrets(&mut command);
        if settings.broker.as_ref().is_some_and(|broker| matches!(broker.bearer, BearerSource::IdToken(_))) {
            // In an Actions job this secret can be exchanged for the broker's bearer.
            process::without_secrets(&mut command);
        }
    }
    if host.name == "github.com" {
        command.env_remove("GH_HOST");
    } else {
        command.env("GH_HOST", &host.name);
    }
    let error = process::become_another(&mut command);
    let kind = if error.kind() == io::ErrorKind::NotFound { Kind::NotFound } else { Kind::CannotRun };
    let name = escape(&program.to_string_lossy());
    Err(Failure::new(kind, format!("run {name}: {error}"))
        .hint("check the command's name and the PATH")
        .into())
}
