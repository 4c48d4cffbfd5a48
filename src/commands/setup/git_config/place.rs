//! Which git configuration file to change.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::platform::clock::Deadline;
use crate::platform::process;
use crate::programs::git;
use crate::settings::other_programs;
use crate::tokens::error::{Failure, Kind};

/// Which file is changed.
pub enum ConfigPlace {
    /// `--global`.
    Global,
    /// `--system`.
    System,
    /// `--local`.
    Local,
    /// `--file`.
    File(PathBuf),
}

impl ConfigPlace {
    /// The file's absolute path.
    pub fn path(&self, deadline: Deadline) -> Result<PathBuf> {
        let path = match self {
            Self::Global => other_programs::git_global_file()?.ok_or_else(|| {
                Failure::new(Kind::Settings, "there is no home directory for git's configuration")
                    .hint("set HOME or GIT_CONFIG_GLOBAL, or choose a file with --file")
            })?,
            Self::System => match other_programs::git_system_file()? {
                Some(path) => path,
                None => ask_git(&["config", "--system", "--edit"], deadline)?,
            },
            Self::Local => ask_git(&["rev-parse", "--git-path", "config"], deadline)?,
            Self::File(path) => path.clone(),
        };
        std::path::absolute(&path).with_context(|| format!("find {}", path.display()))
    }
}

/// A path that only git knows: with `echo` as its editor, git prints the file that it would let the user edit.
fn ask_git(arguments: &[&str], deadline: Deadline) -> Result<PathBuf> {
    let mut command = process::program("git");
    command.args(arguments).env("GIT_EDITOR", "echo");
    let outcome = git::run_prepared(&mut command, b"", deadline)?;
    let text = String::from_utf8_lossy(&outcome.stdout).trim().to_owned();
    if !outcome.status.success() || text.is_empty() {
        return Err(git::failure(&format!("git {}", arguments.join(" ")), &outcome)
            .hint("run it in a repository, or choose a file with --file")
            .into());
    }
    Ok(text.into())
}
