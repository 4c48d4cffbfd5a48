//! The kinds of text that settings hold: how each is trimmed, which secrets could be pasted there by mistake, and whether
//! it may be shown. The kind decides that, not the code that prints a value, so no new setting can forget it. Pure.

use std::path::is_separator;

use crate::tokens::scope;
use crate::tokens::secret::{self, Looks};

/// Longer than any path, ID, URL or name.
const LONGEST: usize = 1024;
/// Shorter random words are not secrets worth protecting.
const SHORTEST_BEARER: usize = 20;

/// The kind of a setting's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The path of a file or a directory.
    Path,
    /// An http or https URL.
    Url,
    /// The same, or `unix:/PATH`.
    Broker,
    /// A git host.
    Host,
    /// A client ID or App ID.
    Issuer,
    /// A word of printable characters; says what it is.
    Word(&'static str),
    /// An account's login.
    Owner,
    /// A profile's name.
    Profile,
    /// A repository's name.
    Repository,
    /// `NAME=LEVEL`.
    Permission,
    /// A number above zero.
    Number,
    /// Such as `4m`.
    Duration,
    /// True or false.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The URL of a proxy, which may hold a password, or `none`.
    Proxy,
    /// A line for the shell. Never shown: it may hold a secret.
    Command,
    /// The private key itself. Never shown.
    KeyText,
    /// A bearer itself. Never shown.
    Bearer,
}

/// What is wrong with a text, and what to do; neither quotes the text.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Follows the setting's name.
    pub cause: String,
    /// The hints.
    pub cures: Vec<String>,
}

impl Wrong {
    fn new(cause: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { cause: cause.into(), cures: vec![cure.into()] }
    }
}

impl Form {
    /// Whether the text is itself a secret.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::KeyText | Self::Bearer)
    }

    /// Whether listings and messages may show a text that passed [`Form::check`].
    pub fn is_shown(self) -> bool {
        !self.is_secret() && !matches!(self, Self::Command | Self::Proxy)
    }

    /// Trims what environments, files and copying add at the ends. A path keeps its spaces.
    pub fn trim(self, text: &str) -> &str {
        match self {
            Self::Path | Self::Command | Self::KeyText => text,
            _ => text.trim(),
        }
    }

    /// Refuses a text that is not of this kind, above all a secret in the wrong place.
    pub fn check(self, text: &str) -> Result<(), Wrong> {
        let text = self.trim(text);
        if text.trim().is_empty() {
            return Err(Wrong::new("the value is empty", self.expected()));
        }
        match self {
            Self::KeyText => return self.check_key_text(text),
            Self::Bearer => return self.check_bearer(text),
            Self::Command => {}
            _ if text.len() > LONGEST => return Err(self.misplaced_or(text, || too_long(text.len()))),
            _ if text.contains(['\n', '\r']) => {
                return Err(self.misplaced_or(text, || "this is a text of several lines".to_owned()));
            }
            _ if text.chars().any(char::is_control) => {
                return Err(Wrong::new("the value holds a control character", self.expected()));
            }
            _ => {}
        }
        if let Some(looks) = secret::looks_like(text) {
            return Err(self.misplaced(looks));
        }
        match self {
            Self::Path => check_path(text),
            Self::Host | Self::Proxy if is_random_word(text) => {
                Err(Wrong::new("this looks like a secret, not like a host", self.expected()))
            }
            _ => Ok(()),
        }
    }

    fn misplaced_or(self, text: &str, otherwise: impl FnOnce() -> String) -> Wrong {
        match secret::looks_like(text) {
            Some(looks) => self.misplaced(looks),
            None => Wrong::new(otherwise(), self.expected()),
        }
    }

    fn misplaced(self, looks: Looks) -> Wrong {
        let not = match self {
            Self::Path => ", not the path of a file",
            Self::Url | Self::Broker | Self::Proxy => ", not a URL",
            Self::Command => ", not a command",
            _ => "",
        };
        let mut wrong = Wrong::new(format!("this is {}{not}", looks.in_words()), looks.belongs());
        wrong.cures.push("if others may have seen it, replace it".to_owned());
        wrong
    }

    fn check_key_text(self, text: &str) -> Result<(), Wrong> {
        if looks_like_path(text) {
            return Err(Wrong::new(
                "this is a path, not the key itself",
                "set GITHUB_APP_PRIVATE_KEY_FILE to it instead",
            ));
        }
        match secret::looks_like(text) {
            Some(looks @ (Looks::Token | Looks::Jwt)) => Err(self.misplaced(looks)),
            _ => Ok(()),
        }
    }

    fn check_bearer(self, text: &str) -> Result<(), Wrong> {
        // Base64 may begin with a slash, but has no dots and is not all small letters.
        let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        let mixed = text.bytes().any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        let absolute = text.starts_with('/') && !(mixed && text.bytes().all(base64));
        if absolute || text.starts_with("~/") || is_windows_path(text) {
            return Err(Wrong::new(
                "this is a path, not the bearer itself",
                "set GITHUB_APP_BROKER_TOKEN_FILE to it instead",
            ));
        }
        match secret::looks_like(text) {
            Some(looks @ (Looks::Key | Looks::EncodedKey | Looks::BareKey)) => Err(self.misplaced(looks)),
            _ => Ok(()),
        }
    }

    /// Completes "expected".
    pub fn expected(self) -> String {
        match self {
            Self::Path => "expected the path of a file or directory".to_owned(),
            Self::Url => "expected a URL such as https://platform.example.com".to_owned(),
            Self::Broker => "expected a URL such as https://platform.example.com, or unix:/PATH".to_owned(),
            Self::Proxy => {
                "expected the URL of an HTTP proxy, such as http://proxy.example.com:3128, or none".to_owned()
            }
            Self::Host => {
                "expected a host such as github.com, SUB.ghe.com or ghe.example.com:8443".to_owned()
            }
            Self::Issuer => {
                "expected the client ID (Iv23...) or the App ID of the App's settings page".to_owned()
            }
            Self::Word(what) => format!("expected a {what} of printable characters without blanks"),
            Self::Owner => "expected the login of a user or an organisation".to_owned(),
            Self::Profile => "expected a name of letters, digits, - and _".to_owned(),
            Self::Repository => {
                "expected a repository's name without its owner (the owner goes to --owner)".to_owned()
            }
            Self::Permission => {
                "expected NAME=LEVEL with level read, write or admin, such as contents=write".to_owned()
            }
            Self::Number => "expected the number at the end of the installation's settings URL".to_owned(),
            Self::Duration => "expected a duration of at most 24h such as 90s, 4m or 1h30m".to_owned(),
            Self::Flag => "expected true or false".to_owned(),
            Self::Choice(words) => format!("expected {}", or(words)),
            Self::Command => "expected a command line for sh".to_owned(),
            Self::KeyText => "expected the text of the App's private key".to_owned(),
            Self::Bearer => "expected the bearer that the broker knows".to_owned(),
        }
    }
}

