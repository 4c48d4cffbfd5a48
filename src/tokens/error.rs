//! What failed, how badly, and what to do next.
//!
//! A [`Failure`] sits in the anyhow chain where the exit code is decided; contexts around it name the
//! object. The printed form is one line, then `hint:` lines. Text from outside passes [`escape`] first.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::tokens::secret;

/// The program's name, and the name of its directories.
pub const PROGRAM: &str = env!("CARGO_PKG_NAME");
/// The prefix of our messages.
pub const OURS: &str = concat!(env!("CARGO_PKG_NAME"), ": ");
/// The prefix of a line that says what to do.
pub const HINT: &str = "hint: ";
/// What to do after a timeout.
pub const MORE_TIME: &str = "try again, or raise --timeout";

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
    /// How long the server asks us to wait, in seconds from when it said so.
    #[serde(skip)]
    pub wait: Option<i64>,
}

impl Failure {
    /// A failure without hints.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), since: None, wait: None }
    }

    /// Adds a line that says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Sets how long the server asks us to wait, in seconds.
    #[must_use]
    pub fn after(self, seconds: i64) -> Self {
        Self { wait: Some(seconds), ..self }
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
    let mut text = format!("{OURS}{}\n", one_line(&format!("{error:#}")));
    for hint in Failure::of(error).hints {
        text.push_str(HINT);
        text.push_str(&one_line(&hint));
        text.push('\n');
    }
    text
}

/// Makes a text of ours safe for a terminal, whatever the paths and names in it hold: control and format characters
/// become escapes, except tabs and line ends. Applied where text is written, so that no message can forget it.
pub fn printable(text: &str) -> Cow<'_, str> {
    without(text, |c| is_unprintable(c) && c != '\n' && c != '\t', |out, c| out.extend(c.escape_unicode()))
}

/// The same for what must stay on one line, so that outside text cannot start a hint or a log line.
pub fn one_line(text: &str) -> Cow<'_, str> {
    without(text, is_unprintable, |out, c| out.extend(c.escape_unicode()))
}

/// The same for JSON, which stays what it is to its reader: only within strings there are such characters.
pub fn json_line(value: &serde_json::Value) -> String {
    let text = value.to_string();
    // None of them is above U+FFFF.
    let put = |out: &mut String, c| {
        // Writing to a String cannot fail.
        let _ = write!(out, "\\u{:04x}", u32::from(c));
    };
    without(&text, is_unprintable, put).into_owned()
}

/// A path as people read it.
pub fn shown(path: &Path) -> String {
    one_line(&path.display().to_string()).into_owned()
}

fn without(text: &str, is_bad: impl Fn(char) -> bool, put: impl Fn(&mut String, char)) -> Cow<'_, str> {
    if !text.chars().any(&is_bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_bad(c) {
            put(&mut out, c);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Control characters, and those that turn, hide or break what is beside them (Unicode's categories Cc, Cf, Zl and Zp, as
/// far as terminals heed them).
fn is_unprintable(c: char) -> bool {
    let formats = '\u{200b}'..='\u{200f}';
    let directions = '\u{2028}'..='\u{202e}';
    let isolates = '\u{2060}'..='\u{206f}';
    c.is_control()
        || [formats, directions, isolates].iter().any(|range| range.contains(&c))
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
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
    fn a_path_cannot_move_the_cursor_turn_the_text_or_start_a_hint() {
        let path = "/tmp/a\x1b[2J\u{9b}31m\u{202e}b\nhint: rm -rf";
        let shown = "/tmp/a\\u{1b}[2J\\u{9b}31m\\u{202e}b\\u{a}hint: rm -rf";
        let failure = Failure::new(Kind::Settings, "no such file").hint(format!("look at {path}"));
        let error = Err::<(), _>(failure).context(format!("read {path}")).unwrap_err();
        assert_eq!(
            render(&error),
            format!("git-credential-github-app: read {shown}: no such file\nhint: look at {shown}\n")
        );
        let json = serde_json::json!({ "path": path });
        let text = json_line(&json);
        assert!(text.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json);
        assert_eq!(printable("a\tb\né \u{2026} \x1b"), "a\tb\né \u{2026} \\u{1b}");
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
