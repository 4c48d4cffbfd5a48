//! Where a setting's value comes from: option, then environment, then settings file, then default.
//! The only module that reads the environment. Repository-local git configuration is never looked at.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, TomlError, Value};

use super::dirs::config_dir;
use crate::cli::Options;
use crate::error::{Failure, Kind};
use crate::trust::{self, Distrust};

/// The keys that the settings file may hold.
const FILE_KEYS: [&str; 21] = [
    "allow_http",
    "api_url",
    "app_id",
    "broker_token_file",
    "broker_url",
    "cache_dir",
    "host",
    "installation_id",
    "margin",
    "no_cache",
    "on_failure",
    "owner",
    "per_repository",
    "permission",
    "private_key_command",
    "private_key_file",
    "repository",
    "sign_command",
    "source",
    "timeout",
    "verify",
];

/// Whether the settings file may hold a key of that name.
pub fn knows_key(name: &str) -> bool {
    FILE_KEYS.contains(&name)
}

/// Where a value was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// On the command line.
    Option(String),
    /// In an environment variable.
    Environment(&'static str),
    /// In the settings file.
    File(PathBuf, String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(name) => write!(f, "option {name}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::File(path, key) => write!(f, "key {key} in {}", path.display()),
        }
    }
}

/// A value, as text, and its origin.
#[derive(Clone, Debug)]
pub struct Found {
    /// Untrimmed.
    pub text: String,
    /// Decides the exit code of a complaint.
    pub origin: Origin,
}

impl Found {
    /// A complaint about this value: what is wrong, and what was expected. The value itself is only in `wrong`
    /// if it is no secret.
    pub fn complaint(&self, wrong: impl fmt::Display, expected: &str) -> Failure {
        let kind = if matches!(self.origin, Origin::Option(_)) { Kind::Usage } else { Kind::Settings };
        Failure::new(kind, format!("{}: {wrong}", self.origin)).hint(format!("expected {expected}"))
    }
}

/// An environment variable; empty counts as unset.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn environment(name: &'static str) -> Result<Option<Found>, Failure> {
    match std::env::var_os(name).map(std::ffi::OsString::into_string) {
        None => Ok(None),
        Some(Ok(text)) if text.is_empty() => Ok(None),
        Some(Ok(text)) => Ok(Some(Found { text, origin: Origin::Environment(name) })),
        Some(Err(_)) => {
            Err(Failure::new(Kind::Settings, format!("environment variable {name}: the value is not UTF-8")))
        }
    }
}

/// The settings file, read and checked for unknown keys.
#[derive(Debug, Default)]
pub struct File {
    path: PathBuf,
    table: DocumentMut,
}

impl File {
    /// Reads the file that the options or the environment name, or the default one if it is there.
    pub fn read(options: &Options) -> Result<Self, Failure> {
        let Some(place) = Place::of(options)? else { return Ok(Self::default()) };
        match read(&place.path) {
            Ok((text, distrust)) => {
                if let Some(Distrust { cause, mend }) = distrust {
                    let message = format!("settings file {}: {cause}", place.path.display());
                    return Err(Failure::new(Kind::Settings, message).hint(mend));
                }
                Self::of_text(place.path, &text)
            }
            Err(error) if place.may_be_missing(&error) => Ok(Self { path: place.path, ..Self::default() }),
            Err(error) => Err(place.complaint(&error)),
        }
    }

    /// A file with this text.
    pub fn of_text(path: PathBuf, text: &str) -> Result<Self, Failure> {
        Ok(Self { table: parse(&path, text)?, path })
    }

    /// The same for a command that writes it: one that is not there is empty.
    pub fn read_or_empty(options: &Options) -> Result<Self, Failure> {
        match Place::of(options)? {
            Some(place) if !place.path.exists() => Ok(Self { path: place.path, ..Self::default() }),
            _ => Self::read(options),
        }
    }

