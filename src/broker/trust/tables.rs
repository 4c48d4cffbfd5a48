//! Tables of the trust file, each with its line, so that errors can be located. No message quotes a value, which may
//! have been pasted by mistake. Pure.

use toml_edit::{Item, TableLike, Value};

/// An error: what, where, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustError {
    /// From 1.
    pub line: usize,
    /// What is wrong, with the table and its key.
    pub message: String,
    /// How to fix it.
    pub hint: String,
}

/// A table of the file.
pub struct TrustTable<'a> {
    /// The whole file.
    pub text: &'a str,
    /// Its name in messages, such as `issuer cluster`.
    pub name: String,
    /// Its first line.
    pub line: usize,
    /// Its keys.
    pub keys: &'a dyn TableLike,
}

/// The line that a position is in.
pub fn line(text: &str, span: Option<std::ops::Range<usize>>) -> Option<usize> {
    let start = span?.start;
    Some(text.as_bytes().get(..start)?.split(|byte| *byte == b'\n').count())
}

impl<'a> TrustTable<'a> {
    /// An error about a key, at its line or else the table's.
    pub fn wrong(&self, key: &str, what: &str, hint: impl Into<String>) -> TrustError {
        let span = self.keys.get_key_value(key).and_then(|(key, item)| key.span().or_else(|| item.span()));
        let line = line(self.text, span).unwrap_or(self.line);
        TrustError { line, message: format!("{}: {key}: {what}", self.name), hint: hint.into() }
    }

    /// An error about a missing key.
    pub fn missing(&self, key: &str, hint: impl Into<String>) -> TrustError {
        TrustError { line: self.line, message: format!("{}: it has no {key}", self.name), hint: hint.into() }
    }

    /// Refuses unknown keys: a mistyped limit would be no limit.
    pub fn only(&self, known: &[&str]) -> Result<(), TrustError> {
        match self.keys.iter().find(|(key, _)| !known.contains(key)) {
            None => Ok(()),
            Some((key, item)) => {
                let span =
                    self.keys.get_key_value(key).and_then(|(key, _)| key.span()).or_else(|| item.span());
                Err(TrustError {
                    line: line(self.text, span).unwrap_or(self.line),
                    message: format!("{}: unknown key {}", self.name, crate::tokens::error::escape(key)),
                    hint: format!("known are {}", known.join(", ")),
                })
            }
        }
    }

    /// A text that must not be empty.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>, TrustError> {
        match self.keys.get(key) {
            None => Ok(None),
            Some(Item::Value(Value::String(text))) if !text.value().is_empty() => Ok(Some(text.value())),
            Some(_) => Err(self.wrong(key, "this is not a text", format!("write {key} = \"…\""))),
        }
    }

    /// The same for a required key; the hint says what for.
    pub fn needed_text(&self, key: &str, hint: &str) -> Result<&'a str, TrustError> {
        self.text(key)?.ok_or_else(|| self.missing(key, hint))
    }

    /// One or more texts in brackets. An empty list would read as none and mean all.
    pub fn texts(&self, key: &str) -> Result<Vec<&'a str>, TrustError> {
        let Some(item) = self.keys.get(key) else { return Ok(Vec::new()) };
        let list = item.as_array().filter(|list| !list.is_empty());
        let texts = list.and_then(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        texts.ok_or_else(|| {
            let hint = format!("write {key} = [\"…\"] with one or more texts, or leave it out");
            self.wrong(key, "this is not a list of texts", hint)
        })
    }
}
