//! The terminal: how wide it is. Nobody is asked at it, as it cannot be kept from showing what is pasted without unsafe
//! code.

use std::io;

/// Whether people can be asked here without the terminal showing what is pasted.
pub const CAN_ASK: bool = false;

/// How many columns the terminal behind standard output has; `None` where there is no terminal.
pub fn stdout_width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
}

/// Whether a terminal understands what sets colours: that of Windows 10 and later, once it was told to.
pub fn has_colors() -> bool {
    anstyle_query::windows::enable_ansi_colors().unwrap_or(true)
}

/// A terminal that is taken over: there is none.
pub enum Raw {}

impl Raw {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// That cannot be done here.
    pub fn open() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Reads return after so many bytes, or after so many tenths of a second without one.
    pub fn wait_for(&self, _: u8, _: u8) -> io::Result<()> {
        match *self {}
    }

    /// What has come.
    pub fn read(&self, _: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }

    /// Drops what nobody has read.
    pub fn flush(&self) -> io::Result<()> {
        match *self {}
    }

    /// Makes it what it was before.
    pub fn give_back(&self) {
        match *self {}
    }
}

/// Ends this process as Ctrl-C ends any other.
pub fn interrupt() {}
