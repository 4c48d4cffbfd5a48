//! The options of a command line as `setup` writes them to the settings file.

use super::find::{ENVIRONMENT, option};
use super::sources::environment;
use crate::cli::Options;
use crate::error::{Failure, Kind};

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

/// Settings that are paths, and useless where they are relative to somewhere else.
const PATHS: [&str; 3] = ["private_key_file", "broker_token_file", "cache_dir"];

/// The settings that options give, in the order of the manual; relative paths made absolute.
///
/// # Errors
/// The current directory is gone.
pub fn given_for_file(options: &Options) -> Result<Vec<(&'static str, FileValue)>, Failure> {
    let mut given = Vec::new();
    for (key, _) in ENVIRONMENT {
        if let Some(text) = option(options, key) {
            given.push((key, file_value(key, text)?));
        }
    }
    for (key, list) in [("repository", &options.repository), ("permission", &options.permission)] {
        if !list.is_empty() {
            given.push((key, FileValue::List(list.clone())));
        }
    }
    if options.no_cache {
        given.push(("no_cache", FileValue::Flag(true)));
    }
    if options.no_verify {
        given.push(("verify", FileValue::Flag(false)));
    }
    Ok(given)
}

/// The settings that the environment gives, and no option.
///
/// # Errors
/// A value is not UTF-8, or the current directory is gone.
pub fn given_by_environment(options: &Options) -> Result<Vec<(&'static str, FileValue)>, Failure> {
    let mut given = Vec::new();
    for (key, names) in ENVIRONMENT.iter().filter(|(key, _)| option(options, key).is_none()) {
        for name in *names {
            if let Some(found) = environment(name)? {
                given.push((*key, file_value(key, &found.text)?));
                break;
            }
        }
    }
    Ok(given)
}

fn file_value(key: &str, text: &str) -> Result<FileValue, Failure> {
    Ok(match key {
        "allow_http" | "per_repository" | "verify" => FileValue::Flag(is_true(text)),
        key if PATHS.contains(&key) => FileValue::Text(absolute(text)?),
        _ => FileValue::Text(text.trim().to_owned()),
    })
}

/// Checked before: what is no boolean has been refused.
fn is_true(text: &str) -> bool {
    matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1")
}

/// A path that means the same in every directory.
pub(super) fn absolute(path: &str) -> Result<String, Failure> {
    let made = std::path::absolute(path).ok().and_then(|path| path.into_os_string().into_string().ok());
    made.ok_or_else(|| Failure::new(Kind::Usage, format!("the path {path} cannot be made absolute")))
}
