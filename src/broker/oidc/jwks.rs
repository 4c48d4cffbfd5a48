//! An issuer's public keys: a JWK Set (RFC 7517), of which what cannot check a token is left out. Pure.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::Value;

use crate::broker::oidc::presented::{Invalid, Presented};

/// More keys than any issuer has at a time.
const MOST_KEYS: usize = 100;
/// Of keys without a `kid`, or for tokens without one, so many are tried.
const MOST_TRIED: usize = 8;

/// Keys that can check tokens.
#[derive(Debug)]
pub struct Jwks(Vec<IssuerKey>);

#[derive(Debug)]
struct IssuerKey {
    id: Option<String>,
    /// What tokens it can be for.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl Jwks {
    /// Reads a JWK Set. Keys of other kinds and for other uses may be among them.
    ///
    /// # Errors
    /// It is none, or there is no key in it that can check a token.
    pub fn parse(json: &[u8]) -> Result<Self, &'static str> {
        let set: Value = serde_json::from_slice(json).map_err(|_| "this is not JSON")?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("there is no list of keys in it")?;
        if keys.len() > MOST_KEYS {
            return Err("there are more than 100 keys in it");
        }
        let keys: Vec<IssuerKey> = keys.iter().filter_map(key).collect();
        if keys.is_empty() { Err("there is no key in it that can check a token") } else { Ok(Self(keys)) }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Checks the signature of a token.
    ///
    /// # Errors
    /// [`Invalid::UnknownKey`] where there may be another key by now, else [`Invalid::Signature`].
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
