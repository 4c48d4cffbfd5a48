//! An issuer's public keys: a JWK Set (RFC 7517), without the keys that cannot check a token. Pure.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::Value;

use crate::broker::oidc::presented::{Invalid, Presented};

/// More keys than any issuer has.
const MOST_KEYS: usize = 100;
/// How many keys are tried if a key or token has no `kid`.
const MOST_TRIED: usize = 8;

/// Keys that can check tokens.
#[derive(Debug)]
pub struct Jwks(Vec<IssuerKey>);

#[derive(Debug)]
struct IssuerKey {
    id: Option<String>,
    /// The tokens it can check.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl Jwks {
    /// Parses a JWK Set. Keys of other kinds and for other uses are skipped.
    ///
    /// # Errors
    /// It is not a JWK Set, or has no key that can check a token.
    pub fn parse(json: &[u8]) -> Result<Self, &'static str> {
        let set: Value = serde_json::from_slice(json).map_err(|_| "this is not JSON")?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("there is no list of keys in it")?;
        if keys.len() > MOST_KEYS {
            return Err("there are more than 100 keys in it");
        }
        let keys: Vec<IssuerKey> = keys.iter().filter_map(key).collect();
        if keys.is_empty() { Err("there is no key in it that can check a token") } else { Ok(Self(keys)) }
    }

    /// The number of keys.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Checks the signature of a token.
    ///
    /// # Errors
    /// [`Invalid::UnknownKey`] if a newer key may exist, otherwise [`Invalid::Signature`].
    pub fn check(&self, token: &Presented, algorithm: Algorithm) -> Result<(), Invalid> {
        let id = token.header.kid.as_ref();
        let of_id = |key: &&IssuerKey| id.is_none() || key.id.as_ref() == id;
        let mut fitting =
            self.0.iter().filter(of_id).filter(|key| key.algorithms.contains(&algorithm)).peekable();
        if fitting.peek().is_none() {
            return Err(Invalid::UnknownKey);
        }
        let is_signed = |key: &IssuerKey| {
            crypto::verify(token.signature, token.message.as_bytes(), &key.key, algorithm).unwrap_or(false)
        };
        if fitting.take(MOST_TRIED).any(is_signed) {
            return Ok(());
        }
        Err(if id.is_none() { Invalid::UnknownKey } else { Invalid::Signature })
    }
}

fn key(value: &Value) -> Option<IssuerKey> {
    let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
    let algorithms = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => vec![Algorithm::RS256, Algorithm::PS256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => vec![Algorithm::ES256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => vec![Algorithm::ES384],
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            vec![Algorithm::EdDSA]
        }
        _ => return None,
    };
    let common = &jwk.common;
    let is_for_signatures = common.public_key_use.as_ref().is_none_or(|to| *to == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    let of_key = common.key_algorithm.map(|algorithm| Algorithm::try_from(algorithm).ok());
    let algorithms: Vec<Algorithm> =
        algorithms.into_iter().filter(|one| of_key.is_none_or(|of_key| of_key == Some(*one))).collect();
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    (is_for_signatures && !algorithms.is_empty()).then(|| IssuerKey {
        id: common.key_id.clone(),
        algorithms,
        key,
    })
}
