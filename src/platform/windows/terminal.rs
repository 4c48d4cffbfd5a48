//! The terminal: its width. There are no prompts, as switching off its echo takes unsafe code.

use std::io;

/// Whether we can prompt without the terminal showing pasted text.
pub const CAN_ASK: bool = false;

/// The width in columns of the terminal on standard output; `None` if it is not a terminal.
pub fn stdout_width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
}

/// Whether a terminal understands colour codes: those of Windows 10 and later do once it is switched on.
pub fn has_colors() -> bool {
    anstyle_query::windows::enable_ansi_colors().unwrap_or(true)
}

/// A terminal without echo: not available on Windows.
pub enum Raw {}

impl Raw {
    /// Switches echo off.
    ///
    /// # Errors
    /// Always.
    pub fn open() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Sets when reads return: after a number of bytes, or of tenths of a second.
    pub fn wait_for(&self, _: u8, _: u8) -> io::Result<()> {
        match *self {}
    }

    /// Reads.
    pub fn read(&self, _: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }

    /// Discards unread input.
    pub fn flush(&self) -> io::Result<()> {
        match *self {}
    }

    /// Restores the terminal.
    pub fn give_back(&self) {
        match *self {}
    }
}

/// Ends this process as Ctrl-C would.
pub fn interrupt() {}