    /// Complains about a key that is no setting: a mistyped key would otherwise be silently without effect.
    pub fn check_keys(&self) -> Result<(), Failure> {
        for (key, _) in self.table.iter() {
            if !FILE_KEYS.contains(&key) {
                let known = FILE_KEYS.join(", ");
                return Err(Failure::new(
                    Kind::Settings,
                    format!(
                        "settings file {}: unknown key {}",
                        self.path.display(),
                        crate::error::escape(key)
                    ),
                )
                .hint(format!("known keys: {known}")));
            }
        }
        Ok(())
    }

    /// A key's values; numbers and booleans become text, a list stays one.
    pub fn values(&self, key: &str) -> Result<Vec<Found>, Failure> {
        let origin = || Origin::File(self.path.clone(), key.to_owned());
        let scalar = |value: &Value| match value {
            Value::String(text) => Some(text.value().clone()),
            Value::Integer(number) => Some(number.value().to_string()),
            Value::Boolean(flag) => Some(flag.value().to_string()),
            _ => None,
        };
        let wrong = || {
            let found = Found { text: String::new(), origin: origin() };
            found.complaint(
                "the value has the wrong type",
                "text, a number, true or false; a list only for repository and permission",
            )
        };
        let found = |value| Ok(Found { text: scalar(value).ok_or_else(wrong)?, origin: origin() });
        match self.table.get(key) {
            None => Ok(Vec::new()),
            Some(Item::Value(Value::Array(items))) if matches!(key, "repository" | "permission") => {
                items.iter().map(found).collect()
            }
            Some(Item::Value(value)) => Ok(vec![found(value)?]),
            Some(_) => Err(wrong()),
        }
    }
}

/// Where the settings file is, and who says so.
pub struct Place {
    /// As named, or the default.
    pub path: PathBuf,
    /// The kind of a complaint about a file that was named; `None`: the default.
    named: Option<Kind>,
}

impl Place {
    /// `None`: no file is named, and there is no home directory for the default one.
    pub fn of(options: &Options) -> Result<Option<Self>, Failure> {
        if let Some(path) = &options.config {
            return Ok(Some(Self { path: path.clone(), named: Some(Kind::Usage) }));
        }
        if let Some(found) = environment("GITHUB_APP_CONFIG")? {
            return Ok(Some(Self { path: found.text.into(), named: Some(Kind::Settings) }));
        }
        Ok(config_dir().map(|dir| Self { path: dir.join("config.toml"), named: None }))
    }

    /// Whether it is the file that is read where none is named.
    pub fn is_default(&self) -> bool {
        self.named.is_none()
    }

    /// A default file that cannot exist, such as below a HOME that is a file, is just not there.
    fn may_be_missing(&self, error: &std::io::Error) -> bool {
        let missing = [std::io::ErrorKind::NotFound, std::io::ErrorKind::NotADirectory];
        self.named.is_none() && missing.contains(&error.kind())
    }

    fn complaint(&self, error: &std::io::Error) -> Failure {
        let kind = self.named.unwrap_or(Kind::Settings);
        Failure::new(kind, format!("read settings file {}: {error}", self.path.display()))
            .hint("create it, make it readable, or name another one with --config or GITHUB_APP_CONFIG")
    }
}

/// A file's text, and why it is not to be trusted. An empty one, such as `/dev/null`, says nothing that could matter.
fn read(path: &Path) -> io::Result<(String, Option<Distrust>)> {
    let mut file = std::fs::File::open(path)?;
    let distrust = trust::file(path, &file.metadata()?).err();
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let distrust = distrust.filter(|_| !text.is_empty());
    Ok((text, distrust))
}

fn parse(path: &Path, text: &str) -> Result<DocumentMut, Failure> {
    text.parse().map_err(|error: TomlError| {
        let line =
            error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        // The parser's own message quotes the line, which may hold what was pasted by mistake.
        Failure::new(Kind::Settings, format!("settings file {} line {line}: not valid TOML", path.display()))
            .hint("write key = \"value\" lines, such as host = \"github.com\"")
    })
}
