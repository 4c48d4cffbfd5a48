//! Where the user's home is, and our own directories below it.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::platform::{getent, paths};
use crate::settings::environment::variable;
use crate::tokens::error::PROGRAM;

/// Of all users of the machine.
pub fn system() -> PathBuf {
    paths::of_all_users(&read, PROGRAM)
}

/// The user's home directory: `HOME`, else the user database's.
pub fn home() -> Option<PathBuf> {
    let home = if must_ask() { asked() } else { paths::home(&read) };
    home.filter(|home| home.is_absolute())
}

/// The directory of our own configuration.
pub fn config_dir() -> Option<PathBuf> {
    if must_ask() { own("XDG_CONFIG_HOME", ".config") } else { paths::config_dir(&read, PROGRAM) }
}

/// The directory of our cache, where no setting names one.
pub fn cache_dir() -> Option<PathBuf> {
    if must_ask() { own("XDG_CACHE_HOME", ".cache") } else { paths::cache_dir(&read, PROGRAM) }
}

/// The rules of `directories` (<https://specifications.freedesktop.org/basedir-spec/latest/>) with a home that it cannot
/// be told.
fn own(name: &'static str, default: &str) -> Option<PathBuf> {
    let named = read(name).map(PathBuf::from);
    let base = named.filter(|dir| dir.is_absolute()).or_else(|| Some(home()?.join(default)))?;
    Some(base.join(PROGRAM))
}

fn read(name: &'static str) -> Option<String> {
    variable(name).ok().flatten()
}

/// Without `HOME`, `directories` asks glibc, which this build must not.
fn must_ask() -> bool {
    getent::NEEDED && variable("HOME").is_ok_and(|found| found.is_none())
}

fn asked() -> Option<PathBuf> {
    static HOME: OnceLock<Option<PathBuf>> = OnceLock::new();
    HOME.get_or_init(getent::home).clone()
}
