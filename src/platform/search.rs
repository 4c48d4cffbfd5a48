//! Where our own programs (git, gh, sh, crontab, systemctl) are looked for: only in the absolute entries of the `PATH`.
//! Every other entry stands for whatever directory we are run in, which may be a clone of somebody else's: its `git` is
//! not run, nor found by what we do run. How a directory is searched is in `src/platform/{unix,windows}/search.rs`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The `PATH` of this process.
static PATH: OnceLock<Option<OsString>> = OnceLock::new();

/// Takes over the `PATH` of this process. Most of its runs start no program.
pub fn look_in(path: Option<OsString>) {
    let _ = PATH.set(path);
}

/// Where this process looks.
pub fn own() -> &'static Search {
    static OWN: OnceLock<Search> = OnceLock::new();
    OWN.get_or_init(|| Search::of(PATH.get().and_then(Option::as_deref)))
}

/// Directories to look in.
#[derive(Debug, PartialEq, Eq)]
pub struct Search {
    pub(super) directories: Vec<PathBuf>,
    /// The `PATH` for what is run, where it is another than ours.
    pub instead: Option<OsString>,
}
