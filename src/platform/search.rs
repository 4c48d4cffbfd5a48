//! Finds the programs that the helper runs itself (git, gh, sh, crontab, systemctl), only in the absolute entries of the
//! `PATH`. A relative entry means the current directory, which may be a clone that somebody else controls: its `git` is not
//! run, neither by us nor by the programs we start. `src/platform/{unix,windows}/search.rs` search one directory.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The `PATH` of this process.
static PATH: OnceLock<Option<OsString>> = OnceLock::new();

/// Sets the `PATH` of this process. It is parsed on first use, because most runs start no program.
pub fn look_in(path: Option<OsString>) {
    let _ = PATH.set(path);
}

/// The search path of this process.
pub fn own() -> &'static Search {
    static OWN: OnceLock<Search> = OnceLock::new();
    OWN.get_or_init(|| Search::of(PATH.get().and_then(Option::as_deref)))
}

/// Directories to look in.
#[derive(Debug, PartialEq, Eq)]
pub struct Search {
    pub(super) directories: Vec<PathBuf>,
    /// The `PATH` for the programs that we run, if it differs from ours.
    pub instead: Option<OsString>,
}
