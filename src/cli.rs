//! The command line: the commands, and what runs them. Each command has its own options in its own file; the options of
//! settings are generated from the table of all settings.

use std::ffi::OsString;

use anyhow::Result;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{
    capability, completions, doctor, erase, exec, get, refresh, revoke, serve, setup, status, store,
    token_command,
};
use crate::report::Report;
use crate::session::request;
use crate::settings::Sources;
use crate::settings::options::{self, Color, Options};
use crate::tokens::error::PROGRAM;

pub mod usage;

/// The whole command line
#[derive(Debug, Parser)]
#[command(
    name = PROGRAM,
    bin_name = PROGRAM,
    version = env!("VERSION_LINE"),
    about = "Give git and gh a fresh GitHub App installation token",
    after_help = "To begin: git-credential-github-app setup",
    after_long_help = "To begin: git-credential-github-app setup\n\nExit status: 0 done or not ours, 1 failed, 2 usage, 3 settings or key wrong, 4 refused, 5 temporary.\nAlso read: WORKSPACE_ID, MOLECULE_ORG_ID, NO_COLOR, proxy and certificate variables; see the manual.\nManual: git help credential-github-app",
    arg_required_else_help = true,
    disable_help_subcommand = true,
    mut_subcommands = options::show_common
)]
pub struct Cli {
    /// Options for every command
    #[command(flatten)]
    pub options: Options,
    /// The command, or git's operation
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// How much to print, and whether in colour.
    pub fn report(&self, no_color: bool) -> Report {
        let Options { verbose, quiet, color, .. } = &self.options;
        let color = match color {
            Color::Auto => None,
            Color::Always => Some(true),
            Color::Never => Some(false),
        };
        Report::new(*verbose > 0, *quiet, color, no_color)
    }

    /// Runs the command; the exit code is that of the error's kind.
    pub fn run(&self, report: Report) -> Result<()> {
        let sources = Sources::read(&self.options.given);
        match &self.command {
            Command::Get => get::run(&sources, report),
            Command::Store => store::run(&sources, report),
            Command::Erase => erase::run(&sources, report),
            Command::Capability => capability::run(),
            Command::Token(arguments) => token_command::run(&sources, arguments, report),
            Command::Setup(arguments) => setup::run(&self.options, arguments, report),
            Command::Refresh(arguments) => refresh::run(&sources, arguments, report),
            Command::Exec(arguments) => exec::run(&sources, arguments, report),
            Command::Status(arguments) => status::run(&sources, arguments, report),
            Command::Doctor(arguments) => doctor::run(&sources, arguments, report),
            Command::Revoke(arguments) => revoke::run(&sources, arguments, report),
            Command::Serve(arguments) => serve::run(&sources, arguments, report),
            Command::Completions(arguments) => completions::run(arguments, Self::command()),
            Command::Unknown(words) => request::unknown_operation(words, similar_command),
        }
    }
}

/// The command most similar to a mistyped word
pub fn similar_command(word: &str) -> Option<String> {
    // A command that accepts any word as its own, such as a future git operation, suggests nothing.
    let strict = clap::Command::new("").subcommands(Cli::command().get_subcommands().cloned());
    let error = strict.try_get_matches_from(["", word]).err()?;
    match error.get(ContextKind::SuggestedSubcommand)? {
        ContextValue::String(name) => Some(name.clone()),
        // The best suggestion comes last.
        ContextValue::Strings(names) => names.last().cloned(),
        _ => None,
    }
}

/// The commands
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer git with a credential (git credential protocol on stdin)
    Get,
    /// Note that a token worked; store nothing
    Store,
    /// Evict the token that git says was refused
    Erase,
    /// List the protocol capabilities that get uses
    Capability,
    /// Print one installation token
    Token(token_command::TokenArgs),
    /// Write the settings file, and make git use this helper
    Setup(setup::SetupArgs),
    /// Keep cached tokens fresh and gh logged in, for cron and timers
    Refresh(refresh::RefreshArgs),
    /// Run a command with a fresh token in gh's variables
    Exec(exec::ExecArgs),
    /// Show settings and cached tokens, without network or secrets
    Status(status::StatusArgs),
    /// Check every link between git and GitHub, and say how to fix each
    Doctor(doctor::DoctorArgs),
    /// Revoke the cached token at GitHub and evict it
    Revoke(revoke::RevokeArgs),
    /// Run the broker: workspaces get tokens over HTTP and need no key
    Serve(Box<serve::ServeArgs>),
    /// Print shell completions
    Completions(completions::CompletionsArgs),
    /// An operation of a future git
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}