fn or(words: &[&str]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        words => words.concat(),
    }
}

fn too_long(length: usize) -> String {
    format!("the value has {length} bytes, more than the {LONGEST} that make sense here")
}

fn check_path(text: &str) -> Result<(), Wrong> {
    if let Some(rest) = text.strip_prefix('~')
        && !rest.is_empty()
        && !rest.starts_with(is_separator)
    {
        return Err(Wrong::new(
            "~USER/ is not understood here",
            "write the whole path, or ~/ for your own home directory",
        ));
    }
    if is_random_word(text) {
        return Err(Wrong::new(
            "this looks like a secret itself, not the path of a file",
            "write a bearer to a file and give its path, or set it as GITHUB_APP_BROKER_TOKEN; a path of that name is ./NAME",
        ));
    }
    Ok(())
}

/// Whether a word looks like a bearer and not like a name that a person would choose: long, without a dot, and either
/// only hex digits or a mix of capitals, small letters and digits.
pub fn is_random_word(text: &str) -> bool {
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+/=".contains(&byte);
    let has = |test: fn(&u8) -> bool| text.as_bytes().iter().any(test);
    let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    let hex = text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let starts_bare = text.starts_with(|c: char| c.is_ascii_alphanumeric() || "-_+".contains(c));
    text.len() >= SHORTEST_BEARER && starts_bare && (mixed || hex) && text.bytes().all(base64)
}

/// Whether a line names a file, and is not itself a key or a bearer.
fn looks_like_path(text: &str) -> bool {
    let text = text.trim();
    let begins = ["/", "./", "../", "~/"].iter().any(|start| text.starts_with(start));
    let ends = [".pem", ".key", ".txt"].iter().any(|end| text.to_ascii_lowercase().ends_with(end));
    let is_path = begins || ends || is_windows_path(text);
    text.len() <= LONGEST && !text.contains(['\n', '\r']) && !text.contains("-----") && is_path
}

/// Whether a text begins like an absolute path on Windows: with a drive or a share.
fn is_windows_path(text: &str) -> bool {
    let drive = matches!(text.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    drive || text.starts_with(r"\\")
}

/// Whether this is a valid name for a profile.
pub fn is_profile_name(text: &str) -> bool {
    scope::is_owner(text)
}

#[cfg(test)]
mod tests;
