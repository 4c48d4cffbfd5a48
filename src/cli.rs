//! The command line, as clap types and nothing else. Values stay text: `settings` checks them, whatever their origin.

#![expect(clippy::doc_markdown, reason = "doc comments here are help texts, where backticks would show")]

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

/// The whole command line
#[derive(Debug, Parser)]
#[command(
    name = "git-credential-github-app",
    bin_name = "git-credential-github-app",
    version,
    about = "Give git and gh a fresh GitHub App installation token",
    after_help = "Exit status: 0 done or not ours, 1 failed, 2 usage, 3 settings or key wrong, 4 refused, 5 temporary.\nAlso read: WORKSPACE_ID, MOLECULE_ORG_ID, NO_COLOR, proxy and certificate variables; see the manual.\nManual: git help credential-github-app",
    arg_required_else_help = true,
    disable_help_subcommand = true
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
    /// Write the given options to the settings file, and make git use this helper
    Setup(SetupArgs),
    /// Keep tokens with enough life in the cache, and gh logged in; for cron and timers
    Refresh(RefreshArgs),
    /// Run a command with a fresh token in gh's environment variables
    Exec(ExecArgs),
    /// Show what is configured and which tokens are cached; no network, no secrets
    Status(StatusArgs),
    /// Check every link between git and GitHub, and say what to do about what is wrong
    Doctor(DoctorArgs),
    /// Revoke the cached token at GitHub and evict it
    Revoke(RevokeArgs),
    /// Be the broker: hand out tokens over HTTP, so that workspaces need no key
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

/// Options of `setup`
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("place").multiple(false))]
pub struct SetupArgs {
    /// Only show what would be written
    #[arg(long)]
    pub print: bool,
    /// Remove exactly what setup has written for the host
    #[arg(long, conflicts_with_all = ["print", "identity", "insteadof", "timer"])]
    pub undo: bool,
    /// Also set the bot's user.name and user.email
    #[arg(long)]
    pub identity: bool,
    /// Also let git use https for this host's ssh URLs
    #[arg(long)]
    pub insteadof: bool,
    /// Also refresh the tokens every 30 minutes: systemd or cron
    #[arg(long, value_name = "KIND", value_enum, hide_possible_values = true)]
    pub timer: Option<Timer>,
    /// Let the timer log gh in, too
    #[arg(long, requires = "timer")]
    pub gh: bool,
    /// Settings and git's configuration for all users, below /etc
    #[arg(long, group = "place")]
    pub system: bool,
    /// Settings and git's configuration for this user (the default)
    #[arg(long, group = "place")]
    pub global: bool,
    /// Change git's configuration of the repository here
    #[arg(long, group = "place")]
    pub local: bool,
    /// Change this file of git configuration
    #[arg(long, group = "place", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// What runs `refresh` every half an hour
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Timer {
    /// Units of the user's systemd
    Systemd,
    /// A line in the user's crontab
    Cron,
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
    /// Also let git list this repository's branches
    #[arg(long, value_name = "OWNER/NAME")]
    pub repo: Option<String>,
}

/// Options of `revoke`
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// Every cached token, whatever its host, owner and scope
    #[arg(long)]
    pub all: bool,
    /// Only evict; the token lives on at GitHub until it expires
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
    #[arg(long, value_name = "DUR", default_value = "10s")]
    pub drain: String,
    /// How the log is written: plain or json
    #[arg(long, value_name = "FORM", value_enum, default_value = "plain", hide_possible_values = true)]
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
    /// Make a line for the bearer file from the bearer on standard input; on a terminal or without input from a new one
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

/// Settings; each beats its environment variable and its key in the settings file
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Settings")]
pub struct Options {
    /// Settings file [env: GITHUB_APP_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Git host to answer for [env: GITHUB_APP_HOST] [default: github.com]
    #[arg(long, global = true, value_name = "HOST")]
    pub host: Option<String>,
    /// REST base URL [env: GITHUB_APP_API_URL] [default: from the host]
    #[arg(long, global = true, value_name = "URL")]
    pub api_url: Option<String>,
    /// Client ID or App ID [env: GITHUB_APP_CLIENT_ID, GITHUB_APP_ID]
    #[arg(long, global = true, value_name = "ID")]
    pub app_id: Option<String>,
    /// Installation ID [env: GITHUB_APP_INSTALLATION_ID] [default: discovered]
    #[arg(long, global = true, value_name = "ID")]
    pub installation_id: Option<String>,
    /// Whose installation, where git names no path [env: GITHUB_APP_OWNER]
    #[arg(long, global = true, value_name = "LOGIN")]
    pub owner: Option<String>,
    /// The App's private key, a PEM file [env: GITHUB_APP_PRIVATE_KEY_FILE; the PEM itself: GITHUB_APP_PRIVATE_KEY]
    #[arg(long, global = true, value_name = "FILE")]
    pub private_key_file: Option<String>,
    /// Command that prints the private key [env: GITHUB_APP_PRIVATE_KEY_COMMAND]
    #[arg(long, global = true, value_name = "CMD")]
    pub private_key_command: Option<String>,
    /// Command that signs its stdin with RS256 [env: GITHUB_APP_SIGN_COMMAND]
    #[arg(long, global = true, value_name = "CMD")]
    pub sign_command: Option<String>,
    /// Broker that mints for us [env: GITHUB_APP_BROKER_URL, PLATFORM_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub broker_url: Option<String>,
    /// File with the broker's bearer [env: GITHUB_APP_BROKER_TOKEN_FILE; the bearer itself: GITHUB_APP_BROKER_TOKEN] [default with PLATFORM_URL: .auth_token in CONFIGS_DIR]
    #[arg(long, global = true, value_name = "FILE")]
    pub broker_token_file: Option<String>,
    /// Where tokens come from: broker, app or auto [env: GITHUB_APP_SOURCE] [default: auto]
    #[arg(long, global = true, value_name = "SOURCE")]
    pub source: Option<String>,
    /// Narrow the token to this repository (repeat)
    #[arg(long, global = true, value_name = "NAME", action = ArgAction::Append)]
    pub repository: Vec<String>,
    /// Narrow the token to this permission (repeat)
    #[arg(long, global = true, value_name = "NAME=LEVEL", action = ArgAction::Append)]
    pub permission: Vec<String>,
    /// Narrow each token to the repository git asks for [env: GITHUB_APP_PER_REPOSITORY]
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub per_repository: Option<String>,
    /// Renew a cached token that has less life left [env: GITHUB_APP_MARGIN] [default: 4m]
    #[arg(long, global = true, value_name = "DUR")]
    pub margin: Option<String>,
    /// Limit for everything on network and locks [env: GITHUB_APP_TIMEOUT] [default: 30s]
    #[arg(long, global = true, value_name = "DUR")]
    pub timeout: Option<String>,
    /// Cache directory [env: GITHUB_APP_CACHE_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub cache_dir: Option<String>,
    /// Keep nothing on disk
    #[arg(long, global = true)]
    pub no_cache: bool,
    /// After a failed get: quit (stop git) or next (let git ask its next helper) [env: GITHUB_APP_ON_FAILURE] [default: quit]
    #[arg(long, global = true, value_name = "ACTION")]
    pub on_failure: Option<String>,
    /// Allow plain http to any broker [env: GITHUB_APP_ALLOW_HTTP]
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub allow_http: Option<String>,
    /// Hand out a new token without trying it first [env: GITHUB_APP_VERIFY=false]
    #[arg(long, global = true)]
    pub no_verify: bool,
    /// Say on stderr what is done
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// No warnings
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Colour messages: auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        hide_possible_values = true
    )]
    pub color: Color,
}
