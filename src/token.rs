//! An installation token and the rules of its life. Pure: times are parameters, in seconds since 1970 (UTC).

use std::collections::BTreeMap;
use std::fmt::Write;

use rsa::sha2::{Digest, Sha256};
use serde::{Deserialize, Serialize};

use crate::error::{Failure, Kind};
use crate::secret::Secret;

/// A server's clock within so many seconds of ours counts as equal: `Date` has whole seconds and the answer travels.
pub const SKEW_TOLERANCE: i64 = 5;
/// How much sooner than GitHub git is told that the token dies: covers the rounding of `Date` and of the clocks.
const EARLY: i64 = 2;
/// Expiries before 2001 are a server's zero value (Go's year 1), not a time.
const FIRST_PLAUSIBLE: i64 = 978_307_200;

/// Which provider a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Minted with the App key.
    App,
    /// Fetched from a broker.
    Broker,
}

/// What is known of a token beside its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// When it dies, by the local clock; `None` where nobody said, or where it lay in the past.
    pub expiry: Option<i64>,
    /// Where it came from.
    pub source: Source,
    /// Known where it was minted here.
    pub installation_id: Option<u64>,
    /// The owner's login, where known.
    pub account: Option<String>,
    /// What GitHub granted, where told.
    pub permissions: Option<BTreeMap<String, String>>,
    /// The repositories that it is narrowed to, where told.
    pub repositories: Option<Vec<String>>,
}

/// An installation token.
#[derive(Clone, Debug)]
pub struct Token {
    /// The text for git; opaque.
    pub secret: Secret,
    /// All else that is known.
    pub facts: Facts,
    /// It was kept on disk, so it may have died unnoticed.
    pub cached: bool,
}

impl Token {
    /// A token fresh from its provider.
    pub fn fresh(secret: Secret, facts: Facts) -> Self {
        Self { secret, facts, cached: false }
    }

    /// Names the token without giving it away: for git's `state[]` and to remember what was evicted.
    pub fn id(&self) -> String {
        id(self.secret.expose().as_bytes())
    }
}

/// The name of a token's text: the first 16 bytes of a SHA-256, in hex.
pub fn id(text: &[u8]) -> String {
    let digest =
        Sha256::new().chain_update(b"git-credential-github-app token id\0").chain_update(text).finalize();
    hex(&digest[..16])
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Facts {
    /// Facts about a token of which only the expiry is known.
    pub fn new(source: Source, expiry: Option<i64>) -> Self {
        Self { expiry, source, installation_id: None, account: None, permissions: None, repositories: None }
    }

    /// Seconds left to live; `None` where the expiry is unknown.
    pub fn left(&self, now: i64) -> Option<i64> {
        self.expiry.map(|expiry| expiry - now)
    }

    /// The expiry to tell git.
    pub fn expiry_for_git(&self) -> Option<i64> {
        self.expiry.map(|expiry| expiry - EARLY)
    }
}

/// Checks a token's text: not empty, no control characters, else it could add lines to git's protocol.
/// Nothing else may be assumed: lengths and forms change
/// (<https://github.blog/changelog/2026-04-24-notice-about-upcoming-new-format-for-github-app-installation-tokens/>).
pub fn check_text(text: &str) -> Result<(), Failure> {
    if text.is_empty() {
        return Err(Failure::new(Kind::Other, "the answer holds an empty token"));
    }
    if text.chars().any(char::is_control) {
        return Err(Failure::new(
            Kind::Other,
            "the answer holds a token with control characters; it is not used",
        ));
    }
    Ok(())
}

/// Turns a server's `expires_at` (RFC 3339, any offset and fraction) into local time with the server's own clock
/// (`Date`), so that a wrong local clock neither kills a good token nor keeps a dead one.
/// Missing, unreadable, year 1 or past: `None`.
pub fn local_expiry(expires_at: Option<&str>, date: Option<i64>, now: i64) -> Option<i64> {
    let expires_at: jiff::Timestamp = expires_at?.trim().parse().ok()?;
    let expires_at = expires_at.as_second();
    if expires_at < FIRST_PLAUSIBLE {
        return None;
    }
    let skew = date.map_or(0, |date| now - date);
    let local = if skew.abs() > SKEW_TOLERANCE { expires_at + skew } else { expires_at };
    (local > now).then_some(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000; // 2027-01-15T08:00:00Z

    #[test]
    fn expiries_are_read_in_every_rfc_3339_form() {
        for text in [
            "2027-01-15T09:00:00Z",
            "2027-01-15T10:00:00+01:00",
            "2027-01-15T09:00:00.123456789Z",
            "2027-01-15t04:00:00-05:00",
            " 2027-01-15T09:00:00Z ",
        ] {
            assert_eq!(local_expiry(Some(text), Some(NOW), NOW), Some(NOW + 3600), "{text}");
        }
    }

    #[test]
    fn an_expiry_that_says_nothing_is_none() {
        for text in [None, Some(""), Some("soon"), Some("0001-01-01T00:00:00Z"), Some("2027-01-15T07:59:59Z")]
        {
            assert_eq!(local_expiry(text, Some(NOW), NOW), None, "{text:?}");
        }
    }

    #[test]
    fn a_wrong_local_clock_is_repaired_by_the_servers_date() {
        let expires_at = Some("2027-01-15T09:00:00Z");
        for skew in [-7200, -300, 300, 7200] {
            assert_eq!(local_expiry(expires_at, Some(NOW), NOW + skew), Some(NOW + skew + 3600), "{skew}");
        }
        for jitter in [-5, -1, 0, 1, 5] {
            assert_eq!(local_expiry(expires_at, Some(NOW), NOW + jitter), Some(NOW + 3600), "{jitter}");
        }
        assert_eq!(local_expiry(expires_at, None, NOW), Some(NOW + 3600));
    }

    #[test]
    fn tokens_are_opaque_but_hold_no_control_characters() {
        let long = format!("ghs_12345_{}.{}", "a".repeat(250), "b-_".repeat(86));
        for (text, good) in [
            ("ghs_x", true),
            (long.as_str(), true),
            ("v1.00", true),
            ("", false),
            ("a\nb", false),
            ("a\0", false),
            ("a\r", false),
            ("\u{7f}", false),
        ] {
            assert_eq!(check_text(text).is_ok(), good, "{text:?}");
        }
    }
}
