//! `serve`: builds the broker from the options and runs it. `serve hash-bearer` makes a line for the bearer file.

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::{Args, Subcommand, ValueEnum};
use zeroize::Zeroizing;

use crate::broker::{
    self, AuditPlace, Limits, ListenAddress, LogFormat, ServeOptions, Stderr, bearers, identity,
};
use crate::commands::print;
use crate::programs::git::here::Here;
use crate::report::{self, Report};
use crate::session::chosen;
use crate::settings::{self, Sources};
use crate::tokens::config::Config;
use crate::tokens::error::{Failure, Kind, escape};
use crate::tokens::secret::Secret;

mod check_trust;

use check_trust::CheckTrustArgs;

/// Longer than any bearer.
const MAX_BEARER: u64 = 4096;
/// A shorter bearer can be guessed, above all by someone who has seen its hash.
const MIN_BEARER: usize = 16;

/// Options of `serve`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ServeArgs {
    /// A subcommand, instead of serving
    #[command(subcommand)]
    pub command: Option<ServeCommand>,
    /// Where to listen
    ///
    /// ADDRESS:PORT, unix:PATH, or systemd for a socket that systemd passes on.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// Certificate chain for TLS, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of that certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert", hide_short_help = true)]
    pub tls_key: Option<PathBuf>,
    /// Bearer file: who may get which tokens
    #[arg(long, value_name = "FILE")]
    pub bearer_file: Option<PathBuf>,
    /// Trust file: which OIDC tokens may get what
    #[arg(long, value_name = "FILE")]
    pub trust_file: Option<PathBuf>,
    /// Log every decision to this file; - is stdout
    #[arg(long, value_name = "FILE")]
    pub audit_log: Option<PathBuf>,
    /// Time for open requests to finish after SIGTERM
    #[arg(long, value_name = "DUR", default_value = "10s", hide_short_help = true)]
    pub drain: String,
    /// Log format: plain or json
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

/// The log format
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// For people
    Plain,
    /// One JSON object a line
    Json,
}

/// Subcommands of `serve`
#[derive(Debug, Subcommand)]
pub enum ServeCommand {
    /// Make a bearer file's line from stdin, or with a new bearer
    ///
    /// A new bearer is made on a terminal and if standard input is empty.
    HashBearer(HashBearerArgs),
    /// Check a trust file, and show what given claims would get
    CheckTrust(CheckTrustArgs),
}

/// Options of `serve hash-bearer`
#[derive(Debug, Args)]
pub struct HashBearerArgs {
    /// Name of the bearer in logs
    #[arg(default_value = "workspace")]
    pub name: String,
}

/// Runs the command.
pub fn run(sources: &Sources, arguments: &ServeArgs, report: Report) -> Result<()> {
    match &arguments.command {
        Some(ServeCommand::HashBearer(arguments)) => return hash_bearer(arguments),
        Some(ServeCommand::CheckTrust(arguments)) => return check_trust::run(arguments, report),
        None => {}
    }
    let given = sources.given().clone();
    let read = move || settings(&Sources::read(&given), report);
    let profile = chosen(sources, &Here::default(), report)?;
    let listen = ListenAddress::parse(&arguments.listen).ok_or_else(|| {
        Failure::new(Kind::Usage, format!("option --listen: bad address \"{}\"", escape(&arguments.listen)))
            .hint("expected ADDRESS:PORT such as 127.0.0.1:8080 or [::]:8443, unix:PATH, or systemd")
    })?;
    let options = ServeOptions {
        listen,
        tls: path("--tls-cert", arguments.tls_cert.as_deref())?
            .zip(path("--tls-key", arguments.tls_key.as_deref())?),
        bearer_file: path("--bearer-file", arguments.bearer_file.as_deref())?,
        trust_file: path("--trust-file", arguments.trust_file.as_deref())?,
        audit: match path("--audit-log", arguments.audit_log.as_deref())? {
            Some(path) if path == Path::new("-") => Some(AuditPlace::Stdout),
            other => other.map(AuditPlace::File),
        },
        allow_http: profile.allow_http()?,
        drain: settings::option_duration("--drain", Some(&arguments.drain))?,
        log: match arguments.log {
            LogForm::Plain => LogFormat::Plain,
            LogForm::Json => LogFormat::Json,
        },
        stderr: Stderr { write: report::write, divert: report::divert },
        limits: Limits::default(),
    };
    broker::serve(Box::new(read), options, report.notes)
}

fn settings(sources: &Sources, report: Report) -> Result<Config> {
    let settings = chosen(sources, &Here::default(), report)?.for_serving()?;
    if settings.owner.is_none()
        && !settings.repositories.is_empty()
        && settings.app.as_ref().is_some_and(|app| app.installation_id.is_none())
    {
        return Err(Failure::new(Kind::Settings, "the server's settings name a repository but no owner, so any owner's repository of that name would be allowed")
            .hint("name the owner with --owner, or its installation with --installation-id")
            .into());
    }
    Ok(settings)
}

fn path(option: &str, path: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    path.map(|path| settings::option_path(option, path)).transpose()
}

fn hash_bearer(arguments: &HashBearerArgs) -> Result<()> {
    let name = &arguments.name;
    if !identity::is_name(name) {
        return Err(Failure::new(Kind::Usage, format!("bad name \"{}\"", escape(name)))
            .hint("expected one word of printable characters, not - and not beginning with #")
            .into());
    }
    let mut stdin = io::stdin();
    let mut text = Zeroizing::new(Vec::new());
    if !stdin.is_terminal() {
        stdin.by_ref().take(MAX_BEARER + 3).read_to_end(&mut text).context("read the bearer from stdin")?;
    }
    let given = text.trim_ascii();
    if given.is_empty() {
        let mut random = Zeroizing::new([0; 32]);
        getrandom::fill(random.as_mut()).map_err(|error| Failure::new(Kind::Other, error.to_string()))?;
        let bearer = Secret::new(URL_SAFE_NO_PAD.encode(random.as_ref()));
        // The user asked for a new bearer: show it once, apart from the line for the file.
        let shown = Secret::new(format!("bearer: {}\n", bearer.expose()));
        io::stderr().write_all(shown.expose().as_bytes())?;
        return print(&Secret::new(bearers::line(name, bearer.expose().as_bytes()) + "\n"));
    }
    if given.len() as u64 > MAX_BEARER || !given.iter().all(u8::is_ascii_graphic) {
        return Err(Failure::new(Kind::Usage, "standard input is not one line of printable characters")
            .hint("pass the bearer as its file holds it, or leave standard input empty to make a new one")
            .into());
    }
    if given.len() < MIN_BEARER {
        return Err(Failure::new(
            Kind::Usage,
            format!("a bearer of fewer than {MIN_BEARER} characters can be guessed"),
        )
        .hint("leave standard input empty to make a new one")
        .into());
    }
    print(&Secret::new(bearers::line(name, given) + "\n"))
}
