//! The line that a user types or pastes: takes bytes from the terminal, returns the text to show and the answer. Pure.

use zeroize::Zeroizing;

/// Says what kind of secret a text looks like.
pub type Recognise = fn(&str) -> Option<&'static str>;

/// The user's answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// A line; of a pasted text, the first.
    Line(String),
    /// Something that must not be shown or kept, and what it is.
    Secret(&'static str),
    /// End of file.
    End,
    /// Ctrl-C.
    Interrupted,
}

/// The end mark of a pasted text.
const PASTE_END: &[u8] = b"\x1b[201~";

/// The state of the input parser.
enum Mode {
    Text,
    /// After Escape, with the input since: an arrow key, or the start of a paste.
    Escape(Vec<u8>),
    /// Inside a paste, with the input so far.
    Paste(Zeroizing<Vec<u8>>),
}

/// The line being edited.
pub struct Editor {
    line: Zeroizing<Vec<u8>>,
    /// What is on the screen.
    shown: String,
    state: Mode,
    is_secret: Recognise,
}

impl Editor {
    /// An empty line.
    pub fn new(is_secret: Recognise) -> Self {
        Self { line: Zeroizing::default(), shown: String::new(), state: Mode::Text, is_secret }
    }

    /// Takes a chunk of input. Returns what to show, and the answer if the chunk ended it.
    pub fn feed(&mut self, bytes: &[u8]) -> (String, Option<Typed>) {
        for (index, &byte) in bytes.iter().enumerate() {
            if let Some(answer) = self.take(byte, &bytes[index + 1..]) {
                return match answer {
                    Typed::Line(_) => (self.show() + "\n", Some(answer)),
                    Typed::Interrupted => ("^C\n".to_owned(), Some(answer)),
                    Typed::Secret(_) | Typed::End => (self.hide() + "\n", Some(answer)),
                };
            }
        }
        match (self.is_secret)(&String::from_utf8_lossy(&self.line)) {
            Some(what) => (self.hide() + "\n", Some(Typed::Secret(what))),
            None => (self.show(), None),
        }
    }

    fn take(&mut self, byte: u8, rest: &[u8]) -> Option<Typed> {
        match &mut self.state {
            Mode::Text => return self.take_text(byte, rest),
            Mode::Escape(sequence) => {
                sequence.push(byte);
                match sequence.as_slice() {
                    b"[200~" => self.state = Mode::Paste(Zeroizing::default()),
                    // A key: ESC [ or ESC O, then parameters below `@`, then its last byte.
                    [b'[' | b'O'] => {}
                    [_] | [.., b'@'..=b'~'] => self.state = Mode::Text,
                    _ => {}
                }
            }
            Mode::Paste(pasted) => {
                pasted.push(byte);
                if let Some(length) = pasted.len().checked_sub(PASTE_END.len())
                    && pasted.ends_with(PASTE_END)
                {
                    pasted.truncate(length);
                    let pasted = std::mem::take(pasted);
                    self.state = Mode::Text;
                    return self.take_pasted(&pasted);
                }
            }
        }
        None
    }

    fn take_text(&mut self, byte: u8, rest: &[u8]) -> Option<Typed> {
        match byte {
            // What comes together with the line end was pasted with it.
            b'\r' | b'\n' => return Some(self.end(rest)),
            0x03 | 0x1c => return Some(Typed::Interrupted),
            0x04 if self.line.is_empty() => return Some(Typed::End),
            0x1b => self.state = Mode::Escape(Vec::new()),
            0x08 | 0x7f => self.erase_character(),
            0x15 => self.line.clear(),
            // The last word, with the blanks after it.
            0x17 => {
                let word = self.line.trim_ascii_end().iter().rposition(|byte| *byte == b' ');
                self.line.truncate(word.map_or(0, |blank| blank + 1));
            }
            0..0x20 => {}
            _ => self.line.push(byte),
        }
        None
    }

    /// Only the first line can be the answer; it counts when the user presses Enter.
    fn take_pasted(&mut self, pasted: &[u8]) -> Option<Typed> {
        let whole = Zeroizing::new([self.line.as_slice(), pasted].concat());
        if let Some(what) = (self.is_secret)(&String::from_utf8_lossy(&whole)) {
            return Some(Typed::Secret(what));
        }
        let first = pasted.trim_ascii_start().split(|byte| matches!(byte, b'\r' | b'\n')).next();
        let printable = first.into_iter().flatten().filter(|byte| **byte >= 0x20 && **byte != 0x7f);
        self.line.extend(printable);
        None
    }

