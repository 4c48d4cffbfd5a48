//! The settings file: TOML, with keys at the top and in `[profile.NAME]` tables.
//!
//! It is read only if no other user could have written it. A key that is not a setting is an error, as a mistyped one
//! would have no effect. No message quotes a line of it, as it may hold a secret that was pasted by mistake.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use toml_edit::{Document, TableLike, TomlError, Value};

use crate::platform::private_files::{self, Distrust};
use crate::settings::dirs::{self, config_dir};
use crate::settings::form::is_profile_name;
use crate::settings::given::Given;
use crate::settings::schema::{KEYS, Key};
use crate::settings::sources::{Environment, Found};
use crate::tokens::error::{Failure, Kind, escape};
use crate::tokens::origin::Origin;

/// The table that holds the profiles.
pub const PROFILES: &str = "profile";
/// The default file name, in the user's directory and in the machine's, which is read after it.
pub const NAME: &str = "config.toml";

/// A parsed settings file: plain rows, as each `get` looks up dozens of keys in it.
#[derive(Debug, Default)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// The keys at the top first, then its profiles in its order.
    tables: Vec<Table>,
    /// What is wrong with its keys, if anything.
    wrong: Option<Failure>,
}

/// The keys at the top, or those of a profile.
#[derive(Debug, Default)]
struct Table {
    profile: Option<String>,
    rows: Vec<(Key, Item)>,
}

/// A value.
#[derive(Debug)]
enum Item {
    /// Numbers and booleans as text, too.
    One(String),
    /// What may be a list.
    Several(Vec<Option<String>>),
    /// A type that no setting has.
    Wrong,
}

impl Item {
    fn of(item: &toml_edit::Item) -> Self {
        match item {
            toml_edit::Item::Value(Value::Array(items)) => Self::Several(items.iter().map(scalar).collect()),
            toml_edit::Item::Value(value) => scalar(value).map_or(Self::Wrong, Self::One),
            _ => Self::Wrong,
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.value().clone()),
        Value::Integer(number) => Some(number.value().to_string()),
        Value::Boolean(flag) => Some(flag.value().to_string()),
        _ => None,
    }
}

impl File {
    /// Reads the user's file and the machine's. If options or the environment name a file, only that one is read.
    pub fn read_both(place: Option<FilePlace>) -> Result<(Self, Self), Failure> {
        let is_default = place.as_ref().is_none_or(FilePlace::is_default);
        let own = place.map_or_else(|| Ok(Self::default()), FilePlace::read)?;
        let system = FilePlace { path: FilePlace::of_all_users(), named: None };
        Ok((own, if is_default { system.read()? } else { Self::default() }))
    }

    /// A file with this text.
    pub fn of_text(path: PathBuf, text: &str) -> Result<Self, Failure> {
        let document = parse(&path, text)?;
        let mut file = Self { path, ..Self::default() };
        if let Err(failure) = file.fill(document.as_table()) {
            file.wrong = Some(failure);
        }
        // Never dropped: freeing thousands of pieces takes longer than the exit of the process.
        std::mem::forget(document);
        Ok(file)
    }

    fn fill(&mut self, top: &toml_edit::Table) -> Result<(), Failure> {
        let mut wrong = self.add(None, top);
        let profiles = top.get(PROFILES);
        let complaint = |path: &Path, what: String| {
            Failure::new(Kind::Settings, format!("settings file {}: {what}", path.display()))
        };
        let hint = "write a profile as a table: [profile.work], and its keys below it";
        let is_table = profiles.is_none_or(toml_edit::Item::is_table_like);
        if !is_table {
            wrong = wrong.and(Err(complaint(&self.path, format!("{PROFILES} is not a table")).hint(hint)));
        }
        for (name, item) in
            profiles.and_then(toml_edit::Item::as_table_like).into_iter().flat_map(TableLike::iter)
        {
            let outcome = match item.as_table_like() {
                _ if !is_profile_name(name) => {
                    let failure = complaint(&self.path, format!("bad profile name {}", escape(name)));
                    Err(failure.hint("a name has letters, digits, - and _"))
                }
                Some(table) => self.add(Some(name), table),
                None => {
                    Err(complaint(&self.path, format!("profile {} is not a table", escape(name))).hint(hint))
                }
            };
            wrong = wrong.and(outcome);
        }
        wrong
    }

    /// Adds a table.
    ///
    /// # Errors
    /// A key is not a setting: a mistyped one would otherwise have no effect.
    fn add(&mut self, profile: Option<&str>, table: &dyn TableLike) -> Result<(), Failure> {
        let mut rows = Vec::new();
        let mut wrong = Ok(());
        for (name, item) in table.iter() {
            match Key::of_file(name) {
                Some(key) => rows.push((key, Item::of(item))),
                None if profile.is_none() && name == PROFILES => {}
                None => wrong = wrong.and_then(|()| Err(self.unknown_key(profile, name))),
            }
        }
        self.tables.push(Table { profile: profile.map(str::to_owned), rows });
        wrong
    }

