//! `status`: what is configured, where each value came from, which key, which tokens are cached. No network, no
//! secrets, nothing written. Wrong settings are part of the answer; a settings file that cannot be read is not.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{existing_cache, print};
use crate::cli::StatusArgs;
use crate::clock::{self, rfc3339, span};
use crate::error::Failure;
use crate::provider::cached_tokens::{self, CachedToken};
use crate::provider::signer;
use crate::secret::Secret;
use crate::settings::{KeySource, Listed, Settings, Sources};

/// Runs the command.
pub fn run(sources: &Sources, arguments: &StatusArgs) -> Result<()> {
    let status = Status::gather(sources)?;
    let text = if arguments.json { status.to_json().to_string() + "\n" } else { status.to_text() };
    print(&Secret::new(text))
}

/// Something that is there, or what is wrong with it.
type Found<T> = Result<T, String>;

struct Status {
    settings: Vec<Listed>,
    /// The providers, in the order they are asked.
    source: Found<&'static str>,
    key: Option<Key>,
    cache_dir: Option<String>,
    tokens: Found<Vec<CachedToken>>,
}

struct Key {
    /// Which kind of place it is kept in.
    from: &'static str,
    /// `None`: not known without running a command.
    fingerprint: Found<Option<String>>,
}

impl Status {
    fn gather(sources: &Sources) -> Result<Self> {
        let checked = sources.settings();
        let source = match &checked {
            Ok(Settings { broker: Some(_), app: Some(_), .. }) => Ok("broker, then app"),
            Ok(Settings { broker: Some(_), .. }) => Ok("broker"),
            Ok(_) => Ok("app"),
            Err(failure) => Err(in_words(failure)),
        };
        let settings = checked.or_else(|_| sources.without_source()).ok();
        let tokens = settings.as_ref().map_or_else(|| Ok(Vec::new()), tokens);
        let cache_dir = settings.as_ref().and_then(|settings| settings.cache_dir.as_ref());
        Ok(Self {
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
        })
    }

    fn to_text(&self) -> String {
        let line = |text: String| vec![vec![text]];
        let problem = |problem: &String| format!("problem: {problem}");
        let source = self.source.as_ref().map_or_else(problem, |source| (*source).to_owned());
        let mut sections =
            vec![("settings", self.settings.iter().map(setting_row).collect()), ("source", line(source))];
        if let Some(Key { from, fingerprint }) = &self.key {
            let unknown = || "fingerprint not known without running it".to_owned();
            let print =
                fingerprint.as_ref().map_or_else(problem, |print| print.clone().unwrap_or_else(unknown));
            sections.push(("private key", line(format!("{from}: {print}"))));
        }
        sections.push(("cache", line(self.cache_dir.clone().unwrap_or_else(|| "none".to_owned()))));
        let tokens = match &self.tokens {
            Err(wrong) => line(problem(wrong)),
            Ok(list) if list.is_empty() => line("none".to_owned()),
            Ok(list) => list.iter().map(token_row).collect(),
        };
        sections.push(("tokens", tokens));
        sections.into_iter().flat_map(|(heading, rows)| [heading.to_owned() + "\n", table(&rows)]).collect()
    }
}

impl Key {
    fn of(source: &KeySource) -> Self {
        let from = match source {
            KeySource::File(_) => "private key file",
            KeySource::Text(_) => "private key in the environment",
            KeySource::Command(_) => "private key command",
            KeySource::SignCommand(_) => "sign command",
        };
        Self { from, fingerprint: signer::fingerprint(source).map_err(|error| format!("{error:#}")) }
    }
}

fn in_words(failure: &Failure) -> String {
    failure.hints.iter().fold(failure.message.clone(), |text, hint| text + "; " + hint)
}

fn tokens(settings: &Settings) -> Result<Vec<CachedToken>> {
    let Some(cache) = existing_cache(settings)? else { return Ok(Vec::new()) };
    cached_tokens::list(&cache).context("list the cached tokens")
}

fn setting_json(setting: &Listed) -> Value {
    json!({ "name": setting.name, "value": setting.value, "origin": setting.origin() })
}

fn setting_row(setting: &Listed) -> Vec<String> {
    let value = setting.value.clone().unwrap_or_else(|| "(not shown)".to_owned());
    vec![setting.name.to_owned(), value, setting.origin()]
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
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("  {}", cells.collect::<Vec<_>>().join("  ")).trim_end().to_owned() + "\n"
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
            table(&[row(["a", "long value", "x"]), row(["name", "b", ""])]),
            "  a     long value  x\n  name  b\n"
        );
        assert_eq!(table(&[]), "");
    }
}
