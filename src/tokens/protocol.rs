//! git's credential protocol: bytes to [`Request`], [`Reply`] to bytes. Pure.
//!
//! Rules (<https://git-scm.com/docs/git-credential#IOFMT>, gitcredentials(7)): lines `key=value` end at LF only;
//! one CR before LF is dropped; any other CR, NUL, a line without `=`, a line over 65535 bytes and
//! contradictory repeats make the whole message malformed, which means "not ours", never an error.

use std::io::{self, BufRead};

use crate::tokens::secret::Secret;

mod url;

/// More input than this is not from git.
pub const MAX_INPUT: usize = 1 << 20;
/// git's own limit for a line with its LF.
const MAX_LINE: usize = 65_535;
/// What marks a `state[]` value as ours.
const STATE_PREFIX: &str = "github-app:";

/// The user name that GitHub documents for installation tokens
/// (<https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation>).
const USER: &str = "x-access-token";
/// User names that name no person: what documents of other hosts and package managers put into URLs.
const PLACEHOLDERS: [&str; 5] = [USER, "git", "oauth2", "x-oauth-basic", "token"];

/// What git asks or tells.
#[derive(Debug, Default)]
pub struct Request {
    /// As spelled by the caller: only exactly `https` (or `http`) counts.
    pub protocol: Vec<u8>,
    /// With its port, as spelled by the caller.
    pub host: Vec<u8>,
    /// Without the outer slashes if git cut them; query and fragment still on it.
    pub path: Option<Vec<u8>>,
    /// From the URL or an earlier helper.
    pub username: Option<Vec<u8>>,
    /// In `erase` the password that failed, in `store` the one that worked.
    pub password: Option<Secret>,
    /// `capability[]=authtype` was offered.
    pub authtype: bool,
    /// `capability[]=state` was offered.
    pub state: bool,
    /// The identifiers in `state[]` values that carry our prefix.
    pub our_state: Option<String>,
}

impl Request {
    /// The user name of a person, who has a credential of their own: not ours to answer.
    pub fn person(&self) -> Option<&[u8]> {
        self.username.as_deref().filter(|name| !name.is_empty() && !is_placeholder(name))
    }

    /// The user name to answer with: the placeholder that was asked for, as some clients use no other.
    pub fn user(&self) -> &str {
        let asked = self.username.as_deref().filter(|name| is_placeholder(name));
        asked.and_then(|name| std::str::from_utf8(name).ok()).unwrap_or(USER)
    }
}

