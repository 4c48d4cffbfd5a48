//! The terminal: its width, and how to prompt on it.

use std::io;

use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{
    self, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// Whether we can prompt without the terminal showing pasted text.
pub const CAN_ASK: bool = true;

/// The width in columns of the terminal on standard output; `None` if it is not a terminal.
pub fn stdout_width() -> Option<usize> {
    let size = termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Whether a terminal understands colour codes.
pub fn has_colors() -> bool {
    true
}

/// The terminal on standard input without echo, line editing and signals, until it is restored.
pub struct Raw {
    saved: Termios,
}

impl Raw {
    /// Switches them off; reads return after the first byte.
    pub fn open() -> io::Result<Self> {
        let raw = Self { saved: tcgetattr(io::stdin())? };
        raw.wait_for(1, 0)?;
        Ok(raw)
    }

    /// Makes reads return after `bytes` bytes, or after `tenths` tenths of a second without one.
    pub fn wait_for(&self, bytes: u8, tenths: u8) -> io::Result<()> {
        let mut own = self.saved.clone();
        own.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        own.special_codes[SpecialCodeIndex::VMIN] = bytes;
        own.special_codes[SpecialCodeIndex::VTIME] = tenths;
        Ok(tcsetattr(io::stdin(), OptionalActions::Now, &own)?)
    }

    /// Reads, bypassing the standard library's buffer.
    pub fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::io::read(io::stdin(), &mut *bytes) {
                Err(rustix::io::Errno::INTR) => {}
                other => return Ok(other?),
            }
        }
    }

    /// Discards unread input.
    pub fn flush(&self) -> io::Result<()> {
        Ok(termios::tcflush(io::stdin(), QueueSelector::IFlush)?)
    }

    /// Restores the terminal.
    pub fn give_back(&self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.saved);
    }
}

/// Ends this process as Ctrl-C would.
pub fn interrupt() {
    let _ = kill_process(getpid(), Signal::INT);
}
