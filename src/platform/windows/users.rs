//! Who runs this process.

use std::path::PathBuf;

/// Who may change what belongs to all users.
pub const ADMINISTRATOR: &str = "an administrator";
/// How to run a command as one.
pub const AS_ADMINISTRATOR: &str = "run it in a terminal opened with \"Run as administrator\"";
/// How to install this program so that all users can run it.
pub const INSTALL_FOR_ALL: &str = r"a copy in C:\Program Files";

/// The user's number. Connections do not tell their user here, so nothing is compared with it.
pub fn me() -> u32 {
    u32::MAX
}

/// The home directory from the user database: Windows has none, so the environment decides.
pub fn home() -> Option<PathBuf> {
    None
}
