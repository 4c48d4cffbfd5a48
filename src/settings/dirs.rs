//! Where the user's home is, and our own directories below it.

use std::path::PathBuf;

use crate::platform::paths;
use crate::settings::environment::variable;
use crate::tokens::error::PROGRAM;

/// Of all users of the machine.
pub fn system() -> PathBuf {
    paths::of_all_users(&read, PROGRAM)
}

/// The user's home directory: `HOME`, else the user database's.
pub fn home() -> Option<PathBuf> {
    paths::home(&read).filter(|home| home.is_absolute())
}

/// The directory of our own configuration.
pub fn config_dir() -> Option<PathBuf> {
    paths::config_dir(&read, PROGRAM)
}

/// The directory of our cache, where no setting names one.
pub fn cache_dir() -> Option<PathBuf> {
    paths::cache_dir(&read, PROGRAM)
}

fn read(name: &'static str) -> Option<String> {
    variable(name).ok().flatten()
}
