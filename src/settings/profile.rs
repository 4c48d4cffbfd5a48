//! How a profile looks up a setting: option, then environment, then its table in the settings file, then the keys at the
//! top.

use crate::settings::file::File;
use crate::settings::lookup::Sources;
use crate::settings::profiles::Candidate;
use crate::settings::schema::{KEYS, Key};
use crate::settings::sources::Found;
use crate::settings::values;
use crate::tokens::error::Failure;
use crate::tokens::host::Host;

/// Where one profile's settings are looked up.
#[derive(Clone)]
pub struct Profile<'a> {
    pub(super) sources: &'a Sources<'a>,
    /// Its name in the settings file; `None`: the only one, or the one from options and environment.
    pub name: Option<&'a str>,
    pub(super) is_system: bool,
    pub(super) layers: Vec<Layer<'a>>,
    /// It was chosen by `--profile`, which overrides an App or a broker in the environment.
    pub(super) beats_environment: bool,
    /// `setup` is about to write it, with what the options give.
    pub(super) is_written: bool,
}

/// A table of a settings file.
#[derive(Clone)]
pub(super) struct Layer<'a> {
    pub file: &'a File,
    /// `None`: the keys at the top.
    pub table: Option<&'a str>,
    /// Its App, key and broker are used together; those of another file must not be mixed with them.
    pub whole: bool,
}

/// Whether a key of the settings file belongs to one profile and is not a default for all.
pub fn belongs_to_one_profile(name: &str) -> bool {
    let narrows = |key| matches!(key, Key::Repository | Key::Permission | Key::PerRepository | Key::Source);
    Key::of_file(name).is_some_and(|key| is_identity(key) || narrows(key))
}

/// Whether a key says whose tokens a profile serves, or where they come from.
fn is_identity(key: Key) -> bool {
    key.row().is_source || matches!(key, Key::Host | Key::ApiUrl | Key::Owners | Key::Owner)
}

impl<'a> Profile<'a> {
    pub(super) fn candidate(&self) -> Result<Candidate<'a>, Failure> {
        Ok(Candidate {
            name: self.name,
            host: self.host()?,
            owners: self.owners()?,
            is_system: self.is_system,
        })
    }

    /// The owners that it is for; empty: all that no other profile lists.
    pub fn owners(&self) -> Result<Vec<String>, Failure> {
        self.in_files(Key::Owners)?.iter().map(values::owner).collect()
    }

    /// The git host that it answers for.
    pub fn host(&self) -> Result<Host, Failure> {
        self.find(Key::Host)?.map_or_else(|| Ok(Host::default()), |found| values::host(&found))
    }

    /// A setting's value from any source.
    pub(super) fn find(&self, key: Key) -> Result<Option<Found>, Failure> {
        match self.outside(key)? {
            Some(found) => Ok(Some(found)),
            None => Ok(self.in_files(key)?.into_iter().next()),
        }
    }

    /// A setting's values, where it may have several.
    pub(super) fn list(&self, key: Key) -> Result<Vec<Found>, Failure> {
        let given = self.sources.given.all(key)?;
        if given.is_empty() { self.in_files(key) } else { Ok(given) }
    }

    pub(super) fn flag(&self, key: Key) -> Result<bool, Failure> {
        self.find(key)?.map_or(Ok(false), |found| values::boolean(&found))
    }

    /// A value from the option or the environment.
    pub(super) fn outside(&self, key: Key) -> Result<Option<Found>, Failure> {
        // The host selects a named profile; it does not change one.
        if self.name.is_some() && key == Key::Host {
            return if self.is_written { self.sources.given.get(key) } else { Ok(None) };
        }
        if self.beats_environment && key.row().is_source {
            return self.sources.given.get(key);
        }
        self.sources.outside(key)
    }

    /// Checks every setting once: a secret in the wrong place is reported even if this command does not use the setting.
    pub(super) fn check_forms(&self) -> Result<(), Failure> {
        KEYS.iter().try_for_each(|key| {
            if key.row().is_list() { self.list(*key).map(drop) } else { self.find(*key).map(drop) }
        })
    }

    /// The values in the settings files.
    fn in_files(&self, key: Key) -> Result<Vec<Found>, Failure> {
        self.sources.files()?;
        if key.row().key().is_empty() {
            return Ok(Vec::new());
        }
        for Layer { file, table, whole } in &self.layers {
            if *whole || !is_identity(key) {
                let values = file.values(*table, key)?;
                if !values.is_empty() {
                    return Ok(values);
                }
            }
        }
        Ok(Vec::new())
    }
}
