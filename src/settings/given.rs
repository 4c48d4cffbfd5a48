//! The settings given on the command line: plain data, which `cli` fills.

use crate::settings::schema::Key;
use crate::settings::sources::Found;
use crate::tokens::error::Failure;
use crate::tokens::origin::Origin;
use crate::tokens::secret::Secret;

/// Settings and their texts, not yet checked.
#[derive(Clone, Debug, Default)]
pub struct Given(Vec<(Key, Secret)>);

impl Given {
    /// Adds a text; a second one for the same setting makes a list.
    pub fn add(&mut self, key: Key, text: String) {
        self.0.push((key, Secret::new(text)));
    }

    /// Whether a setting was given.
    pub fn has(&self, key: Key) -> bool {
        self.0.iter().any(|(known, _)| *known == key)
    }

    /// Only the texts for these settings.
    #[must_use]
    pub fn only(&self, keys: &[Key]) -> Self {
        Self(self.0.iter().filter(|(key, _)| keys.contains(key)).cloned().collect())
    }

    /// All texts for a setting, checked.
    ///
    /// # Errors
    /// One is not of the setting's form.
    pub fn all(&self, key: Key) -> Result<Vec<Found>, Failure> {
        let setting = key.row();
        let found = |(_, text): &(Key, Secret)| {
            Found::new(setting, text.expose().to_owned(), Origin::Option(setting.option_name()))
        };
        self.0.iter().filter(|(known, _)| *known == key).map(found).collect()
    }

    /// The text for a setting, checked.
    ///
    /// # Errors
    /// It is not of the setting's form.
    pub fn get(&self, key: Key) -> Result<Option<Found>, Failure> {
        if !self.has(key) {
            return Ok(None);
        }
        Ok(self.all(key)?.pop())
    }
}

impl PartialEq for Given {
    fn eq(&self, other: &Self) -> bool {
        let same = |((key, text), (other, expected)): (&(Key, Secret), &(Key, Secret))| {
            key == other && text.matches(expected.expose().as_bytes())
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }
}
