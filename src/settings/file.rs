//! The settings file: TOML, with keys at the top and in `[profile.NAME]` tables.
//!
//! It is read only if nobody else could have written it, and a key that is no setting is an error: a mistyped one would
//! be silently without effect. No message quotes a line of it, as it may hold what was pasted by mistake.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml_edit::{Document, Item, Table, TableLike, TomlError, Value};

use super::dirs::config_dir;
use super::form::is_profile_name;
use super::given::Given;
use super::schema::{KEYS, Key};
use super::sources::{Found, Origin, from_environment};
use crate::error::{Failure, Kind, escape};
use crate::trust::{self, Distrust};

/// The table that holds the profiles.
pub const PROFILES: &str = "profile";
/// What every user of the machine reads after a file of their own.
pub const SYSTEM: &str = "/etc/git-credential-github-app/config.toml";

/// A settings file that was read.
#[derive(Debug, Default)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    document: Option<Document<Arc<str>>>,
}

impl File {
    /// Reads the file that the options or the environment name, or the default one if it is there.
    pub fn read(given: &Given) -> Result<Self, Failure> {
        let Some(place) = Place::of(given)? else { return Ok(Self::default()) };
        place.read()
    }

    /// The machine's file, unless the options or the environment name one: then that one says all.
    pub fn read_system(given: &Given) -> Result<Self, Failure> {
        match Place::of(given)? {
            Some(place) if !place.is_default() => Ok(Self::default()),
            _ => Place { path: SYSTEM.into(), named: None }.read(),
        }
    }

    /// A file with this text.
    pub fn of_text(path: PathBuf, text: String) -> Result<Self, Failure> {
        let document = parse(&path, text)?;
        Ok(Self { path, document: Some(document) })
    }

    /// The same for a command that writes it: one that is not there is empty.
    pub fn read_or_empty(given: &Given) -> Result<Self, Failure> {
        match Place::of(given)? {
            Some(place) if !place.path.exists() => Ok(Self { path: place.path, document: None }),
            _ => Self::read(given),
        }
    }

    fn top(&self) -> Option<&Table> {
        self.document.as_ref().map(Document::as_table)
    }

    /// The names of its profiles, in its order.
    pub fn profiles(&self) -> Vec<&str> {
        let profiles = self.top().and_then(|top| top.get(PROFILES)).and_then(Item::as_table_like);
        profiles.map(|table| table.iter().map(|(name, _)| name).collect()).unwrap_or_default()
    }

    fn table(&self, profile: Option<&str>) -> Option<&dyn TableLike> {
        let top = self.top()?;
        match profile {
            None => Some(top),
            Some(name) => top.get(PROFILES)?.as_table_like()?.get(name)?.as_table_like(),
        }
    }

    /// Complains about a key that is no setting.
    pub fn check_keys(&self) -> Result<(), Failure> {
        let Some(top) = self.top() else { return Ok(()) };
        self.check_table(top, "", &[PROFILES])?;
        let Some(profiles) = top.get(PROFILES) else { return Ok(()) };
        let wrong = |what: String| {
            Failure::new(Kind::Settings, format!("settings file {}: {what}", self.path.display()))
                .hint("write a profile as a table: [profile.work], and its keys below it")
        };
        let Some(profiles) = profiles.as_table_like() else {
            return Err(wrong(format!("{PROFILES} is not a table")));
        };
        for (name, item) in profiles.iter() {
            let Some(table) = item.as_table_like() else {
                return Err(wrong(format!("profile {} is not a table", escape(name))));
            };
            if !is_profile_name(name) {
                return Err(wrong(format!("bad profile name {}", escape(name)))
                    .hint("a name has letters, digits, - and _"));
            }
            self.check_table(table, &format!("{PROFILES}.{name}."), &[])?;
        }
        Ok(())
    }

