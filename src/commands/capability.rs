//! `capability`: lists the protocol capabilities that `get` uses
//! (<https://git-scm.com/docs/git-credential#CAPA-IOFMT>).

use anyhow::Result;

use crate::commands::print;
use crate::tokens::secret::Secret;

/// Runs the operation; reads nothing.
pub fn run() -> Result<()> {
    print(&Secret::new("version 0\ncapability authtype\ncapability state\n".into()))
}
