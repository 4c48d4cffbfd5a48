//! `exec`: becomes another command, with a fresh token in the variables that gh and its friends read.

use std::io;
use std::os::unix::process::CommandExt;

use anyhow::Result;

use super::provide::{ask_without_git, note_origins, provider};
use crate::cli::ExecArgs;
use crate::clock::Deadline;
use crate::error::{Failure, Kind, escape};
use crate::process;
use crate::provider::TokenProvider;
use crate::report::Report;
use crate::settings::Sources;

/// Runs the command; returns only where that fails.
pub fn run(sources: &Sources, arguments: &ExecArgs, report: Report) -> Result<()> {
    let settings = sources.settings()?;
    note_origins(sources, report)?;
    let deadline = Deadline::after(settings.timeout);
    let ask = ask_without_git(&settings)?;
    let token = provider(&settings, &ask.scope, deadline, report).token(&ask)?;
    let [program, rest @ ..] = arguments.command.as_slice() else { return Ok(()) };
    let host = &settings.host;
    let mut command = process::program(program);
    command.args(rest);
    for name in host.token_variables() {
        command.env(name, token.secret.expose());
    }
    // gh hands the token for one kind of host to any host of the other kind, where it finds one.
    for name in host.foreign_token_variables() {
        command.env_remove(name);
    }
    if host.name == "github.com" {
        command.env_remove("GH_HOST");
    } else {
        command.env("GH_HOST", &host.name);
    }
    let error = command.exec();
    let kind = if error.kind() == io::ErrorKind::NotFound { Kind::NotFound } else { Kind::CannotRun };
    let name = escape(&program.to_string_lossy());
    Err(Failure::new(kind, format!("run {name}: {error}"))
        .hint("check the command's name and the PATH")
        .into())
}
