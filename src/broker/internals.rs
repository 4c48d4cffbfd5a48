//! The broker's core for fuzzing, behind the feature `internals`: see [`crate::internals`].

use super::bearers::{self, Bearers};

pub use super::asker::Asker;
pub use super::model::{Asking, IDENTITIES, SERVERS, Seen, judge};

/// A line of a bearer file.
#[must_use]
pub fn bearer_line(name: &str, bearer: &[u8]) -> String {
    bearers::line(name, bearer)
}

/// Whose bearer this is, by a bearer file's text.
///
/// # Errors
/// What is wrong with the text.
pub fn name_of(text: &str, bearer: &[u8]) -> Result<Option<String>, String> {
    Ok(Bearers::parse(text, true)?.find(bearer).map(|found| found.name.to_string()))
}
