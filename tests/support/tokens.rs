//! Random text in the shape of GitHub's tokens, and times as GitHub writes them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};

/// How long GitHub's stateless tokens are.
pub const STATELESS_LENGTH: usize = 520;

/// A new token `ghs_APPID_HEADER.CLAIMS.SIGNATURE` of 520 characters, with `.`, `_` and `-` in it.
pub fn stateless_token(app_id: u64) -> String {
    let start = format!("ghs_{app_id}_eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.ey-_");
    let signature = random_text(86);
    let claims = random_text(STATELESS_LENGTH - start.len() - 1 - signature.len());
    format!("{start}{claims}.{signature}")
}

/// A new token of the old form, as Enterprise Server still gives: `ghs_` and 36 characters.
pub fn classic_token() -> String {
    format!("ghs_{}", random_text(36).replace(['-', '_'], "x"))
}

/// Random text of the base64url alphabet.
pub fn random_text(length: usize) -> String {
    let mut bytes = vec![0; length];
    SystemRandom::new().fill(&mut bytes).expect("system random numbers");
    let mut text = URL_SAFE_NO_PAD.encode(bytes);
    text.truncate(length);
    text
}

/// Seconds since the epoch as RFC 3339 in UTC, whole seconds.
pub fn rfc3339(seconds: i64) -> String {
    Timestamp::from_second(seconds).expect("a time within range").to_string()
}
