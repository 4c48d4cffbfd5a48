//! The git on the `PATH`: its version, its configuration, and a run of it that never prompts.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::platform::clock::Deadline;
use crate::platform::process::{self, Outcome};
use crate::tokens::error::{Failure, Kind, escape};

pub mod clone;
pub mod edit;
pub mod helper;
pub mod here;
pub mod remote_url;
pub mod remotes;
pub mod rewrite;
pub mod wiring;

/// One line of git's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Section and variable lower-cased by git, the subsection as written.
    pub key: String,
    /// `true` for a key without `=`, which means true.
    pub value: String,
    /// Where it is: a file, or what git prints instead of one, such as `command line:`.
    pub origin: String,
}

/// Runs git; its stderr is captured, and the caller judges its output.
///
/// # Errors
/// git is not installed, or times out.
pub fn run(arguments: &[&str], deadline: Deadline) -> Result<Outcome, Failure> {
    let mut git = process::program("git");
    git.args(arguments);
    run_prepared(&mut git, b"", deadline)
}

/// The same for a git command that asks credential helpers: we are one of them and need our whole environment.
pub fn run_with_helpers(arguments: &[&str], deadline: Deadline) -> Result<Outcome, Failure> {
    let mut git = process::program("git");
    git.args(arguments);
    run_silently(&mut git, b"", deadline)
}

/// Runs a git command that the caller has prepared and that never prompts.
pub fn run_prepared(git: &mut Command, input: &[u8], deadline: Deadline) -> Result<Outcome, Failure> {
    run_silently(process::without_secrets(git), input, deadline)
}

fn run_silently(git: &mut Command, input: &[u8], deadline: Deadline) -> Result<Outcome, Failure> {
    // An empty GIT_ASKPASS switches off core.askPass too; SSH_ASKPASS is also ssh's own.
    git.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").env("GIT_ASKPASS", "").env_remove("SSH_ASKPASS");
    process::run_in_group(git, input, deadline).map_err(|trouble| trouble.of("git"))
}

/// Major and minor version.
pub fn version(deadline: Deadline) -> Result<(u32, u32), Failure> {
    let outcome = run(&["--version"], deadline)?;
    outcome
        .version()
        .ok_or_else(|| failure("git --version", &outcome).hint("run it by hand to see what is wrong"))
}

/// The whole configuration in effect in the current directory, in git's order; or that of one file and its includes.
pub fn configuration(file: Option<&Path>, deadline: Deadline) -> Result<Vec<ConfigEntry>, Failure> {
    let mut git = process::program("git");
    git.args(["config", "--list", "--null", "--show-origin"]);
    if let Some(file) = file {
        git.arg("--file").arg(file).arg("--includes");
    }
    list(&mut git, b"", deadline)
}

/// The lines of one file without its includes; `-` is the input.
pub fn lines_of(file: &Path, input: &[u8], deadline: Deadline) -> Result<Vec<ConfigEntry>, Failure> {
    let mut git = process::program("git");
    git.args(["config", "--list", "--null", "--show-origin", "--no-includes", "--file"]).arg(file);
    list(&mut git, input, deadline)
}

fn list(git: &mut Command, input: &[u8], deadline: Deadline) -> Result<Vec<ConfigEntry>, Failure> {
    let outcome = run_prepared(git, input, deadline)?;
    if !outcome.status.success() {
        return Err(failure("git config --list", &outcome)
            .hint("run git config --list --show-origin by hand to see what is wrong"));
    }
    Ok(parse(&outcome.stdout))
}

/// The directory of git's own programs, which git searches before the `PATH`.
pub fn exec_path(deadline: Deadline) -> Option<PathBuf> {
    let outcome = run(&["--exec-path"], deadline).ok()?;
    let text = std::str::from_utf8(&outcome.stdout).ok()?;
    Some(text.trim_end_matches(['\r', '\n']).into()).filter(|_| outcome.status.success())
}

/// The value in effect for a URL: git picks the best match (`git config --get-urlmatch`).
pub fn value_for(key: &str, url: &str, deadline: Deadline) -> Option<String> {
    let outcome = run(&["config", "--null", "--get-urlmatch", key, url], deadline).ok()?;
    let text = String::from_utf8_lossy(&outcome.stdout);
    outcome.status.success().then(|| text.trim_end_matches('\0').to_owned())
}

/// The last message of a git command that failed.
pub fn failure(what: &str, outcome: &Outcome) -> Failure {
    let text = String::from_utf8_lossy(&outcome.stderr);
    Failure::new(Kind::Other, format!("{what}: {}", escape(process::last_line(&text))))
}

/// Reads `git config --list --null --show-origin`: origin, NUL, key, LF, value, NUL; a key without `=` has no LF.
fn parse(output: &[u8]) -> Vec<ConfigEntry> {
    let text = String::from_utf8_lossy(output);
    let mut parts = text.split('\0');
    let mut entries = Vec::new();
    while let (Some(origin), Some(pair)) = (parts.next(), parts.next()) {
        let (key, value) = pair.split_once('\n').unwrap_or((pair, "true"));
        let origin = origin.strip_prefix("file:").unwrap_or(origin);
        entries.push(ConfigEntry { key: key.to_owned(), value: value.to_owned(), origin: origin.to_owned() });
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_line_ends_and_know_where_they_stand() {
        let output = b"file:/a\0core.bare\0file:/b c\0alias.x\n!f() {\n}; f\0command line:\0user.name\n\0";
        let entry = |key: &str, value: &str, origin: &str| ConfigEntry {
            key: key.into(),
            value: value.into(),
            origin: origin.into(),
        };
        assert_eq!(
            parse(output),
            [
                entry("core.bare", "true", "/a"),
                entry("alias.x", "!f() {\n}; f", "/b c"),
                entry("user.name", "", "command line:"),
            ]
        );
    }
}
