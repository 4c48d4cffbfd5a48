//! What users see on stderr: errors, warnings, and notes under `-v`. Never a secret.

use std::io::{IsTerminal, Write};
use std::ops::Deref;
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};

use crate::platform::terminal;
use crate::platform::watched::Tell;
use crate::tokens::error::{self, OURS};
use crate::tokens::notes::Notes;

/// The style of success.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// The style of warnings.
pub const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
/// The style of failures.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// The style of headings.
pub const HEADING: Style = Style::new().bold();

/// How much to print, and whether in colour. anstream could decide on the colour too, though not by `--color`. It
/// brings six crates, and costs a `get` that hits the cache 1 % more instructions.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// What to print besides errors.
    pub notes: Notes,
    color: bool,
    stdout_color: bool,
    /// Whether stderr is a terminal.
    terminal: bool,
}

impl Report {
    /// Besides errors, `verbose` prints everything and `quiet` nothing. With `None` for the colour, it is used on a
    /// terminal unless `no_color` is set, as <https://no-color.org> defines it.
    pub fn new(verbose: bool, quiet: bool, color: Option<bool>, no_color: bool) -> Self {
        let color = |is_terminal: bool| color.unwrap_or(!no_color && is_terminal && terminal::has_colors());
        let notes = Notes { verbose, quiet: quiet && !verbose, write: message };
        let terminal = std::io::stderr().is_terminal();
        Self { notes, terminal, color: color(terminal), stdout_color: color(std::io::stdout().is_terminal()) }
    }

    /// Whether notes are shown.
    pub fn is_verbose(self) -> bool {
        self.notes.verbose
    }

    /// A word for standard output, in a style if colour is wanted.
    pub fn paint(self, word: &str, style: Style) -> String {
        if self.stdout_color { painted(word, style) } else { word.to_owned() }
    }

    /// Prints what a user at a terminal will want to know; elsewhere a note.
    pub fn tell(self, text: impl FnOnce() -> String) {
        if self.is_verbose() || self.terminal {
            self.inform(&text());
        }
    }

    /// Prints why the command failed and what to do next.
    pub fn error(self, failure: &anyhow::Error) {
        let mut text = error::render(failure);
        if self.color {
            let name = OURS.trim_end();
            text = text.replacen(name, &painted(name, BAD), 1);
            text = text.replace("\nhint:", &format!("\n{}", painted("hint:", DOUBTFUL)));
        }
        say(&text);
    }
}

fn painted(word: &str, style: Style) -> String {
    format!("{style}{word}{style:#}")
}

impl Deref for Report {
    type Target = Notes;

    /// Commands print in the same way as the library.
    fn deref(&self) -> &Notes {
        &self.notes
    }
}

/// The sink that replaces stderr.
static OUTLET: OnceLock<Tell> = OnceLock::new();

/// Redirects messages from stderr for the rest of the process, so that `serve` never waits for a slow reader. Errors,
/// which end the process, still go to stderr.
pub fn divert(outlet: Tell) {
    // Only the first call counts; a process has one `serve`.
    let _ = OUTLET.set(outlet);
}

fn message(text: &str) {
    match OUTLET.get() {
        Some(outlet) => outlet(text),
        None => say(&format!("{OURS}{text}\n")),
    }
}

/// One write, so that lines of parallel helpers do not mix; a closed stderr is ignored.
pub fn say(text: &str) {
    let _ = write(text);
}

/// The same, with the outcome.
///
/// # Errors
/// Stderr cannot be written.
pub fn write(text: &str) -> std::io::Result<()> {
    std::io::stderr().write_all(text.as_bytes())
}
