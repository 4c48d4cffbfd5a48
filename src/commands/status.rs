//! `status`: shows, for every profile, what is configured, where each value came from, which key is used and which
//! tokens are cached. No network, no secrets, nothing written. Wrong settings are part of the answer; if they cannot be
//! read, it prints what it can and exits with 3.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::commands::status::bearer::BearerState;
use crate::commands::{existing_cache, print};
use crate::platform::clock::Deadline;
use crate::platform::process::PATIENCE;
use crate::programs::git::{self, wiring::Wiring};
use crate::report::Report;
use crate::settings::{Listed, Profile, Sources, other_programs};
use crate::tokens::cache::listing::{self, CachedToken};
use crate::tokens::config::{Config, KeySource};
use crate::tokens::error::{Failure, json_line};
use crate::tokens::github::signer;
use crate::tokens::host::Host;
use crate::tokens::secret::Secret;

mod bearer;
mod json;
mod text;

/// Options of `status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(sources: &Sources, arguments: &StatusArgs, report: Report) -> Result<()> {
    let (status, failure) = Status::gather(sources, report)?;
    let text = if arguments.json { json_line(&status.to_json()) + "\n" } else { status.to_text(report) };
    print(&Secret::new(text))?;
    failure.map_or(Ok(()), |failure| Err(failure.into()))
}

/// What exists, or what is wrong with it.
type Found<T> = Result<T, String>;

struct Status {
    settings_file: Option<String>,
    profiles: Vec<OfProfile>,
    cache_dirs: Vec<PathBuf>,
    tokens: Found<Vec<CachedToken>>,
    /// Where gh keeps its login, and the variables that override it.
    gh: (Option<String>, Vec<&'static str>),
}

/// The state of one profile.
struct OfProfile {
    name: Option<String>,
    settings: Vec<Listed>,
    /// The providers, in the order they are asked.
    source: Result<&'static str, Failure>,
    key: Option<KeyState>,
    bearer: Option<BearerState>,
    /// What git's configuration does for the host.
    git: Found<Wiring>,
}

struct KeyState {
    /// The kind of key source.
    from: &'static str,
    /// `None`: unknown without running a command.
    fingerprint: Found<Option<String>>,
}

impl Status {
    /// Collects everything, and the first failure to read settings.
    fn gather(sources: &Sources, report: Report) -> Result<(Self, Option<Failure>)> {
        let entries =
            git::configuration(None, Deadline::after(PATIENCE)).map_err(|failure| in_words(&failure));
        let (profiles, mut failure) = match sources.profiles() {
            Ok(profiles) => (profiles, None),
            Err(failure) => (vec![sources.unnamed()], Some(failure)),
        };
        let mut status = Self {
            settings_file: sources.path().map(|path| path.display().to_string()),
            profiles: Vec::new(),
            cache_dirs: Vec::new(),
            tokens: Ok(Vec::new()),
            gh: (other_programs::gh_directory()?.map(|dir| dir.display().to_string()), Vec::new()),
        };
        for profile in profiles {
            let settings = profile.settings().or_else(|_| profile.without_source()).ok();
            let host = settings.as_ref().map(|settings| settings.host.clone()).unwrap_or_default();
            status.note_shadowing(&host)?;
            if let Some(settings) = &settings {
                status.add_tokens(settings, report);
            }
            let of_profile = OfProfile::gather(&profile, settings.as_ref(), |host| {
                entries.as_ref().map(|entries| Wiring::of(entries, &host.url(), None)).map_err(Clone::clone)
            });
            failure = failure.or_else(|| of_profile.unreadable());
            status.profiles.push(of_profile);
        }
        Ok((status, failure))
    }

    fn note_shadowing(&mut self, host: &Host) -> Result<(), Failure> {
        for (name, _) in other_programs::shadowing_tokens(host)? {
            if !self.gh.1.contains(&name) {
                self.gh.1.push(name);
            }
        }
        Ok(())
    }

    /// Adds the tokens of a cache that was not looked at yet.
    fn add_tokens(&mut self, settings: &Config, report: Report) {
        let Some(dir) = settings.cache_dir.clone().filter(|dir| !self.cache_dirs.contains(dir)) else {
            return;
        };
        self.cache_dirs.push(dir);
        match (tokens(settings, report), &mut self.tokens) {
            (Ok(found), Ok(known)) => known.extend(found),
            (Err(error), _) => self.tokens = Err(format!("{error:#}")),
            (Ok(_), Err(_)) => {}
        }
    }
}

impl OfProfile {
    fn gather(profile: &Profile, settings: Option<&Config>, wiring: impl Fn(&Host) -> Found<Wiring>) -> Self {
        let source = match profile.settings() {
            Ok(Config { broker: Some(_), app: Some(_), .. }) => Ok("broker, then app"),
            Ok(Config { broker: Some(_), .. }) => Ok("broker"),
            Ok(_) => Ok("app"),
            Err(failure) => Err(failure),
        };
        let host = settings.map(|settings| settings.host.clone()).unwrap_or_default();
        Self {
            name: profile.name.map(str::to_owned),
            settings: profile.listing(),
            source,
            bearer: settings
                .and_then(|settings| settings.broker.as_ref())
                .and_then(|broker| BearerState::of(&broker.bearer)),
            key: settings.and_then(|settings| settings.app.as_ref()).map(|app| KeyState::of(&app.key)),
            git: wiring(&host),
        }
    }

    /// Why a setting is malformed.
    fn unreadable(&self) -> Option<Failure> {
        self.settings.iter().find(|setting| setting.is_unreadable).and_then(|setting| setting.problem.clone())
    }
}

impl KeyState {
    fn of(source: &KeySource) -> Self {
        let from = match source {
            KeySource::File(_) => "file",
            KeySource::Text(_) => "environment",
            KeySource::Command(_) => "private key command",
            KeySource::SignCommand(_) => "sign command",
        };
        Self { from, fingerprint: signer::fingerprint(source).map_err(|error| format!("{error:#}")) }
    }
}

fn in_words(failure: &Failure) -> String {
    failure.hints.iter().fold(failure.message.clone(), |text, hint| text + "; " + hint)
}

fn tokens(settings: &Config, report: Report) -> Result<Vec<CachedToken>> {
    let Some(cache) = existing_cache(settings)? else { return Ok(Vec::new()) };
    listing::list(&cache, report.notes).context("list the cached tokens")
}
