//! An installation token and the rules of its expiry. Pure: times are parameters, in seconds since 1970 (UTC).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rsa::sha2::{Digest, Sha256};
use serde::{Deserialize, Serialize};

use crate::platform::clock::Moment;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::secret::Secret;

/// A server's clock within this many seconds of ours counts as equal: `Date` has whole seconds and the answer travels.
pub const SKEW_TOLERANCE: i64 = 5;
/// How much sooner than GitHub git is told that the token expires: covers the rounding of `Date` and of the clocks.
const EARLY: i64 = 2;
/// GitHub's tokens are valid for an hour. No token counts as valid for longer than that and ten minutes of tolerance for
/// clocks, whatever a server says.
pub const LONGEST_LIFE: i64 = 70 * 60;
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
    /// When it expires, by the local clock; `None` where it is unknown or was in the past.
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
    /// It was kept on disk, so it may have been revoked unnoticed.
    pub cached: bool,
    /// When it expires by the monotonic clock; known if this process got it from its provider.
    ends: Option<Instant>,
}

impl Token {
    /// A token that has come from its provider at this moment.
    pub fn fresh(secret: Secret, facts: Facts, at: Moment) -> Self {
        let life = facts.left(at.wall).map(|left| Duration::from_secs(u64::try_from(left).unwrap_or(0)));
        let ends = life.and_then(|life| at.steady.checked_add(life));
        Self { secret, facts, cached: false, ends }
    }

    /// A token that was kept on disk.
    pub fn cached(secret: Secret, facts: Facts) -> Self {
        Self { secret, facts, cached: true, ends: None }
    }

    /// Seconds left by whichever clock says less: neither a clock that was set back nor one that stopped while the
    /// machine slept makes an expired token valid again. `None` where the expiry is unknown.
    pub fn left(&self, at: Moment) -> Option<i64> {
        let left = self.facts.left(at.wall)?;
        let steady = self.ends.map(|ends| ends.saturating_duration_since(at.steady).as_secs());
        Some(steady.map_or(left, |steady| left.min(i64::try_from(steady).unwrap_or(i64::MAX))))
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
    base16ct::lower::encode_string(bytes)
}

impl Facts {
    /// Facts about a token of which only the expiry is known.
    pub fn new(source: Source, expiry: Option<i64>) -> Self {
        Self { expiry, source, installation_id: None, account: None, permissions: None, repositories: None }
    }

    /// Seconds until it expires; `None` where the expiry is unknown.
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
/// (`Date`), so that a wrong local clock neither drops a valid token nor keeps an expired one.
/// Missing, unreadable, year 1 or past: `None`. Never further ahead than [`LONGEST_LIFE`].
pub fn local_expiry(expires_at: Option<&str>, date: Option<i64>, now: i64) -> Option<i64> {
    let expires_at: jiff::Timestamp = expires_at?.trim().parse().ok()?;
    let expires_at = expires_at.as_second();
    if expires_at < FIRST_PLAUSIBLE {
        return None;
    }
    let skew = date.map_or(0, |date| now - date);
    let local = if skew.abs() > SKEW_TOLERANCE { expires_at + skew } else { expires_at };
    (local > now).then(|| local.min(now + LONGEST_LIFE))
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
    fn no_token_is_valid_for_longer_than_seventy_minutes() {
        for (text, date) in [
            ("2027-01-15T09:10:01Z", Some(NOW)),
            ("2036-01-15T09:00:00Z", Some(NOW)),
            ("2036-01-15T09:00:00Z", None),
            ("9999-01-01T00:00:00Z", Some(0)),
            ("2027-01-15T09:00:00Z", Some(NOW - 86_400)),
        ] {
            assert_eq!(local_expiry(Some(text), date, NOW), Some(NOW + LONGEST_LIFE), "{text} {date:?}");
        }
        assert_eq!(local_expiry(Some("2027-01-15T09:10:00Z"), Some(NOW), NOW), Some(NOW + LONGEST_LIFE));
        assert_eq!(local_expiry(Some("2027-01-15T09:09:59Z"), Some(NOW), NOW), Some(NOW + LONGEST_LIFE - 1));
    }

    #[test]
    fn a_token_expires_by_the_clock_that_leaves_it_less_time() {
        let start = Moment { wall: NOW, ..crate::platform::clock::moment() };
        let facts = Facts::new(Source::App, Some(NOW + 3600));
        let token = Token::fresh(Secret::new("t".into()), facts.clone(), start);
        for (wall, steady, left) in [
            (0, 0, 3600),
            (1000, 1000, 2600),
            (-7200, 1000, 2600),
            (-7200, 3600, 0),
            (-7200, 99_999, 0),
            (3000, 10, 600),
            (4000, 10, -400),
        ] {
            let at = Moment { wall: NOW + wall, steady: start.steady + Duration::from_secs(steady) };
            assert_eq!(token.left(at), Some(left), "{wall} {steady}");
        }
        let unknown = Token::fresh(Secret::new("t".into()), Facts::new(Source::App, None), start);
        assert_eq!(unknown.left(start), None);
        assert_eq!(Token::cached(Secret::new("t".into()), facts).left(start), Some(3600));
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
