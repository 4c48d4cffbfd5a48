//! The command line, as clap types and nothing else. The options of settings are made from the table of all settings.
//! Values stay text: `settings` checks them, whatever their origin.

#![expect(clippy::doc_markdown, reason = "doc comments here are help texts, where backticks would show")]

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::settings::Given;

mod settings;
mod setup;

pub use setup::{SetupArgs, Timer};

/// The heading of their help.
const SETTINGS: &str = "Settings";

/// The whole command line
#[derive(Debug, Parser)]
#[command(
    name = "git-credential-github-app",
    bin_name = "git-credential-github-app",
    version,
    about = "Give git and gh a fresh GitHub App installation token",
    after_help = "To begin: git-credential-github-app setup",
    after_long_help = "To begin: git-credential-github-app setup\n\nExit status: 0 done or not ours, 1 failed, 2 usage, 3 settings or key wrong, 4 refused, 5 temporary.\nAlso read: WORKSPACE_ID, MOLECULE_ORG_ID, NO_COLOR, proxy and certificate variables; see the manual.\nManual: git help credential-github-app",
    arg_required_else_help = true,
    disable_help_subcommand = true,
    mut_subcommands = settings::show_common
)]
pub struct Cli {
    /// Options for every command
    #[command(flatten)]
    pub options: Options,
    /// The command, or git's operation
    #[command(subcommand)]
    pub command: Command,
}

/// The command line of a helper without git's operation at its end
#[derive(Debug, Parser)]
#[command(disable_help_flag = true)]
pub struct HelperLine {
    /// The helper's options
    #[command(flatten)]
    pub options: Options,
}

/// The command that a mistyped word is most like
pub fn similar_command(word: &str) -> Option<String> {
    // A command that takes any word for one of its own, such as a later git's operation, suggests nothing.
    let strict = clap::Command::new("").subcommands(Cli::command().get_subcommands().cloned());
    let error = strict.try_get_matches_from(["", word]).err()?;
    match error.get(ContextKind::SuggestedSubcommand)? {
        ContextValue::String(name) => Some(name.clone()),
        // The best comes last.
        ContextValue::Strings(names) => names.last().cloned(),
        _ => None,
    }
}

/// What to do
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer git with a credential (git credential protocol on stdin)
    Get,
    /// Note that a token worked; keeps nothing else
    Store,
    /// Evict the token that git says was refused
    Erase,
    /// List the protocol capabilities that get uses
    Capability,
    /// Print one installation token
    Token(TokenArgs),
    /// Write the settings file, and make git use this helper
    Setup(SetupArgs),
    /// Keep cached tokens fresh, and gh logged in; for cron and timers
    Refresh(RefreshArgs),
    /// Run a command with a fresh token in gh's environment variables
    Exec(ExecArgs),
    /// Show the settings and the cached tokens; no network, no secrets
    Status(StatusArgs),
    /// Check every link between git and GitHub, and say how to fix it
    Doctor(DoctorArgs),
    /// Revoke the cached token at GitHub and evict it
    Revoke(RevokeArgs),
    /// Be the broker: workspaces get tokens over HTTP, and need no key
    Serve(ServeArgs),
    /// Print a script of completions for a shell
    Completions(CompletionsArgs),
    /// An operation of a later git
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

/// Options of `token`
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// Print a JSON object with the token and what is known of it
    #[arg(long)]
    pub json: bool,
    /// Ask for at least this much life, such as 40m
    #[arg(long, value_name = "DUR")]
    pub min_life: Option<String>,
}

/// Options of `refresh`
#[derive(Debug, Args)]
pub struct RefreshArgs {
    /// Every scope that has a token in the cache
    #[arg(long)]
    pub all: bool,
    /// Also log gh in with the token
    #[arg(long)]
    pub gh: bool,
    /// Renew a token with less life left [default: 40m]
    #[arg(long, value_name = "DUR")]
    pub min_life: Option<String>,
}

/// What `exec` runs
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// Leave GITHUB_APP_PRIVATE_KEY and GITHUB_APP_BROKER_TOKEN in the command's environment
    #[arg(long)]
    pub with_secrets: bool,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// Options of `status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

/// Options of `doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
    /// Also let git list this repository's branches; a URL of it will do
    #[arg(long, value_name = "OWNER/NAME")]
    pub repo: Option<String>,
}

/// Options of `revoke`
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// Every cached token, whatever its host, owner and scope
    #[arg(long)]
    pub all: bool,
    /// Only evict; the token stays valid at GitHub until it expires
    #[arg(long)]
    pub local: bool,
}

/// Options of `serve`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ServeArgs {
    /// Something beside serving
    #[command(subcommand)]
    pub command: Option<ServeCommand>,
    /// Where to listen: ADDRESS:PORT, unix:PATH or systemd
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// Certificate chain for TLS, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Key of that certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Who may have which tokens, a line for each bearer
    #[arg(long, value_name = "FILE")]
    pub bearer_file: Option<PathBuf>,
    /// How long open requests may take after the signal to stop
    #[arg(long, value_name = "DUR", default_value = "10s", hide_short_help = true)]
    pub drain: String,
    /// How the log is written: plain or json
    #[arg(
        long,
        value_name = "FORM",
        value_enum,
        default_value = "plain",
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub log: LogForm,
}

/// How the broker's log is written
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// For people
    Plain,
    /// One JSON object a line
    Json,
}

/// What `serve` does beside serving
#[derive(Debug, Subcommand)]
pub enum ServeCommand {
    /// Make a bearer file's line for the bearer on stdin or a new one
    ///
    /// The bearer is a new one on a terminal, and where standard input is empty.
    HashBearer(HashBearerArgs),
}

/// Options of `serve hash-bearer`
#[derive(Debug, Args)]
pub struct HashBearerArgs {
    /// What logs call the bearer
    #[arg(default_value = "workspace")]
    pub name: String,
}

/// Which shell
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// bash, zsh, fish, elvish or powershell
    #[arg(value_enum, hide_possible_values = true)]
    pub shell: clap_complete::Shell,
}

/// When messages are coloured
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Settings, and how much is said
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct Options {
    /// Each beats its environment variable and its key in the settings file
    #[command(flatten)]
    pub given: Given,
    /// Say on stderr what is done
    #[arg(short, long, global = true, action = ArgAction::Count, hide_short_help = true, help_heading = SETTINGS)]
    pub verbose: u8,
    /// No warnings
    #[arg(short, long, global = true, conflicts_with = "verbose", hide_short_help = true, help_heading = SETTINGS)]
    pub quiet: bool,
    /// Colour messages: auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        hide_possible_values = true,
        hide_short_help = true,
        help_heading = SETTINGS
    )]
    pub color: Color,
}
