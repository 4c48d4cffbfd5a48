//! How git, cron and systemd call this program.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::platform::paths;
use crate::programs::words::shell_word;
use crate::settings::other_programs;
use crate::tokens::error::{Failure, Kind, PROGRAM, escape};

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
    let search = other_programs::path()?.unwrap_or_default();
    let names = paths::program_names(&called.to_string_lossy());
    let found = std::env::split_paths(&search)
        .flat_map(|dir| names.iter().map(move |name| dir.join(name)).collect::<Vec<_>>())
        .find(|path| path.is_absolute() && same(path));
    Ok(found.unwrap_or(actual))
}

/// The command line of this process, for people to copy and extend. Commands and passwords are left out, as the output
/// may be kept in a log.
pub fn command_line() -> String {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    std::iter::once(PROGRAM.to_owned()).chain(shown(words)).collect::<Vec<_>>().join(" ")
}

fn shown(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut shown = Vec::new();
    let mut is_command = false;
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or((&word, ""));
        let has_command = name.starts_with("--") && name.ends_with("-command");
        shown.push(match &word {
            _ if is_command => "...".to_owned(),
            _ if has_command && !value.is_empty() => format!("{name}=..."),
            word if word.contains("://") && word.contains('@') => "...".to_owned(),
            word => escape(&shell_word(word)),
        });
        is_command = has_command && value.is_empty();
    }
    shown
}

/// Refuses a text that would not fit on one line of the files that setup writes.
///
/// # Errors
/// It holds a control character.
pub fn check_line(what: &str, text: &str) -> Result<(), Failure> {
    if text.chars().any(char::is_control) {
        let message = format!("{what} holds a line end or another control character");
        let hint = "choose another name, or check HOME, XDG_CONFIG_HOME and PATH; setup writes it into files of lines";
        return Err(Failure::new(Kind::Settings, message).hint(hint));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_command_line_is_shown_without_commands_and_passwords() {
        for (line, expected) in [
            ("--host=ghe.test setup --file", "--host=ghe.test setup --file"),
            ("--sign-command a setup", "--sign-command ... setup"),
            ("--private-key-command=a=b setup", "--private-key-command=... setup"),
            ("--proxy=http://u:p@h:1 setup", "... setup"),
            ("--app-id $x setup", "--app-id \\$x setup"),
        ] {
            assert_eq!(shown(line.split(' ').map(str::to_owned)).join(" "), expected);
        }
    }
}
