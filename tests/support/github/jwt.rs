//! Checks App JWTs as GitHub does and refuses with GitHub's words, by other code than the product's.
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::Options;

/// The catch-all, also for a good key of another App.
const NOT_DECODED: &str = "A JSON web token could not be decoded";
const EXP_TOO_FAR: &str = "'Expiration time' claim ('exp') is too far in the future";
const EXP_PAST: &str = "'Expiration time' claim ('exp') must be a numeric value representing the future time \
                        at which the assertion expires";
const IAT_FUTURE: &str =
    "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
const ISS_WRONG: &str = "'Issuer' claim ('iss') must be an Integer";
const ISS_MISSING: &str = "Missing 'issuer' claim ('iss') in assertion";

/// The longest time between now and `exp`.
const LONGEST_LIFE: i64 = 600;

fn part(text: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// Checks an `Authorization` header; the error is GitHub's message.
pub fn check(authorization: Option<&str>, options: &Options, now: i64) -> Result<(), &'static str> {
    let header = authorization.ok_or(NOT_DECODED)?;
    let token = header.strip_prefix("Bearer ").ok_or(NOT_DECODED)?;
    let parts: Vec<&str> = token.split('.').collect();
    // An installation token has two dots as well, but its first part is no JSON.
    if token.starts_with("ghs_") {
        return Err("Bad credentials");
    }
    let [header, claims, signature] = parts[..] else { return Err("Bad credentials") };
    let signed = &token[..header.len() + 1 + claims.len()];
    let (header, claims) = (part(header).ok_or(NOT_DECODED)?, part(claims).ok_or(NOT_DECODED)?);
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| NOT_DECODED)?;
    if header["alg"] != "RS256" {
        return Err(NOT_DECODED);
    }
    check_issuer(&claims["iss"], &options.issuers)?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &options.public_key);
    key.verify(signed.as_bytes(), &signature).map_err(|_| NOT_DECODED)?;
    check_times(&claims, now)
}

fn check_issuer(issuer: &Value, known: &[String]) -> Result<(), &'static str> {
    match issuer {
        Value::Null => Err(ISS_MISSING),
        Value::String(text) if text.is_empty() => Err(ISS_MISSING),
        Value::String(text) if known.contains(text) => Ok(()),
        // The number of some other App: its key is not ours.
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => Err(NOT_DECODED),
        // GitHub takes numbers as well; the contract says string.
        _ => Err(ISS_WRONG),
    }
}

fn check_times(claims: &Value, now: i64) -> Result<(), &'static str> {
    let expires = claims["exp"].as_i64().ok_or(EXP_PAST)?;
    let issued = claims["iat"].as_i64().ok_or(IAT_FUTURE)?;
    if expires <= now {
        Err(EXP_PAST)
    } else if expires > now + LONGEST_LIFE {
        Err(EXP_TOO_FAR)
    } else if issued > now {
        Err(IAT_FUTURE)
    } else {
        Ok(())
    }
}
