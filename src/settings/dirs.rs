//! The user's home directory, and our own directories below it.

use std::path::PathBuf;

use crate::platform::paths;
use crate::settings::environment::variable;
use crate::tokens::error::PROGRAM;

/// For all users of the machine.
pub fn system() -> PathBuf {
    paths::of_all_users(&read, PROGRAM)
}

/// The user's home directory: `HOME`, else the user database's.
pub fn home() -> Option<PathBuf> {
    paths::home(&read).filter(|home| home.is_absolute())
}

/// The directory of our configuration.
pub fn config_dir() -> Option<PathBuf> {
    paths::config_dir(&read, PROGRAM)
}

/// The directory of our cache, if no setting names one.
pub fn cache_dir() -> Option<PathBuf> {
    paths::cache_dir(&read, PROGRAM)
}

fn read(name: &'static str) -> Option<String> {
    variable(name).ok().flatten()
}
