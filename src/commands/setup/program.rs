//! This program as git, cron and systemd shall call it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::error::escape;
use crate::settings::programs;

/// The absolute path of this program: as it was called or found on the `PATH`, so that a link into a package's versioned
/// directory is kept and survives the next upgrade.
pub fn path() -> Result<PathBuf> {
    let actual = std::env::current_exe().context("find this program's own path")?;
    let same = |path: &Path| path.canonicalize().ok() == actual.canonicalize().ok();
    let called = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    if called.components().count() > 1 {
        let called = std::path::absolute(&called)?;
        return Ok(if same(&called) { called } else { actual });
    }
    let search = programs::path()?.unwrap_or_default();
    let found = std::env::split_paths(&search)
        .map(|dir| dir.join(&called))
        .find(|path| path.is_absolute() && same(path));
    Ok(found.unwrap_or(actual))
}

/// The command line of this process, to be copied and added to.
pub fn command_line() -> String {
    let words = std::env::args_os().skip(1).map(|word| escape(&shell_word(&word.to_string_lossy())));
    std::iter::once("git-credential-github-app".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// A word for the shell, by backslashes and not by quotes: git takes only what begins with `/` for a path.
pub fn shell_word(text: &str) -> String {
    if text.is_empty() {
        return "''".to_owned();
    }
    let mut word = String::new();
    for c in text.chars() {
        if !c.is_alphanumeric() && !"/._-+=:,@%".contains(c) {
            word.push('\\');
        }
        word.push(c);
    }
    word
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn words_reach_the_shell_as_they_are() {
        for (text, word) in [
            ("/usr/bin/x", "/usr/bin/x"),
            ("/my tools/it's", "/my\\ tools/it\\'s"),
            ("a$b`c\"d\\", "a\\$b\\`c\\\"d\\\\"),
            ("/é/x", "/é/x"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }
}
