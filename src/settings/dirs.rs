//! Where the user's home is, and our own directories below it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use directories::{BaseDirs, ProjectDirs};

use crate::platform::getent;
use crate::settings::environment::variable;
use crate::tokens::error::PROGRAM;

/// Of all users of the machine.
pub const SYSTEM: &str = concat!("/etc/", env!("CARGO_PKG_NAME"));

/// The user's home directory: `HOME`, else the user database's.
pub fn home() -> Option<PathBuf> {
    let home = if must_ask() { asked() } else { BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()) };
    home.filter(|home| home.is_absolute())
}

/// The directory of our own configuration.
pub fn config_dir() -> Option<PathBuf> {
    own("XDG_CONFIG_HOME", ".config", ProjectDirs::config_dir)
}

/// The directory of our cache, where no setting names one.
pub fn cache_dir() -> Option<PathBuf> {
    own("XDG_CACHE_HOME", ".cache", ProjectDirs::cache_dir)
}

fn own(name: &'static str, default: &str, of: fn(&ProjectDirs) -> &Path) -> Option<PathBuf> {
    if !must_ask() {
        return ProjectDirs::from("", "", PROGRAM).map(|dirs| of(&dirs).to_owned());
    }
    // The same rules (https://specifications.freedesktop.org/basedir-spec/latest/) with a home that `directories`
    // cannot be told.
    let named = variable(name).ok().flatten().map(PathBuf::from);
    let base = named.filter(|dir| dir.is_absolute()).or_else(|| Some(home()?.join(default)))?;
    Some(base.join(PROGRAM))
}

/// Without `HOME`, `directories` asks glibc, which this build must not.
fn must_ask() -> bool {
    getent::NEEDED && variable("HOME").is_ok_and(|found| found.is_none())
}

fn asked() -> Option<PathBuf> {
    static HOME: OnceLock<Option<PathBuf>> = OnceLock::new();
    HOME.get_or_init(getent::home).clone()
}
