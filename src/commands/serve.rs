//! `serve`: the broker, from options to the running endpoint; and `serve hash-bearer`, which makes a line for its file.

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::broker::{self, Form, Limits, Options, Place, bearers};
use crate::cli::{HashBearerArgs, LogForm, ServeArgs, ServeCommand};
use crate::commands::print;
use crate::programs::git::origin::Here;
use crate::report::Report;
use crate::session::chosen;
use crate::settings::{self, Sources};
use crate::tokens::config::Config;
use crate::tokens::error::{Failure, Kind, escape};
use crate::tokens::secret::Secret;

/// More than any bearer is long.
const MAX_BEARER: u64 = 4096;
/// One with fewer characters can be guessed, above all by whoever has seen its hash.
const MIN_BEARER: usize = 16;

/// Runs the command.
pub fn run(sources: &Sources, arguments: &ServeArgs, report: Report) -> Result<()> {
    if let Some(ServeCommand::HashBearer(arguments)) = &arguments.command {
        return hash_bearer(arguments);
    }
    let given = sources.given().clone();
    let read = move || settings(&Sources::read(&given), report);
    let profile = chosen(sources, &Here::default(), report)?;
    let listen = Place::parse(&arguments.listen).ok_or_else(|| {
        Failure::new(Kind::Usage, format!("option --listen: bad place \"{}\"", escape(&arguments.listen)))
            .hint("expected ADDRESS:PORT such as 127.0.0.1:8080 or [::]:8443, unix:PATH, or systemd")
    })?;
    let options = Options {
        listen,
        tls: path("--tls-cert", arguments.tls_cert.as_deref())?
            .zip(path("--tls-key", arguments.tls_key.as_deref())?),
        bearer_file: path("--bearer-file", arguments.bearer_file.as_deref())?,
        allow_http: profile.allow_http()?,
        drain: settings::option_duration("--drain", Some(&arguments.drain))?,
        log: match arguments.log {
            LogForm::Plain => Form::Plain,
            LogForm::Json => Form::Json,
        },
        limits: Limits::default(),
    };
    broker::serve(Box::new(read), options, report)
}

fn settings(sources: &Sources, report: Report) -> Result<Config> {
    let settings = chosen(sources, &Here::default(), report)?.for_serving()?;
    if settings.owner.is_none()
        && !settings.repositories.is_empty()
        && settings.app.as_ref().is_some_and(|app| app.installation_id.is_none())
    {
        return Err(Failure::new(Kind::Settings, "the server's settings name a repository and no owner, so that every owner's repository of that name could be had")
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
    if !bearers::is_name(name) {
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
        // What was asked for: it is shown once, apart from the line that goes to the file.
        let shown = Secret::new(format!("bearer: {}\n", bearer.expose()));
        io::stderr().write_all(shown.expose().as_bytes())?;
        return print(&Secret::new(bearers::line(name, bearer.expose().as_bytes()) + "\n"));
    }
    if given.len() as u64 > MAX_BEARER || !given.iter().all(u8::is_ascii_graphic) {
        return Err(Failure::new(Kind::Usage, "standard input is not one line of printable characters")
            .hint("give the bearer as its file holds it, or nothing to have one made")
            .into());
    }
    if given.len() < MIN_BEARER {
        return Err(Failure::new(
            Kind::Usage,
            format!("a bearer of fewer than {MIN_BEARER} characters can be guessed"),
        )
        .hint("give nothing on standard input to have one made")
        .into());
    }
    print(&Secret::new(bearers::line(name, given) + "\n"))
}
