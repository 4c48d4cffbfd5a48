//! What people read on stderr: errors, warnings, and under `-v` notes. Never a secret.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::error::ErrorKind;

use crate::cli::{Color, Options};
use crate::tokens::error::{self, Failure, Kind, escape, one_line};

mod usage;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loudness {
    /// Errors alone.
    Quiet,
    /// Warnings too.
    Normal,
    /// All that is done.
    Verbose,
}

/// How much is said, and whether in colour.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    loudness: Loudness,
    color: bool,
    stdout_color: bool,
    /// Somebody sits where messages go.
    terminal: bool,
}

impl Report {
    /// What the options ask for; `no_color` as <https://no-color.org> defines it.
    pub fn new(options: &Options, no_color: bool) -> Self {
        let color = |is_terminal: bool| match options.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !no_color && is_terminal,
        };
        let loudness = match (options.verbose, options.quiet) {
            (1.., _) => Loudness::Verbose,
            (0, true) => Loudness::Quiet,
            (0, false) => Loudness::Normal,
        };
        let terminal = std::io::stderr().is_terminal();
        Self {
            loudness,
            terminal,
            color: color(terminal),
            stdout_color: color(std::io::stdout().is_terminal()),
        }
    }

    /// Whether notes are shown.
    pub fn is_verbose(self) -> bool {
        self.loudness == Loudness::Verbose
    }

    /// A word for standard output, in a colour (an SGR code such as `1;31`) where that is wanted.
    pub fn paint(self, word: &str, color: &str) -> String {
        if self.stdout_color && !color.is_empty() {
            format!("\x1b[{color}m{word}\x1b[0m")
        } else {
            word.to_owned()
        }
    }

    /// Says what is done, under `-v`.
    pub fn note(self, text: impl FnOnce() -> String) {
        if self.is_verbose() {
            message(&one_line(&text()));
        }
    }

    /// Says what whoever sits at the terminal will wonder about next; elsewhere a note.
    pub fn tell(self, text: impl FnOnce() -> String) {
        if self.is_verbose() || self.terminal {
            self.inform(&text());
        }
    }

    /// Says what goes on, to whoever wants any word at all.
    pub fn inform(self, text: &str) {
        if self.loudness != Loudness::Quiet {
            message(&one_line(text));
        }
    }

    /// Says what is wrong but stops nothing.
    pub fn warn(self, text: &str) {
        self.inform(&format!("warning: {text}"));
    }

    /// The same, and what to do about it.
    pub fn warn_with_hint(self, text: &str, hint: &str) {
        if self.loudness != Loudness::Quiet {
            let (text, hint) = (one_line(text), one_line(hint));
            message(&format!("warning: {text}\nhint: {hint}"));
        }
    }

    /// Says why the command failed and what to do next.
    pub fn error(self, failure: &anyhow::Error) {
        let mut text = error::render(failure);
        if self.color {
            text =
                text.replacen("git-credential-github-app:", "\x1b[1;31mgit-credential-github-app:\x1b[0m", 1);
            text = text.replace("\nhint:", "\n\x1b[33mhint:\x1b[0m");
        }
        say(&text);
    }
}

/// Answers a command line that is no command: help and version as asked for, else one line and hints like any failure.
pub fn command_line(error: &clap::Error, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        let _ = error.print();
        return if error.use_stderr() { ExitCode::from(Kind::Usage.exit_code()) } else { ExitCode::SUCCESS };
    }
    let text = error.to_string();
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let mut message = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    if message.ends_with(':') {
        // What is meant stands below, one in a line.
        let named: Vec<&str> = lines.by_ref().map(str::trim).take_while(|line| !line.is_empty()).collect();
        message = format!("{message} {}", named.join(", "));
    }
    let mut failure = Failure::new(Kind::Usage, escape(&message));
    for line in lines.map(str::trim) {
        if let Some(tip) = line.strip_prefix("tip: ") {
            failure = failure.hint(escape(tip));
        } else if line.starts_with("[possible values: ") {
            failure = failure.hint(escape(line.trim_matches(['[', ']'])));
        }
    }
    let failure = failure.hint(usage::hint(args));
    say(&error::render(&failure.into()));
    ExitCode::from(Kind::Usage.exit_code())
}

type Outlet = Box<dyn Fn(&str) + Send + Sync>;

/// Where messages go instead of stderr.
static OUTLET: OnceLock<Outlet> = OnceLock::new();

/// Sends what would go to stderr elsewhere, for the rest of the process: `serve` never waits for whoever reads that.
/// Errors, which end the process, still go to stderr.
pub fn divert(outlet: impl Fn(&str) + Send + Sync + 'static) {
    // Only the first counts, and there is one `serve` in a process.
    let _ = OUTLET.set(Box::new(outlet));
}

fn message(text: &str) {
    match OUTLET.get() {
        Some(outlet) => outlet(text),
        None => say(&format!("git-credential-github-app: {text}\n")),
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
