//! `status`: what is configured, where each value came from, which key, which tokens are cached. No network, no
//! secrets, nothing written. Wrong settings are part of the answer; a settings file that cannot be read is not.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{existing_cache, print};
use crate::cli::{Options, StatusArgs};
use crate::clock::{self, Deadline, rfc3339, span};
use crate::error::{Failure, escape};
use crate::git::{self, helper::Helper, wiring::Wiring};
use crate::provider::cached_tokens::{self, CachedToken};
use crate::provider::signer;
use crate::report::Report;
use crate::secret::Secret;
use crate::settings::{KeySource, Listed, Place, Settings, Sources, programs};

/// Runs the command.
pub fn run(options: &Options, sources: &Sources, arguments: &StatusArgs, report: Report) -> Result<()> {
    let status = Status::gather(options, sources, report)?;
    let text = if arguments.json { status.to_json().to_string() + "\n" } else { status.to_text(report) };
    print(&Secret::new(text))
}

/// How long git may take to tell its configuration.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something that is there, or what is wrong with it.
type Found<T> = Result<T, String>;

struct Status {
    settings_file: Option<String>,
    settings: Vec<Listed>,
    /// The providers, in the order they are asked.
    source: Found<&'static str>,
    key: Option<Key>,
    cache_dir: Option<String>,
    tokens: Found<Vec<CachedToken>>,
    /// What git's configuration means for the host.
    git: Found<Wiring>,
    /// Where gh keeps its login, and the variables that it takes before it.
    gh: (Option<String>, Vec<&'static str>),
}

struct Key {
    /// Which kind of place it is kept in.
    from: &'static str,
    /// `None`: not known without running a command.
    fingerprint: Found<Option<String>>,
}

impl Status {
    fn gather(options: &Options, sources: &Sources, report: Report) -> Result<Self> {
        let checked = sources.settings();
        let source = match &checked {
            Ok(Settings { broker: Some(_), app: Some(_), .. }) => Ok("broker, then app"),
            Ok(Settings { broker: Some(_), .. }) => Ok("broker"),
            Ok(_) => Ok("app"),
            Err(failure) => Err(in_words(failure)),
        };
        let settings = checked.or_else(|_| sources.without_source()).ok();
        let tokens = settings.as_ref().map_or_else(|| Ok(Vec::new()), |settings| tokens(settings, report));
        let cache_dir = settings.as_ref().and_then(|settings| settings.cache_dir.as_ref());
        let host = settings.as_ref().map(|settings| settings.host.clone()).unwrap_or_default();
        let git = git::configuration(None, Deadline::after(PATIENCE))
            .map(|entries| Wiring::of(&entries, &host.url(), None))
            .map_err(|failure| in_words(&failure));
        let shadowing = programs::shadowing_tokens(&host)?.into_iter().map(|(name, _)| name).collect();
        let gh = programs::gh_directory()?.map(|dir| dir.display().to_string());
        Ok(Self {
            settings_file: Place::of(options)?.map(|place| place.path.display().to_string()),
            git,
            gh: (gh, shadowing),
            settings: sources.listing()?,
            source,
            key: settings.as_ref().and_then(|settings| settings.app.as_ref()).map(|app| Key::of(&app.key)),
            cache_dir: cache_dir.map(|dir| dir.display().to_string()),
            tokens: tokens.map_err(|error| format!("{error:#}")),
        })
    }

    fn to_json(&self) -> Value {
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "settings_file": self.settings_file,
            "settings": self.settings.iter().map(setting_json).collect::<Vec<_>>(),
            "source": self.source.as_ref().ok(),
            "problem": self.source.as_ref().err(),
            "private_key": self.key.as_ref().map(|key| json!({
                "from": key.from,
                "fingerprint": key.fingerprint.as_ref().ok(),
                "problem": key.fingerprint.as_ref().err(),
            })),
            "cache": { "directory": self.cache_dir, "problem": self.tokens.as_ref().err() },
            "tokens": self.tokens.iter().flatten().map(token_json).collect::<Vec<_>>(),
            "git": {
                "helpers": self.git.iter().flat_map(|wiring| &wiring.helpers).map(helper_json).collect::<Vec<_>>(),
                "use_http_path": self.git.as_ref().ok().map(|wiring| wiring.use_http_path),
                "problem": self.git.as_ref().err(),
            },
            "gh": { "directory": self.gh.0, "shadowed_by": self.gh.1 },
        })
    }

    fn to_text(&self, report: Report) -> String {
        let problem = |problem: &String| format!("problem: {problem}");
        let source = self.source.as_ref().map_or_else(problem, |source| (*source).to_owned());
        let none = || "none".to_owned();
        let mut lines = vec![
            ("settings file", self.settings_file.as_ref().map_or_else(none, file_in_words)),
            ("source", source),
            ("private key", self.key.as_ref().map_or_else(none, Key::in_words)),
            ("cache", self.cache_dir.clone().unwrap_or_else(none)),
            ("git", self.git.as_ref().map_or_else(problem, wiring_in_words)),
            ("gh", self.gh_in_words()),
        ];
        lines.retain(|(name, text)| *name != "private key" || text != "none");
        let rows: Vec<Vec<String>> =
            lines.into_iter().map(|(name, text)| vec![name.to_owned(), text]).collect();
        let tokens = match &self.tokens {
            Err(wrong) => vec![vec![problem(wrong)]],
            Ok(list) if list.is_empty() => vec![vec![none()]],
            Ok(list) => list.iter().map(token_row).collect(),
        };
        [
            table("", &rows),
            report.paint("settings", "1") + "\n",
            table("  ", &self.settings.iter().map(setting_row).collect::<Vec<_>>()),
            report.paint("tokens", "1") + "\n",
            table("  ", &tokens),
        ]
        .concat()
    }

    fn gh_in_words(&self) -> String {
        let (directory, shadowing) = &self.gh;
        let directory = directory.as_deref().unwrap_or("no directory for its login");
        match shadowing.as_slice() {
            [] => directory.to_owned(),
            names => format!("{directory}, shadowed by {}", names.join(" and ")),
        }
    }
}

