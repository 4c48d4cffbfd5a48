//! A presented OIDC token: its parts, and the checks of its claims before the signature is checked. Pure; the time is a
//! parameter. Rules: RFC 7519, RFC 8725 and <https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation>.

use std::fmt;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header};
use serde_json::Value;

use crate::broker::trust::claims::Claims;
use crate::broker::trust::issuer::Issuer;

/// The longest accepted token, in bytes.
pub const LONGEST: usize = 16 * 1024;
/// The tolerated clock difference, in seconds.
const LEEWAY: i64 = 60;
/// The latest time that a number may name: the year 9999.
const END_OF_TIME: i64 = 253_402_300_799;

/// A parsed token. Nothing in it may be trusted before its signature is checked.
pub struct Presented<'a> {
    /// Algorithm and key.
    pub header: Header,
    /// All claims.
    pub claims: Claims,
    /// The signed part.
    pub message: &'a str,
    /// The signature, in base64url.
    pub signature: &'a str,
}

/// Why a token is not accepted; for the log. The client gets the same text for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// Too long.
    TooLong,
    /// Not three parts of base64url with JSON in the first two.
    Malformed,
    /// It has a critical header that is not understood.
    Critical,
    /// Its `iss` is not in the trust file.
    Issuer,
    /// Its `aud` is not the issuer's in the trust file.
    Audience,
    /// Its algorithm is not allowed for the issuer in the trust file.
    Algorithm,
    /// `exp` is missing or not a time.
    NoExpiry,
    /// `exp` has passed.
    Expired,
    /// `nbf` is in the future, or not a time.
    NotYet,
    /// `iat` is in the future, or not a time.
    IssuedLater,
    /// `iat` is missing, or longer ago than `max_age` allows.
    TooOld,
    /// The issuer has no such key.
    UnknownKey,
    /// The signature does not match the issuer's key.
    Signature,
    /// The issuer's keys are unavailable.
    NoKeys,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the token is longer than 16 KiB",
            Self::Malformed => "this is not a JWT",
            Self::Critical => "the token is of an unknown kind (crit, enc or zip)",
            Self::Issuer => "the token's issuer is not in the trust file",
            Self::Audience => "the token is for another audience",
            Self::Algorithm => "the trust file does not allow the token's algorithm",
            Self::NoExpiry => "the token has no exp",
            Self::Expired => "the token has expired",
            Self::NotYet => "the token is not valid yet (nbf)",
            Self::IssuedLater => "the token is from the future (iat)",
            Self::TooOld => "the token is older than max_age",
            Self::UnknownKey => "the issuer has no key with the token's kid",
            Self::Signature => "the signature is wrong",
            Self::NoKeys => "the issuer's keys are unavailable",
        })
    }
}

impl<'a> Presented<'a> {
    /// Parses a token.
    ///
    /// # Errors
    /// It cannot be valid.
    pub fn read(token: &'a [u8]) -> Result<Self, Invalid> {
        if token.len() > LONGEST {
            return Err(Invalid::TooLong);
        }
        let text = str::from_utf8(token).map_err(|_| Invalid::Malformed)?;
        let (message, signature) = text.rsplit_once('.').ok_or(Invalid::Malformed)?;
        let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
            // `none`, and whatever else the library does not know.
            ErrorKind::Json(cause) if cause.to_string().starts_with("unknown variant") => Invalid::Algorithm,
            _ => Invalid::Malformed,
        })?;
        if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
            return Err(Invalid::Critical);
        }
        let claims: Value =
            jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| Invalid::Malformed)?;
        match claims {
            Value::Object(claims) => Ok(Self { header, claims, message, signature }),
            _ => Err(Invalid::Malformed),
        }
    }

    /// The trust file's issuer that the token claims.
    ///
    /// # Errors
    /// None has this `iss` and this `aud`.
    pub fn issuer<'b>(&self, issuers: impl Iterator<Item = &'b Issuer>) -> Result<&'b Issuer, Invalid> {
        let mut reason = Invalid::Issuer;
        for issuer in issuers {
            if self.claims.get("iss").is_some_and(|iss| *iss == issuer.url) {
                if has_audience(&self.claims, &issuer.audience) {
                    return Ok(issuer);
                }
                reason = Invalid::Audience;
            }
        }
        Err(reason)
    }

    /// Until when the token is valid, in seconds since 1970, if it is valid now.
    ///
    /// # Errors
    /// It has expired, or is not valid yet.
    pub fn until(&self, max_age: Option<Duration>, now: i64) -> Result<i64, Invalid> {
        let time = |claim: &str| self.claims.get(claim).map(seconds);
        let is_to_come = |time: Option<i64>| time.is_none_or(|time| time > now + LEEWAY);
        let mut until = time("exp").flatten().ok_or(Invalid::NoExpiry)? + LEEWAY;
        if until <= now {
            return Err(Invalid::Expired);
        }
        if time("nbf").is_some_and(is_to_come) {
            return Err(Invalid::NotYet);
        }
        if time("iat").is_some_and(is_to_come) {
            return Err(Invalid::IssuedLater);
        }
        if let Some(max_age) = max_age {
            let issued = time("iat").flatten().ok_or(Invalid::TooOld)?;
            let age = i64::try_from(max_age.as_secs()).unwrap_or(END_OF_TIME);
            until = until.min(issued.saturating_add(age).saturating_add(LEEWAY));
        }
        if until <= now { Err(Invalid::TooOld) } else { Ok(until) }
    }

    /// Its algorithm, if allowed for the issuer.
    ///
    /// # Errors
    /// It is not allowed.
    pub fn algorithm(&self, issuer: &Issuer) -> Result<Algorithm, Invalid> {
        let algorithm = self.header.alg;
        if issuer.algorithms.contains(&algorithm) { Ok(algorithm) } else { Err(Invalid::Algorithm) }
    }
}

/// Whether `aud` is or contains this.
pub fn has_audience(claims: &Claims, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(text)) => text == audience,
        Some(Value::Array(all)) => all.iter().any(|one| one == audience),
        _ => false,
    }
}

/// A time in a claim, in whole seconds since 1970: numbers may have a fraction (RFC 7519, section 2, `NumericDate`).
fn seconds(value: &Value) -> Option<i64> {
    let whole = value.as_i64().or_else(|| {
        let fractional = value.as_f64().filter(|seconds| seconds.is_finite())?;
        jiff::SignedDuration::try_from_secs_f64(fractional).ok().map(|duration| duration.as_secs())
    });
    whole.filter(|seconds| (0..=END_OF_TIME).contains(seconds))
}
