//! The configuration for people: each setting with its value and where it came from. The form of a setting decides
//! whether its value is shown; an invalid value is never shown, only what is wrong with it.

use std::fmt::Display;

use crate::settings::environment::variable;
use crate::settings::schema::{KEYS, Key};
use crate::settings::sources::Found;
use crate::settings::{Profile, values};
use crate::tokens::error::Failure;
use crate::tokens::origin::Origin;

/// One setting.
pub struct Listed {
    /// As in the settings file; for what only the environment can hold, the variable's name.
    pub name: &'static str,
    /// `None`: set, but not shown.
    pub value: Option<String>,
    /// Why the value is invalid.
    pub problem: Option<Failure>,
    /// It is not even of the setting's form, such as a secret in the place of a path.
    pub is_unreadable: bool,
    /// `None`: the default.
    origin: Option<Origin>,
}

impl Listed {
    /// Whether it was given, and is not the default.
    pub fn is_given(&self) -> bool {
        self.origin.is_some()
    }

    /// The same in a word or two, for a line of limited width.
    pub fn short_origin(&self) -> String {
        match &self.origin {
            None => "default".to_owned(),
            Some(Origin::Option(name)) => name.clone(),
            Some(Origin::Environment(name)) => (*name).to_owned(),
            Some(Origin::File(..)) => "settings file".to_owned(),
        }
    }

    /// Where the value came from.
    pub fn origin(&self) -> String {
        self.origin.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string)
    }
}

impl Profile<'_> {
    /// Every setting that was given, in the order of the table in the manual, and the defaults of those with one value.
    pub fn listing(&self) -> Vec<Listed> {
        // Which files are read is not a setting in these files.
        KEYS.iter().filter(|key| **key != Key::Config).filter_map(|key| self.listed(*key)).collect()
    }

    fn listed(&self, key: Key) -> Option<Listed> {
        let name = key.row().name;
        let found = if key.row().is_list() {
            self.list(key)
        } else {
            self.find(key).map(|found| found.into_iter().collect())
        };
        let is_unreadable = found.is_err();
        let checked = found.and_then(|found| found.iter().try_for_each(values::check).map(|()| found));
        match checked {
            Ok(found) => match found.first() {
                Some(first) => {
                    let origin = Some(first.origin.clone());
                    let shown: Option<Vec<String>> = found.iter().map(Found::shown).collect();
                    let value = shown.map(|shown| shown.join(", "));
                    Some(Listed { name, value, problem: None, is_unreadable, origin })
                }
                None => self.default_of(key),
            },
            // A file that cannot be read is reported once, not for each setting.
            Err(_) if self.sources.files().is_err() => None,
            Err(failure) => {
                let origin = Some(self.origin_of(key));
                Some(Listed { name, value: None, problem: Some(failure), is_unreadable, origin })
            }
        }
    }

    /// The origin of an invalid value.
    fn origin_of(&self, key: Key) -> Origin {
        if self.sources.given.has(key) {
            return Origin::Option(key.row().option_name());
        }
        let set = |name: &&&'static str| !matches!(variable(name), Ok(None));
        if let Some(name) = key.row().variables.iter().find(set) {
            return Origin::Environment(name);
        }
        let path = self.sources.files().map(|files| files.own.path.clone());
        Origin::File(path.unwrap_or_default(), key.row().key().to_owned())
    }

    fn default_of(&self, key: Key) -> Option<Listed> {
        let listed = |value: &dyn Display| {
            let (name, value) = (key.row().name, Some(value.to_string()));
            Some(Listed { name, value, problem: None, is_unreadable: false, origin: None })
        };
        match key {
            Key::ApiUrl => self.host().ok().and_then(|host| listed(&host.api_url())),
            Key::CacheDir => self.cache_dir().ok().flatten().and_then(|dir| listed(&dir.display())),
            Key::Host | Key::Source | Key::Margin | Key::Timeout | Key::OnFailure => {
                listed(&key.row().default)
            }
            _ => None,
        }
    }
}
