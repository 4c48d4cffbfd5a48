//! Who runs this process.

use std::path::PathBuf;

use nix::unistd::{Uid, User};

/// The user's ID.
pub fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The home directory of the user who runs this process, by the user database, whatever `HOME` says. `None` where the
/// database does not know the user.
pub fn home() -> Option<PathBuf> {
    User::from_uid(Uid::current()).ok()?.map(|user| user.dir).filter(|dir| !dir.as_os_str().is_empty())
}