/// Whether a user name is a placeholder, in any letter case.
pub fn is_placeholder(name: &[u8]) -> bool {
    PLACEHOLDERS.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Reads a message up to a blank line or the end, and no further.
///
/// # Errors
/// Only those of the reader. `None`: malformed or too large.
pub fn read(reader: impl BufRead) -> io::Result<Option<Request>> {
    let mut input = Vec::new();
    let mut limited = reader.take(MAX_INPUT as u64 + 1);
    loop {
        let start = input.len();
        limited.read_until(b'\n', &mut input)?;
        let line = &input[start..];
        if line.is_empty() || line == b"\n" || line == b"\r\n" {
            break;
        }
        if input.len() > MAX_INPUT || line.len() > MAX_LINE {
            return Ok(None);
        }
    }
    Ok(parse(&input))
}

/// Turns one message into a request; `None` if it is malformed.
pub fn parse(input: &[u8]) -> Option<Request> {
    let mut request = Request::default();
    let mut seen = Seen::default();
    for line in input.split_inclusive(|&byte| byte == b'\n') {
        let line = match line.strip_suffix(b"\n") {
            Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
            None => line,
        };
        if line.is_empty() {
            break;
        }
        if line.iter().any(|byte| matches!(byte, b'\r' | b'\0')) {
            return None;
        }
        let equals = line.iter().position(|&byte| byte == b'=')?;
        seen.attribute(&mut request, &line[..equals], &line[equals + 1..])?;
    }
    seen.finish(request)
}

/// Which single-valued attributes came, to tell a repeat from a contradiction.
#[derive(Default)]
struct Seen {
    protocol: Option<Vec<u8>>,
    host: Option<Vec<u8>>,
    password: Option<Vec<u8>>,
    credential: Option<Vec<u8>>,
    url: Option<Vec<u8>>,
}

impl Seen {
    fn attribute(&mut self, request: &mut Request, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"protocol" => once(&mut self.protocol, value),
            b"host" => once(&mut self.host, value),
            b"path" => once(&mut request.path, value),
            b"username" => once(&mut request.username, value),
            b"password" => once(&mut self.password, value),
            b"credential" => once(&mut self.credential, value),
            b"url" => once(&mut self.url, value),
            b"capability[]" => {
                match value {
                    b"" => (request.authtype, request.state) = (false, false),
                    b"authtype" => request.authtype = true,
                    b"state" => request.state = true,
                    _ => {}
                }
                Some(())
            }
            b"state[]" => {
                if value.is_empty() {
                    request.our_state = None;
                } else if let Some(id) = value.strip_prefix(STATE_PREFIX.as_bytes()) {
                    request.our_state = Some(String::from_utf8_lossy(id).into_owned());
                }
                Some(())
            }
            _ => Some(()),
        }
    }

    fn finish(self, mut request: Request) -> Option<Request> {
        if let Some(url) = self.url {
            // A URL beside explicit fields could name another target than they do.
            if self.protocol.is_some() || self.host.is_some() || request.path.is_some() {
                return None;
            }
            url::apply(&mut request, &url)?;
        } else {
            request.protocol = self.protocol.unwrap_or_default();
            request.host = self.host.unwrap_or_default();
        }
        // A password that is not text cannot be our token, nor can another helper's credential for its own header. Neither
        // may count as "no password", because an erase without one evicts all tokens.
        let foreign = self.credential.map(|_| Secret::new("\0".into()));
        let text = |bytes| Secret::new(String::from_utf8(bytes).unwrap_or_else(|_| "\0".into()));
        request.password = self.password.map(text).or(foreign);
        Some(request)
    }
}

fn once(slot: &mut Option<Vec<u8>>, value: &[u8]) -> Option<()> {
    match slot {
        Some(earlier) if earlier != value => None,
        _ => {
            *slot = Some(value.to_vec());
            Some(())
        }
    }
}

/// A successful answer to `get`.
#[derive(Debug)]
pub struct Reply<'a> {
    /// See [`Request::user`].
    pub user: &'a str,
    /// The installation token.
    pub password: &'a Secret,
    /// When it expires, in seconds since 1970 by the local clock; `None` where nobody knows.
    pub expiry: Option<i64>,
    /// `authtype` was offered: `ephemeral` may be said.
    pub authtype: bool,
    /// Our `state[]` identifier, only where `state` was offered.
    pub state: Option<&'a str>,
    /// On a 401 git is to ask again instead of giving up.
    pub again: bool,
}

impl Reply<'_> {
    /// The bytes for git, in a fixed order, capabilities before what depends on them.
    pub fn to_secret(&self) -> Secret {
        let mut text = String::with_capacity(1024);
        if self.authtype {
            text.push_str("capability[]=authtype\n");
        }
        if self.state.is_some() {
            text.push_str("capability[]=state\n");
        }
        if self.authtype {
            text.push_str("ephemeral=1\n");
        }
        if let Some(id) = self.state {
            text.extend(["state[]=", STATE_PREFIX, id, "\n"]);
            if self.again {
                text.push_str("continue=1\n");
            }
        }
        text.extend(["username=", self.user, "\npassword=", self.password.expose(), "\n"]);
        if let Some(expiry) = self.expiry {
            text.extend(["password_expiry_utc=", &expiry.to_string(), "\n"]);
        }
        Secret::new(text)
    }
}

#[cfg(test)]
#[path = "protocol/tests.rs"]
mod tests;
