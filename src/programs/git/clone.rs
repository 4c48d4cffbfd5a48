//! The clone that git finds in the current directory, by git's own rules (`safe.directory`, worktrees, `GIT_DIR`).

use std::path::Path;

use crate::platform::clock::Deadline;
use crate::programs::git::{ConfigEntry, parse, run};

/// What git says about the current directory.
pub enum Clone {
    /// It is not in a repository.
    None,
    /// git does not trust its owner (<https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory>);
    /// holds the directory that git names.
    Refused(String),
    /// It is in a repository; holds the lines of its `.gitmodules`.
    Found(Vec<ConfigEntry>),
}

/// Asks git. If git does not answer, there is no repository.
pub fn here(deadline: Deadline) -> Clone {
    // Without a work tree, git answers only the first of the two.
    let Ok(outcome) = run(&["rev-parse", "--git-dir", "--show-toplevel"], deadline) else {
        return Clone::None;
    };
    if outcome.stdout.is_empty() {
        let text = String::from_utf8_lossy(&outcome.stderr);
        let refused = text.split_once("dubious ownership in repository at '");
        let directory = refused.and_then(|(_, rest)| rest.split_once("'\n"));
        return directory.map_or(Clone::None, |(directory, _)| Clone::Refused(directory.to_owned()));
    }
    let text = String::from_utf8_lossy(&outcome.stdout);
    let top = text.lines().nth(1).filter(|_| outcome.status.success());
    Clone::Found(top.map(|top| modules(Path::new(top), deadline)).unwrap_or_default())
}

/// The lines of `.gitmodules`, which everyone who can push can write: its includes are not read, and symbolic links are
/// not followed, as git does not follow them either.
fn modules(top: &Path, deadline: Deadline) -> Vec<ConfigEntry> {
    let path = top.join(".gitmodules");
    let is_file = std::fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
    let Some(file) = path.to_str().filter(|_| is_file) else { return Vec::new() };
    let arguments = ["config", "--list", "--null", "--show-origin", "--no-includes", "--file", file];
    match run(&arguments, deadline) {
        Ok(outcome) if outcome.status.success() => parse(&outcome.stdout),
        _ => Vec::new(),
    }
}
