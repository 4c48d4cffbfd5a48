//! One file per command, with its options; `session` has what those that need a token share.

use std::io::{self, Write};

use anyhow::{Context, Result};

use crate::report::Report;
use crate::tokens::cache::disk::Cache;
use crate::tokens::config::Config;
use crate::tokens::error::printable;
use crate::tokens::secret::Secret;

pub mod capability;
pub mod completions;
pub mod doctor;
pub mod erase;
pub mod exec;
pub mod get;
pub mod refresh;
pub mod revoke;
pub mod serve;
pub mod setup;
pub mod status;
pub mod store;
pub mod token_command;

/// The cache, if it exists: these commands look at what is there and create nothing.
fn existing_cache(settings: &Config) -> Result<Option<Cache>> {
    let Some(dir) = &settings.cache_dir else { return Ok(None) };
    Cache::open_existing(dir).with_context(|| format!("use the cache {}", dir.display()))
}

/// Does the same for many items and continues after a failure. The first failure is the command's.
fn each<T>(
    things: impl IntoIterator<Item = T>,
    report: Report,
    mut act: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let mut outcome = Ok(());
    for thing in things {
        match (act(thing), &outcome) {
            (Err(error), Ok(())) => outcome = Err(error),
            (Err(error), Err(_)) => report.warn(&format!("{error:#}")),
            (Ok(()), _) => {}
        }
    }
    outcome
}

/// Prints text for people; paths in it may contain anything.
fn print_text(text: &str) -> Result<()> {
    print(&Secret::new(printable(text).into_owned()))
}

/// Writes a whole answer at once; a reader that has gone away is not an error.
fn print(text: &Secret) -> Result<()> {
    let mut stdout = io::stdout();
    match stdout.write_all(text.expose().as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("write the answer"),
        _ => Ok(()),
    }
}
