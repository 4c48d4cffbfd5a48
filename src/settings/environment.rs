//! The environment. The only module that reads it.

use std::ffi::OsString;

use crate::tokens::error::{Failure, Kind};

/// An environment variable; empty counts as unset.
///
/// # Errors
/// It is not UTF-8.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn variable(name: &'static str) -> Result<Option<String>, Failure> {
    match std::env::var_os(name).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(text)) if text.is_empty() => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_)) => Err(not_utf8(name)),
    }
}

/// Whether an environment variable is set, even to an empty value.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn is_in_environment(name: &'static str) -> bool {
    std::env::var_os(name).is_some()
}

/// The `PATH`; need not be UTF-8.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn search_path() -> Option<OsString> {
    std::env::var_os("PATH")
}

/// All variables.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(super) fn all() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}

/// The complaint about a variable that is not UTF-8.
pub(super) fn not_utf8(name: &str) -> Failure {
    Failure::new(Kind::Settings, format!("environment variable {name}: the value is not UTF-8"))
        .hint("set it to UTF-8 text, or unset it")
}