    fn end(&mut self, rest: &[u8]) -> Typed {
        let whole = Zeroizing::new([self.line.as_slice(), b"\n", rest].concat());
        match (self.is_secret)(&String::from_utf8_lossy(&whole)) {
            Some(what) => Typed::Secret(what),
            None => Typed::Line(String::from_utf8_lossy(&self.line).into_owned()),
        }
    }

    fn erase_character(&mut self) {
        while self.line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
    }

    /// Updates the screen: goes back to the first difference, and prints from there.
    fn show(&mut self) -> String {
        let whole = match std::str::from_utf8(&self.line) {
            Ok(text) => text,
            // The rest of a character comes with the next bytes.
            Err(error) => std::str::from_utf8(&self.line[..error.valid_up_to()]).unwrap_or_default(),
        };
        let new: String = whole.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        let same = self.shown.chars().zip(new.chars()).take_while(|(old, new)| old == new).count();
        let back = "\x08 \x08".repeat(self.shown.chars().count() - same);
        let echo = back + &new.chars().skip(same).collect::<String>();
        self.shown = new;
        echo
    }

    /// Removes the line from the screen.
    fn hide(&mut self) -> String {
        "\x08 \x08".repeat(std::mem::take(&mut self.shown).chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_secret(text: &str) -> Option<&'static str> {
        text.contains("KEY").then_some("a key")
    }

    /// All that is shown, and the answer, if there is one.
    fn typed(pieces: &[&str]) -> (String, Option<Typed>) {
        let mut editor = Editor::new(is_secret);
        let (mut shown, mut last) = (String::new(), None);
        for piece in pieces {
            assert_eq!(last, None, "nobody asks for more after an answer");
            let (echo, answer) = editor.feed(piece.as_bytes());
            shown += &echo;
            last = answer;
        }
        (shown, last)
    }

    #[test]
    fn what_is_typed_is_shown_and_can_be_corrected() {
        let line = |text: &str| Some(Typed::Line(text.to_owned()));
        for (pieces, shown, answer) in [
            (&["a", "b", "\n"][..], "ab\n", line("ab")),
            (&["ab\r"], "ab\n", line("ab")),
            (&["ab", "\x7f", "c\n"], "ab\x08 \x08c\n", line("ac")),
            (&["é", "\x7f", "\n"], "é\x08 \x08\n", line("")),
            (&["ab cd ", "\x17", "\n"], "ab cd \x08 \x08\x08 \x08\x08 \x08\n", line("ab ")),
            (&["ab", "\x15", "\n"], "ab\x08 \x08\x08 \x08\n", line("")),
            (&["a\x1b[1;5Db\x1bOHc\x1bxd", "\t\n"], "abcd\n", line("abcd")),
            (&["\u{9b}a", "\n"], "?a\n", line("\u{9b}a")),
            (&["\x04"], "\n", Some(Typed::End)),
            (&["a", "\x04", "\n"], "a\n", line("a")),
            (&["a", "\x03"], "a^C\n", Some(Typed::Interrupted)),
            (&["a"], "a", None),
        ] {
            assert_eq!(typed(pieces), (shown.to_owned(), answer), "{pieces:?}");
        }
        let mut editor = Editor::new(is_secret);
        let [first, second] = "é".as_bytes() else { panic!("two bytes") };
        assert_eq!(editor.feed(&[*first]), (String::new(), None));
        assert_eq!(editor.feed(&[*second]), ("é".to_owned(), None));
    }

    #[test]
    fn of_a_pasted_text_the_first_line_counts_and_a_secret_is_never_shown() {
        let (line, secret) = (Some(Typed::Line("ab".to_owned())), Some(Typed::Secret("a key")));
        for (pieces, shown, answer) in [
            (&["ab\ncd\nef\n"][..], "ab\n", line.as_ref()),
            (&["\x1b[200~ab\ncd\n\x1b[201~", "\n"], "ab\n", line.as_ref()),
            (&["\x1b[20", "0~\nab", "\n\x1b[201", "~", "\r"], "ab\n", line.as_ref()),
            (&["KEY\ncd\n"], "\n", secret.as_ref()),
            (&["KEY"], "\n", secret.as_ref()),
            (&["\nKEY\ncd\n"], "\n", secret.as_ref()),
            (&["KE", "Y\n"], "KE\x08 \x08\x08 \x08\n", secret.as_ref()),
            (&["a", "\x1b[200~b\nKEY\x1b[201~"], "a\x08 \x08\n", secret.as_ref()),
            (&["\x1b[200~b\nKEY"], "", None),
        ] {
            let (now, is) = typed(pieces);
            assert_eq!((now.as_str(), is.as_ref()), (shown, answer), "{pieces:?}");
        }
    }
}
