//! The terminal: how wide it is, and how a person is asked at it.

use std::io;

use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{
    self, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// Whether people can be asked here without the terminal showing what is pasted.
pub const CAN_ASK: bool = true;

/// How many columns the terminal behind standard output has; `None` where there is no terminal.
pub fn stdout_width() -> Option<usize> {
    let size = termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Whether a terminal understands what sets colours.
pub fn has_colors() -> bool {
    true
}

/// The terminal behind standard input without its own echo and line editing, until it is given back.
pub struct Raw {
    saved: Termios,
}

impl Raw {
    /// Takes the terminal over, with reads that return with the first byte.
    pub fn open() -> io::Result<Self> {
        let raw = Self { saved: tcgetattr(io::stdin())? };
        raw.wait_for(1, 0)?;
        Ok(raw)
    }

    /// Reads return after so many bytes, or after so many tenths of a second without one.
    pub fn wait_for(&self, bytes: u8, tenths: u8) -> io::Result<()> {
        let mut own = self.saved.clone();
        own.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        own.special_codes[SpecialCodeIndex::VMIN] = bytes;
        own.special_codes[SpecialCodeIndex::VTIME] = tenths;
        Ok(tcsetattr(io::stdin(), OptionalActions::Now, &own)?)
    }

    /// What has come, past the buffer of the standard library.
    pub fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::io::read(io::stdin(), &mut *bytes) {
                Err(rustix::io::Errno::INTR) => {}
                other => return Ok(other?),
            }
        }
    }

    /// Drops what nobody has read.
    pub fn flush(&self) -> io::Result<()> {
        Ok(termios::tcflush(io::stdin(), QueueSelector::IFlush)?)
    }

    /// Makes it what it was before.
    pub fn give_back(&self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.saved);
    }
}

/// Ends this process as Ctrl-C ends any other.
pub fn interrupt() {
    let _ = kill_process(getpid(), Signal::INT);
}
