//! The App JWT that proves the App to GitHub. Pure: the signature comes from a [`Signer`], the time is a parameter.
//!
//! Rules: <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>:
//! RS256, `exp` at most ten minutes ahead by GitHub's clock, `iat` in the past. We stay a minute clear of both.

use anyhow::Result;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Header};
use serde::Serialize;

use crate::tokens::secret::Secret;

/// How far `iat` lies in the past, in seconds.
const BACKDATED: i64 = 60;
/// How far `exp` lies ahead, in seconds.
pub const LIFE: i64 = 540;

/// How far GitHub's clock may be from ours and still be trusted, in seconds. A JWT for another day would be valid on that
/// day, for anyone who has seen it.
const MOST_SKEW: u64 = 24 * 3600;

/// Signs with the App's private key, wherever that is kept.
pub trait Signer {
    /// The RS256 signature of the signing input, base64url without padding.
    fn sign(&self, input: &[u8]) -> Result<String>;
}

#[derive(Serialize)]
struct Claims<'a> {
    iat: i64,
    exp: i64,
    /// A JSON string for client IDs and App IDs alike (RFC 7519, section 4.1.1).
    iss: &'a str,
}

/// Makes an App JWT for an issuer, valid around `now` (seconds since 1970).
pub fn encode(issuer: &str, now: i64, signer: &dyn Signer) -> Result<Secret> {
    let claims = Claims { iat: now - BACKDATED, exp: now + LIFE, iss: issuer };
    let part = |json: Vec<u8>| URL_SAFE_NO_PAD.encode(json);
    let header = part(serde_json::to_vec(&Header::new(Algorithm::RS256))?);
    let input = format!("{header}.{}", part(serde_json::to_vec(&claims)?));
    let signature = signer.sign(input.as_bytes())?;
    Ok(Secret::new(format!("{input}.{signature}")))
}

/// Whether a 401's message blames the clock: worth one more try with GitHub's own time.
pub fn is_clock_message(message: &str) -> bool {
    message.starts_with("'Expiration time' claim ('exp')") || message.starts_with("'Issued at' claim ('iat')")
}

/// Whether the local clock may be off by that many seconds, and GitHub's is used instead.
pub fn is_plausible_offset(offset: i64) -> bool {
    offset.unsigned_abs() <= MOST_SKEW
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Signer for Fixed {
        fn sign(&self, _: &[u8]) -> Result<String> {
            Ok("sig".into())
        }
    }

    #[test]
    fn claims_are_integers_a_minute_clear_of_githubs_limits_and_the_issuer_is_a_string() {
        let jwt = encode("12345", 1_800_000_000, &Fixed).unwrap();
        let parts: Vec<&str> = jwt.expose().split('.').collect();
        let json = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!(json(parts[0]), r#"{"typ":"JWT","alg":"RS256"}"#);
        assert_eq!(json(parts[1]), r#"{"iat":1799999940,"exp":1800000540,"iss":"12345"}"#);
        assert_eq!(parts[2], "sig");
    }

    #[test]
    fn githubs_clock_is_trusted_within_a_day() {
        for (offset, trusted) in [
            (0, true),
            (7200, true),
            (86_400, true),
            (-86_400, true),
            (86_401, false),
            (-86_401, false),
            (315_360_000, false),
            (i64::MIN, false),
        ] {
            assert_eq!(is_plausible_offset(offset), trusted, "{offset}");
        }
    }

    #[test]
    fn only_the_three_clock_messages_are_worth_another_try() {
        for (message, clock) in [
            ("'Expiration time' claim ('exp') is too far in the future", true),
            ("'Expiration time' claim ('exp') must be a numeric value representing the future time", true),
            ("'Issued at' claim ('iat') must be an Integer representing the time that", true),
            ("'Issuer' claim ('iss') must be an Integer", false),
            ("A JSON web token could not be decoded", false),
        ] {
            assert_eq!(is_clock_message(message), clock, "{message}");
        }
    }
}