fn file_in_words(path: &String) -> String {
    let there = std::path::Path::new(path).exists();
    if there { path.clone() } else { format!("{path} (not there)") }
}

/// What git does for the host, in one line.
fn wiring_in_words(wiring: &Wiring) -> String {
    let path = if wiring.use_http_path { "with the path" } else { "without the path" };
    match wiring.ours() {
        Some(place) => {
            let origin = escape(&wiring.helpers[place].origin);
            let when =
                if place == 0 { "asks this helper first" } else { "asks other helpers before this one" };
            format!("{when}, {path} ({origin})")
        }
        None => "does not ask this helper (setup makes it)".to_owned(),
    }
}

impl Key {
    fn in_words(&self) -> String {
        let Self { from, fingerprint } = self;
        match fingerprint {
            Ok(Some(print)) => format!("{print} ({from})"),
            Ok(None) => format!("not known without running the {from}"),
            Err(wrong) => format!("problem: {wrong}"),
        }
    }

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

fn tokens(settings: &Settings, report: Report) -> Result<Vec<CachedToken>> {
    let Some(cache) = existing_cache(settings)? else { return Ok(Vec::new()) };
    cached_tokens::list(&cache, report).context("list the cached tokens")
}

fn helper_json(helper: &Helper) -> Value {
    json!({ "name": helper.name(), "origin": helper.origin, "ours": helper.is_ours() })
}

fn setting_json(setting: &Listed) -> Value {
    json!({ "name": setting.name, "value": setting.value, "origin": setting.origin() })
}

fn setting_row(setting: &Listed) -> Vec<String> {
    let value = setting.value.clone().unwrap_or_else(|| "(not shown)".to_owned());
    vec![setting.name.to_owned(), format!("{value} ({})", setting.short_origin())]
}

fn token_json(cached: &CachedToken) -> Value {
    let (scope, facts) = (&cached.label.scope, &cached.token.facts);
    json!({
        "host": cached.label.host_url,
        "api_url": cached.label.api_url,
        "owner": scope.owner,
        "account": facts.account,
        "installation_id": facts.installation_id,
        "source": facts.source,
        "repositories": scope.repositories,
        "permissions": scope.permissions,
        "expires_at": facts.expiry.map(rfc3339),
        "seconds_left": facts.left(clock::now()),
    })
}

fn token_row(cached: &CachedToken) -> Vec<String> {
    let (scope, facts) = (&cached.label.scope, &cached.token.facts);
    let repositories = match scope.repositories.as_slice() {
        [] => "all repositories".to_owned(),
        names => names.join(", "),
    };
    let permissions = scope.permissions.iter().map(|(name, level)| format!("{name}={level}"));
    let permissions = permissions.collect::<Vec<_>>().join(", ");
    let permissions = if permissions.is_empty() { "all permissions".to_owned() } else { permissions };
    let left = span(facts.left(clock::now()).unwrap_or(0));
    vec![cached.name(), format!("{left} left"), format!("{repositories}; {permissions}")]
}

/// Rows in aligned columns, each line indented; the last column is as long as it is.
fn table(indent: &str, rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{indent}{}", cells.collect::<Vec<_>>().join("  ")).trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_aligned_and_lines_end_without_blanks() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        assert_eq!(
            table("  ", &[row(["a", "long value", "x"]), row(["name", "b", ""])]),
            "  a     long value  x\n  name  b\n"
        );
        assert_eq!(table("", &[]), "");
    }
}
