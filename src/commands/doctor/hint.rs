//! What to do about a failed check: prose, or a command to copy, which is never wrapped.

use crate::commands::doctor::fold;
use crate::tokens::error::one_line;
use crate::tokens::secret;

/// One line of advice.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hint {
    Prose(String),
    Command(String),
}

/// Advice, one hint a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hints(Vec<Hint>);

/// A command that fixes it, ready for a shell. It is never cut short. It may contain names that others chose, which are
/// escaped before they reach the terminal.
pub fn command(text: impl AsRef<str>) -> Hints {
    Hints(vec![Hint::Command(shown(text.as_ref()))])
}

fn shown(text: &str) -> String {
    let mut shown = String::new();
    for c in secret::hide(text).chars() {
        if c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric() {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    shown
}

impl Hints {
    /// No advice.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// Adds advice on a line of its own.
    #[must_use]
    pub fn and(mut self, more: impl Into<String>) -> Self {
        self.0.push(Hint::Prose(more.into()));
        self
    }

    /// Adds an alternative command, and says in a word or two what it does.
    #[must_use]
    pub fn or(mut self, what: &str, command: impl std::fmt::Display) -> Self {
        self.0.push(Hint::Command(shown(&format!("or {what}: {command}"))));
        self
    }

    /// A `hint:` line for each; prose is wrapped to a width.
    pub fn to_text(&self, width: usize) -> String {
        let lines = self.0.iter().map(|hint| match hint {
            Hint::Prose(text) => format!("      hint: {}\n", fold::fold(&one_line(text), 12, width)),
            Hint::Command(text) => format!("      hint: {text}\n"),
        });
        lines.collect()
    }

    /// All advice in one line, for JSON.
    pub fn in_one_line(&self) -> String {
        let texts = self.0.iter().map(|(Hint::Prose(text) | Hint::Command(text))| text.as_str());
        texts.collect::<Vec<_>>().join("; ")
    }
}

impl From<&str> for Hints {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for Hints {
    fn from(text: String) -> Self {
        Self(vec![Hint::Prose(text)])
    }
}

impl From<Vec<String>> for Hints {
    fn from(texts: Vec<String>) -> Self {
        Self(texts.into_iter().map(Hint::Prose).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_folded_and_commands_are_not() {
        let hints = command("a b c d e f g h").or("i", "j k l m n").and("one two three");
        assert_eq!(
            hints.to_text(20),
            "      hint: a b c d e f g h\n      hint: or i: j k l m n\n      hint: one two\n            three\n"
        );
        let named = command(format!("x '\u{1b}[31m\n{}' é", "y".repeat(400))).in_one_line();
        assert_eq!(named, format!("x '\\u{{1b}}[31m\\u{{a}}{}' é", "y".repeat(400)));
        assert_eq!(hints.in_one_line(), "a b c d e f g h; or i: j k l m n; one two three");
    }
}