    fn check_table(&self, table: &dyn TableLike, prefix: &str, more: &[&str]) -> Result<(), Failure> {
        for (key, _) in table.iter() {
            if Key::of_file(key).is_none() && !more.contains(&key) {
                let mut known: Vec<&str> =
                    KEYS.iter().map(|key| key.row().key).filter(|key| !key.is_empty()).collect();
                known.sort_unstable();
                let message =
                    format!("settings file {}: unknown key {prefix}{}", self.path.display(), escape(key));
                return Err(
                    Failure::new(Kind::Settings, message).hint(format!("known keys: {}", known.join(", ")))
                );
            }
        }
        Ok(())
    }

    /// Whether a table has a key.
    pub fn has(&self, profile: Option<&str>, key: Key) -> bool {
        self.table(profile).is_some_and(|table| table.contains_key(key.row().key))
    }

    /// A key's values; numbers and booleans become text, a list stays one.
    pub fn values(&self, profile: Option<&str>, key: Key) -> Result<Vec<Found>, Failure> {
        let setting = key.row();
        let origin = || {
            let prefix = profile.map(|name| format!("{PROFILES}.{name}.")).unwrap_or_default();
            Origin::File(self.path.clone(), prefix + setting.key)
        };
        let scalar = |value: &Value| match value {
            Value::String(text) => Some(text.value().clone()),
            Value::Integer(number) => Some(number.value().to_string()),
            Value::Boolean(flag) => Some(flag.value().to_string()),
            _ => None,
        };
        let wrong = || {
            Failure::new(Kind::Settings, format!("{}: the value has the wrong type", origin())).hint(
                "expected text, a number, true or false; a list only for repository, permission and owners",
            )
        };
        let found = |value: &Value| Found::new(setting, scalar(value).ok_or_else(wrong)?, origin());
        match self.table(profile).and_then(|table| table.get(setting.key)) {
            None => Ok(Vec::new()),
            Some(Item::Value(Value::Array(items))) if setting.is_list() => items.iter().map(found).collect(),
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
    pub fn of(given: &Given) -> Result<Option<Self>, Failure> {
        let found = match given.get(Key::Config)? {
            Some(found) => Some(found),
            None => from_environment(Key::Config)?,
        };
        if let Some(found) = found {
            return Ok(Some(Self { path: found.path()?, named: Some(found.origin.kind()) }));
        }
        Ok(config_dir().map(|dir| Self { path: dir.join("config.toml"), named: None }))
    }

    /// Whether it is the file that is read where none is named.
    pub fn is_default(&self) -> bool {
        self.named.is_none()
    }

    fn read(self) -> Result<File, Failure> {
        match read(&self.path) {
            Ok((_, Some(Distrust { cause, mend }))) => {
                let message = format!("settings file {}: {cause}", self.path.display());
                Err(Failure::new(Kind::Settings, message).hint(mend))
            }
            Ok((text, None)) => File::of_text(self.path, text),
            Err(error) if self.may_be_missing(&error) => Ok(File { path: self.path, document: None }),
            Err(error) => Err(self.complaint(&error)),
        }
    }

    /// A default file that cannot exist, such as below a HOME that is a file, is just not there.
    fn may_be_missing(&self, error: &io::Error) -> bool {
        let missing = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
        self.named.is_none() && missing.contains(&error.kind())
    }

    fn complaint(&self, error: &io::Error) -> Failure {
        let kind = self.named.unwrap_or(Kind::Settings);
        Failure::new(kind, format!("read settings file {}: {error}", escape(&self.path.to_string_lossy())))
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

fn parse(path: &Path, text: String) -> Result<Document<Arc<str>>, Failure> {
    let text: Arc<str> = text.into();
    Document::parse(Arc::clone(&text)).map_err(|error: TomlError| {
        let line =
            error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        // The parser's own message quotes the line, which may hold what was pasted by mistake.
        Failure::new(Kind::Settings, format!("settings file {} line {line}: not valid TOML", path.display()))
            .hint("write key = \"value\" lines, such as host = \"github.com\"")
    })
}
