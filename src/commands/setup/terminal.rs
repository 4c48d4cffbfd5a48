//! Asks the user for one line at the terminal, and shows nothing of a secret that is pasted there by mistake.
//!
//! A terminal echoes pasted text before any program reads it, and keeps the lines after the first for the next reader:
//! in the end the shell, which runs them. So the terminal's echo and line editing are off while the program asks, and
//! what comes after an answer is read and dropped.

use std::io::{self, Write};

use zeroize::Zeroizing;

use crate::platform::terminal::{self, Raw};

mod editor;

use editor::Editor;
pub use editor::{Recognise, Typed};

/// Tells the terminal not to mark, or to mark, the beginning and end of pasted text
/// (<https://invisible-island.net/xterm/ctlseqs/ctlseqs.html#h2-Bracketed-Paste-Mode>).
const BRACKETS: [&str; 2] = ["\x1b[?2004l", "\x1b[?2004h"];
/// Longer input is dropped unseen.
const KEPT: usize = 64 << 10;
/// How long to wait for the rest of a pasted text, in tenths of a second.
const PAUSE: u8 = 1;
/// The same if more must come.
const LONG_PAUSE: u8 = 10;

/// The terminal during a question; restored when dropped.
pub struct Terminal {
    raw: Raw,
    /// Recognises what must not be shown.
    is_secret: Recognise,
}

impl Terminal {
    /// Takes over the terminal.
    pub fn open(is_secret: Recognise) -> io::Result<Self> {
        let terminal = Self { raw: Raw::open()?, is_secret };
        say(BRACKETS[1])?;
        Ok(terminal)
    }

    /// Asks; the rest of a pasted text is read and dropped.
    pub fn ask(&mut self, question: &str) -> io::Result<Typed> {
        say(question)?;
        let mut editor = Editor::new(self.is_secret);
        let mut seen = Zeroizing::new(Vec::new());
        loop {
            let bytes = self.read()?;
            seen.extend_from_slice(&bytes);
            let (echo, answer) =
                if bytes.is_empty() { (String::new(), Some(Typed::End)) } else { editor.feed(&bytes) };
            say(&echo)?;
            if let Some(answer) = answer {
                self.drop_rest(&mut seen)?;
                return Ok(answer);
            }
        }
    }

    /// Ends this process as Ctrl-C would, with the terminal restored.
    pub fn interrupt(&self) {
        self.give_back();
        terminal::interrupt();
    }

    fn give_back(&self) {
        let _ = say(BRACKETS[0]);
        self.raw.give_back();
    }

    /// Reads until nothing more comes, and waits longer for the end of an incomplete key.
    fn drop_rest(&self, seen: &mut Zeroizing<Vec<u8>>) -> io::Result<()> {
        loop {
            let text = Zeroizing::new(String::from_utf8_lossy(seen).into_owned());
            let more = text.rfind("-----BEGIN").is_some_and(|begin| !text[begin..].contains("-----END"));
            self.raw.wait_for(0, if more { LONG_PAUSE } else { PAUSE })?;
            let bytes = self.read()?;
            if bytes.is_empty() {
                break;
            }
            let room = KEPT.saturating_sub(seen.len()).min(bytes.len());
            seen.extend_from_slice(&bytes[..room]);
        }
        self.raw.flush()?;
        self.raw.wait_for(1, 0)
    }

    /// The available input.
    fn read(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(vec![0; 4096]);
        let length = self.raw.read(&mut bytes)?;
        bytes.truncate(length);
        Ok(bytes)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Prints to the terminal.
pub fn say(text: &str) -> io::Result<()> {
    io::stderr().write_all(text.as_bytes())
}
