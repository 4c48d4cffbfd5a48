//! What people read on stderr: errors, warnings, and under `-v` notes. Never a secret.

use std::io::{IsTerminal, Write};
use std::ops::Deref;
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};

use crate::platform::terminal;
use crate::platform::watched::Tell;
use crate::tokens::error::{self, OURS};
use crate::tokens::notes::Notes;

/// What is as it should be.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What deserves a look.
pub const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
/// What fails.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// What stands above a part.
pub const HEADING: Style = Style::new().bold();

/// How much is said, and whether in colour. anstream could decide on the colour too, though not by `--color`; it brings six
/// crates, and a `get` that finds its token in the cache takes 1 % more instructions with it.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// What is said beside errors.
    pub notes: Notes,
    color: bool,
    stdout_color: bool,
    /// Somebody sits where messages go.
    terminal: bool,
}

impl Report {
    /// Of what is said beside errors, `verbose` has all and `quiet` nothing; `None` for the colour: where somebody sits
    /// and does not refuse it, `no_color`, as <https://no-color.org> defines it.
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

    /// A word for standard output, in a style where that is wanted.
    pub fn paint(self, word: &str, style: Style) -> String {
        if self.stdout_color { painted(word, style) } else { word.to_owned() }
    }

    /// Says what whoever sits at the terminal will wonder about next; elsewhere a note.
    pub fn tell(self, text: impl FnOnce() -> String) {
        if self.is_verbose() || self.terminal {
            self.inform(&text());
        }
    }

    /// Says why the command failed and what to do next.
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

    /// A command says what the library says in the same way.
    fn deref(&self) -> &Notes {
        &self.notes
    }
}

/// Where messages go instead of stderr.
static OUTLET: OnceLock<Tell> = OnceLock::new();

/// Sends what would go to stderr elsewhere, for the rest of the process: `serve` never waits for whoever reads that.
/// Errors, which end the process, still go to stderr.
pub fn divert(outlet: Tell) {
    // Only the first counts, and there is one `serve` in a process.
    let _ = OUTLET.set(outlet);
}

fn message(text: &str) {
    match OUTLET.get() {
        Some(outlet) => outlet(text),
        None => say(&format!("{OURS}{text}\n")),
    }
}

/// One write, so that lines of parallel helpers do not mix; a closed stderr is nobody's failure.
pub fn say(text: &str) {
    let _ = write(text);
}

/// The same for whoever wants to know.
///
/// # Errors
/// Stderr takes no more.
pub fn write(text: &str) -> std::io::Result<()> {
    std::io::stderr().write_all(text.as_bytes())
}
