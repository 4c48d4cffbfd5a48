//! Settings as `setup` writes them to the settings file: from options and from the environment.

use std::path::Path;

use crate::settings::form::Form;
use crate::settings::schema::{KEYS, Key};
use crate::settings::sources::{Environment, Found};
use crate::settings::{Given, values};
use crate::tokens::error::{Failure, Kind};

/// A value of the settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileValue {
    /// Most settings.
    Text(String),
    /// Switches.
    Flag(bool),
    /// What may be repeated.
    List(Vec<String>),
}

/// A key of the settings file and its value.
pub type Pair = (&'static str, FileValue);

fn keys() -> impl Iterator<Item = Key> {
    KEYS.iter().copied().filter(|key| !key.row().key().is_empty())
}

/// The settings given by options, in the order of the manual; relative paths are made absolute.
///
/// # Errors
/// A value is not of its setting's form, or the current directory is gone.
pub fn given_for_file(given: &Given) -> Result<Vec<Pair>, Failure> {
    let mut pairs = Vec::new();
    for key in keys() {
        let found = given.all(key)?;
        if let Some(last) = found.last() {
            let value = if key.row().is_list() {
                FileValue::List(found.iter().map(|found| found.text().to_owned()).collect())
            } else {
                value(last)?
            };
            pairs.push((key.row().key(), value));
        }
    }
    Ok(pairs)
}

/// The settings given by the environment and not by an option.
///
/// # Errors
/// As for those of options.
pub fn given_by_environment(given: &Given) -> Result<Vec<Pair>, Failure> {
    let environment = Environment::read();
    let mut pairs = Vec::new();
    for key in keys().filter(|key| !given.has(*key)) {
        if let Some(found) = environment.get(key)? {
            pairs.push((key.row().key(), value(&found)?));
        }
    }
    Ok(pairs)
}

fn value(found: &Found) -> Result<FileValue, Failure> {
    Ok(match found.setting.form {
        Form::Flag => FileValue::Flag(values::boolean(found)?),
        Form::Path => FileValue::Text(absolute(&found.path()?)?),
        _ => FileValue::Text(found.text().to_owned()),
    })
}

/// A path that means the same in every directory.
pub(super) fn absolute(path: &Path) -> Result<String, Failure> {
    let made = std::path::absolute(path).ok().and_then(|path| path.into_os_string().into_string().ok());
    made.ok_or_else(|| {
        Failure::new(Kind::Usage, "a relative path cannot be made absolute: the current directory is gone")
            .hint("give the whole path")
    })
}