    fn unknown_key(&self, profile: Option<&str>, key: &str) -> Failure {
        let mut known: Vec<&str> =
            KEYS.iter().map(|key| key.row().key()).filter(|key| !key.is_empty()).collect();
        known.sort_unstable();
        let key = prefix(profile) + &escape(key);
        let message = format!("settings file {}: unknown key {key}", self.path.display());
        Failure::new(Kind::Settings, message).hint(format!("known keys: {}", known.join(", ")))
    }

    /// The complaint about an unknown key, or about an invalid profile.
    pub fn check_keys(&self) -> Result<(), Failure> {
        self.wrong.clone().map_or(Ok(()), Err)
    }

    /// The names of its profiles, in its order.
    pub fn profiles(&self) -> Vec<&str> {
        self.tables.iter().filter_map(|table| table.profile.as_deref()).collect()
    }

    fn item(&self, profile: Option<&str>, key: Key) -> Option<&Item> {
        let table = self.tables.iter().find(|table| table.profile.as_deref() == profile)?;
        table.rows.iter().find(|(known, _)| *known == key).map(|(_, item)| item)
    }

    /// Whether a table has a key.
    pub fn has(&self, profile: Option<&str>, key: Key) -> bool {
        self.item(profile, key).is_some()
    }

    /// A key's values; numbers and booleans become text, a list stays one.
    pub fn values(&self, profile: Option<&str>, key: Key) -> Result<Vec<Found>, Failure> {
        let Some(item) = self.item(profile, key) else { return Ok(Vec::new()) };
        let setting = key.row();
        let origin = || Origin::File(self.path.clone(), prefix(profile) + setting.key());
        let wrong = || {
            Failure::new(Kind::Settings, format!("{}: the value has the wrong type", origin())).hint(
                "expected text, a number, true or false; a list only for repository, permission and owners",
            )
        };
        match item {
            Item::One(text) => Ok(vec![Found::new(setting, text.clone(), origin())?]),
            Item::Several(texts) if setting.is_list() => {
                let found =
                    |text: &Option<String>| Found::new(setting, text.clone().ok_or_else(wrong)?, origin());
                texts.iter().map(found).collect()
            }
            Item::Several(_) | Item::Wrong => Err(wrong()),
        }
    }
}

/// The prefix of a profile's key in messages.
fn prefix(profile: Option<&str>) -> String {
    profile.map(|name| format!("{PROFILES}.{name}.")).unwrap_or_default()
}

/// The path of the settings file, and where that came from.
pub struct FilePlace {
    /// As named, or the default.
    pub path: PathBuf,
    /// The kind of a complaint about a file that was named; `None`: the default file.
    named: Option<Kind>,
}

impl FilePlace {
    /// Read after the user's own.
    pub fn of_all_users() -> PathBuf {
        dirs::system().join(NAME)
    }

    /// `None`: no file is named, and there is no home directory for the default one.
    pub fn of(given: &Given, environment: &Environment) -> Result<Option<Self>, Failure> {
        let found = match given.get(Key::Config)? {
            Some(found) => Some(found),
            None => environment.get(Key::Config)?,
        };
        if let Some(found) = found {
            return Ok(Some(Self { path: found.path()?, named: Some(found.origin.kind()) }));
        }
        Ok(config_dir().map(|dir| Self { path: dir.join(NAME), named: None }))
    }

    /// The same, with the environment of this process.
    pub fn named_by(given: &Given) -> Result<Option<Self>, Failure> {
        Self::of(given, &Environment::read())
    }

    /// The same for a command that writes it: a missing file is empty.
    #[must_use]
    pub fn for_writing(self) -> Self {
        if self.path.exists() { self } else { Self { named: None, ..self } }
    }

    /// Whether it is the default file.
    pub fn is_default(&self) -> bool {
        self.named.is_none()
    }

    fn read(self) -> Result<File, Failure> {
        match read(&self.path) {
            Ok((_, Some(Distrust { cause, fix }))) => {
                let message = format!("settings file {}: {cause}", self.path.display());
                Err(Failure::new(Kind::Settings, message).hint(fix))
            }
            Ok((text, None)) => File::of_text(self.path, &text),
            Err(error) if self.may_be_missing(&error) => Ok(File { path: self.path, ..File::default() }),
            Err(error) => Err(self.complaint(&error)),
        }
    }

    /// A default file that cannot exist, such as below a HOME that is a file, counts as missing.
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

/// A file's text, and why it is not trusted. An empty one, such as `/dev/null`, is always trusted.
fn read(path: &Path) -> io::Result<(String, Option<Distrust>)> {
    let mut file = std::fs::File::open(path)?;
    let distrust = private_files::file(path, &file.metadata()?).err();
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let distrust = distrust.filter(|_| !text.is_empty());
    Ok((text, distrust))
}

fn parse<'a>(path: &Path, text: &'a str) -> Result<Document<&'a str>, Failure> {
    Document::parse(text).map_err(|error: TomlError| {
        let line =
            error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        // The parser's own message quotes the line, which may hold a secret that was pasted by mistake.
        Failure::new(Kind::Settings, format!("settings file {} line {line}: not valid TOML", path.display()))
            .hint("write key = \"value\" lines, such as host = \"github.com\"")
    })
}
