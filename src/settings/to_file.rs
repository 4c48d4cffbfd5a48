//! The options of a command line as `setup` writes them to the settings file.

use super::Given;
use super::form::Form;
use super::schema::{KEYS, Key};
use super::sources::Found;
use super::values;
use crate::error::Failure;

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

/// The settings that options give, in the order of the manual; relative paths made absolute.
///
/// # Errors
/// A value is not of its setting's form, or the current directory is gone.
pub fn given_for_file(given: &Given) -> Result<Vec<(Key, FileValue)>, Failure> {
    let mut values = Vec::new();
    for key in KEYS.iter().copied().filter(|key| !key.row().key.is_empty()) {
        let found = given.all(key)?;
        if let Some(last) = found.last() {
            let value = if key.row().is_list() {
                FileValue::List(found.iter().map(|found| found.text().to_owned()).collect())
            } else {
                value(last)?
            };
            values.push((key, value));
        }
    }
    Ok(values)
}

fn value(found: &Found) -> Result<FileValue, Failure> {
    Ok(match found.setting.form {
        Form::Flag => FileValue::Flag(values::boolean(found)?),
        Form::Path => FileValue::Text(absolute(found)?),
        _ => FileValue::Text(found.text().to_owned()),
    })
}

fn absolute(found: &Found) -> Result<String, Failure> {
    let made = std::path::absolute(found.path()?).ok();
    let text = made.and_then(|path| path.into_os_string().into_string().ok());
    text.ok_or_else(|| found.complaint("the path cannot be made absolute", "an absolute path"))
}
