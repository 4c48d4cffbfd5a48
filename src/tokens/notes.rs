//! The library's messages: notes of what is done, and warnings of what is wrong but not fatal. The caller decides which of
//! them are shown, and where.

use crate::tokens::error::one_line;

/// Where notes and warnings go.
#[derive(Clone, Copy, Debug)]
pub struct Notes {
    /// Notes are wanted, too.
    pub verbose: bool,
    /// Not even warnings are.
    pub quiet: bool,
    /// Takes one message: a line, and perhaps `hint:` lines below it, without a line end.
    pub write: fn(&str),
}

impl Notes {
    /// Says what is done; shown under `-v`.
    pub fn note(self, text: impl FnOnce() -> String) {
        if self.verbose {
            (self.write)(&one_line(&text()));
        }
    }

    /// Says what goes on; shown unless `-q`.
    pub fn inform(self, text: &str) {
        if !self.quiet {
            (self.write)(&one_line(text));
        }
    }

    /// Says what is wrong but not fatal.
    pub fn warn(self, text: &str) {
        self.inform(&format!("warning: {text}"));
    }

    /// The same, and what to do about it.
    pub fn warn_with_hint(self, text: &str, hint: &str) {
        if !self.quiet {
            let (text, hint) = (one_line(text), one_line(hint));
            (self.write)(&format!("warning: {text}\nhint: {hint}"));
        }
    }
}
