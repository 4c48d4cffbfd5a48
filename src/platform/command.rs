//! The one place that makes a [`Command`].

use std::ffi::OsStr;
use std::process::Command;

/// A program named by the user: by its path, or by a name that is looked up as env(1) does.
#[expect(clippy::disallowed_methods, reason = "the one place that starts programs")]
pub fn foreign(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}
