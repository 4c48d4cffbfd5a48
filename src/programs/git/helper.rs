//! A helper line as git runs it: which program, and with which words (gitcredentials(7), CUSTOM HELPERS). Pure.

use std::path::{Path, PathBuf};

use crate::programs::git::ConfigEntry;
use crate::programs::words::{first_word, words};
use crate::tokens::error::PROGRAM;

/// Our name as git's helper lines may shorten it.
const SHORT: &str = "github-app";

/// A configured helper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    /// As configured.
    pub command: String,
    /// The file it is in.
    pub origin: String,
    /// The line's key.
    pub key: String,
}

/// What git starts for a helper line.
#[derive(Debug, PartialEq, Eq)]
pub enum Program {
    /// This file.
    File(PathBuf),
    /// The program that the shell finds by this name.
    OnPath(String),
    /// The program that git finds by this name among its own programs, or else on the `PATH`.
    OfGit(String),
    /// A snippet that only the shell understands.
    Unknown,
}

impl From<&ConfigEntry> for Helper {
    fn from(entry: &ConfigEntry) -> Self {
        let ConfigEntry { key, value, origin } = entry.clone();
        Self { command: value, origin, key }
    }
}

impl Helper {
    /// Whether it is this program, by name, path or snippet.
    pub fn is_ours(&self) -> bool {
        let command = self.command.trim();
        if let Some(snippet) = command.strip_prefix('!') {
            return snippet.contains(PROGRAM);
        }
        let word = first_word(command);
        let name = word.rsplit('/').next().unwrap_or_default();
        word == SHORT || name.strip_suffix(".exe").unwrap_or(name) == PROGRAM
    }

    /// Whether it is meant to be this program, even if it is written in a way that git does not understand.
    pub fn means_us(&self) -> bool {
        self.is_ours() || self.command.contains(PROGRAM)
    }

    /// What messages call it: only the first word, as the rest may hold a secret.
    pub fn name(&self) -> String {
        first_word(self.command.trim())
    }

    /// Whether it is what `gh auth setup-git` writes.
    pub fn is_gh(&self) -> bool {
        self.command.contains("auth git-credential")
    }

    /// The program that git starts, and the words that it passes before the operation.
    pub fn program(&self) -> (Program, Vec<String>) {
        let (snippet, shell) = match self.command.strip_prefix('!') {
            Some(snippet) => (snippet, true),
            None => (self.command.as_str(), is_absolute(&self.command)),
        };
        let Some(mut words) = words(snippet).filter(|words| !words.is_empty()) else {
            return (Program::Unknown, Vec::new());
        };
        let first = words.remove(0);
        let program = match (shell, first.contains('/')) {
            (false, _) => Program::OfGit(format!("git-credential-{first}")),
            (true, false) if first.contains('=') => Program::Unknown,
            (true, false) => Program::OnPath(first),
            // Other paths, such as `~/bin/x`, are expanded by the shell.
            (true, true) if !Path::new(&first).is_absolute() => Program::Unknown,
            (true, true) => Program::File(first.into()),
        };
        (program, words)
    }
}

/// Whether git takes it for a path and not for a name: it begins with a slash, or on Windows with a drive.
fn is_absolute(text: &str) -> bool {
    text.starts_with('/') || Path::new(text).is_absolute()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn helper(command: &str) -> Helper {
        Helper { command: command.into(), origin: String::new(), key: String::new() }
    }

    #[test]
    fn our_helper_is_known_by_name_path_and_snippet() {
        for (command, ours) in [
            ("github-app", true),
            ("github-app --config /x", true),
            ("/usr/local/bin/git-credential-github-app", true),
            ("/opt/my\\ tools/git-credential-github-app --owner x", true),
            ("!git-credential-github-app", true),
            ("!/x/git-credential-github-app get", true),
            ("github-app-auth", false),
            ("store", false),
            ("C:/my\\ tools/git-credential-github-app.exe -v", true),
            ("/usr/bin/not-git-credential-github-app-x", false),
        ] {
            assert_eq!(helper(command).is_ours(), ours, "{command}");
        }
        assert!(helper("/opt/my tools/git-credential-github-app").means_us());
        assert_eq!(helper("!f() { echo password=hunter2; }; f").name(), "!f()");
        let gh = helper("!/usr/bin/gh auth git-credential");
        assert!(gh.is_gh() && !gh.is_ours() && !gh.means_us());
    }

    #[test]
    fn a_line_starts_the_program_that_git_would_start() {
        let (of_git, on_path, file) = (
            |name: &str| Program::OfGit(name.into()),
            |name: &str| Program::OnPath(name.into()),
            |path: &str| Program::File(path.into()),
        );
        for (command, program, words) in [
            ("github-app", of_git("git-credential-github-app"), &[][..]),
            ("github-app --owner 'a b'", of_git("git-credential-github-app"), &["--owner", "a b"]),
            ("git-credential-github-app", of_git("git-credential-git-credential-github-app"), &[]),
            ("~/bin/x", of_git("git-credential-~/bin/x"), &[]),
            ("/bin/x -v", file("/bin/x"), &["-v"]),
            ("/my\\ tools/x", file("/my tools/x"), &[]),
            ("/my tools/x", file("/my"), &["tools/x"]),
            ("\"/my tools/x\"", of_git("git-credential-/my tools/x"), &[]),
            ("!x get", on_path("x"), &["get"]),
            ("!'/my tools/x' \"a 'b'\"", file("/my tools/x"), &["a 'b'"]),
            ("!A=b x", Program::Unknown, &["x"]),
            ("!~/bin/x", Program::Unknown, &[]),
            ("!./x", Program::Unknown, &[]),
            ("!f() { x; }; f", Program::Unknown, &[]),
            ("/x/$USER/y", Program::Unknown, &[]),
            ("!\"$HOME/x\"", Program::Unknown, &[]),
            ("!", Program::Unknown, &[]),
            ("/x 'open", Program::Unknown, &[]),
        ] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(helper(command).program(), (program, words), "{command}");
        }
    }
}
