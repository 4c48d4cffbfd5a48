//! Who runs this process.

use std::path::PathBuf;

use nix::unistd::{Uid, User};

/// Who may change what belongs to all users.
pub const ADMINISTRATOR: &str = "root";
/// How to run a command as one.
pub const AS_ADMINISTRATOR: &str = "run it as root, for example with sudo";
/// How to install this program so that all users can run it.
pub const INSTALL_FOR_ALL: &str = "./install.sh --prefix /usr/local";

/// The user's ID.
pub fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The home directory of the user who runs this process, from the user database, whatever `HOME` says. `None` if the
/// database does not list the user.
pub fn home() -> Option<PathBuf> {
    User::from_uid(Uid::current()).ok()?.map(|user| user.dir).filter(|dir| !dir.as_os_str().is_empty())
}
