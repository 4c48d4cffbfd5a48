//! What failed, how badly, and what to do next.
//!
//! A [`Failure`] sits in the anyhow chain where the exit code is decided; contexts around it name the
//! object. The printed form is one line, then `hint:` lines. Text from outside passes [`escape`] first.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::secret;

/// Why a command failed; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Anything that no other kind names, such as an answer that makes no sense.
    Other,
    /// A bad option or argument.
    Usage,
    /// A wrong value in the environment or the settings file, or a wrong key.
    Settings,
    /// The broker or GitHub said no; asking again changes nothing.
    Refused,
    /// The App is not installed for the owner: refused, but for git merely not ours.
    NotInstalled,
    /// Network, 5xx, rate limit, lock wait: trying again later can work.
    Temporary,
    /// `exec` found its command and cannot run it; the exit code is that of env(1).
    CannotRun,
    /// `exec` did not find its command; the exit code is that of env(1).
    NotFound,
}

impl Kind {
    /// The process's exit code for this kind.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::Settings => 3,
            Self::Refused | Self::NotInstalled => 4,
            Self::Temporary => 5,
            Self::CannotRun => 126,
            Self::NotFound => 127,
        }
    }
}

/// A failure with its kind, its message (lower case, no full stop) and hints.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    /// What failed; already escaped.
    pub message: String,
    /// What to do next, one line each.
    pub hints: Vec<String>,
    /// When it was said, in seconds since 1970, where it is remembered and not new.
    #[serde(skip)]
    pub since: Option<i64>,
}

impl Failure {
    /// A failure without hints.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), since: None }
    }

    /// Adds a line that says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The failure that decides an error's exit code; an unclassified error counts as [`Kind::Other`].
    pub fn of(error: &anyhow::Error) -> Self {
        error.downcast_ref::<Self>().cloned().unwrap_or_else(|| Self::new(Kind::Other, String::new()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The lines a failed command leaves on stderr.
pub fn render(error: &anyhow::Error) -> String {
    let mut text = format!("git-credential-github-app: {error:#}\n");
    for hint in Failure::of(error).hints {
        text.push_str("hint: ");
        text.push_str(&hint);
        text.push('\n');
    }
    text
}

/// Makes text from outside safe for a terminal and a log: what has the form of a credential is left out, control and
/// format characters become escapes, and no more than 300 characters are kept.
pub fn escape(text: &str) -> String {
    let text = &*secret::hide(text);
    if text.len() <= 300 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return text.to_owned();
    }
    let mut out = String::new();
    for (index, c) in text.trim().chars().enumerate() {
        if index == 300 {
            out.push_str("...");
            break;
        }
        if c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric() {
            out.push(c);
        } else {
            out.extend(c.escape_unicode());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn every_kind_has_the_contracts_exit_code() {
        let table = [
            (Kind::Other, 1),
            (Kind::Usage, 2),
            (Kind::Settings, 3),
            (Kind::Refused, 4),
            (Kind::NotInstalled, 4),
            (Kind::Temporary, 5),
            (Kind::CannotRun, 126),
            (Kind::NotFound, 127),
        ];
        for (kind, code) in table {
            assert_eq!(kind.exit_code(), code, "{kind:?}");
        }
    }

    #[test]
    fn an_error_is_one_line_and_then_its_hints() {
        let error = Err::<(), _>(Failure::new(Kind::Settings, "no such file").hint("create it"))
            .context("read private key /k.pem")
            .unwrap_err();
        assert_eq!(
            render(&error),
            "git-credential-github-app: read private key /k.pem: no such file\nhint: create it\n"
        );
        assert_eq!(Failure::of(&error).kind, Kind::Settings);
    }

    #[test]
    fn text_from_outside_cannot_move_the_cursor_or_start_a_line() {
        for (text, escaped) in [
            ("Bad credentials", "Bad credentials"),
            ("a\nb\r\x1b[31m", "a\\u{a}b\\u{d}\\u{1b}[31m"),
            ("\u{202e}txt", "\\u{202e}txt"),
            ("é", "é"),
        ] {
            assert_eq!(escape(text), escaped);
        }
        assert_eq!(escape(&"x".repeat(1000)).len(), 303);
    }
}
