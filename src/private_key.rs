//! The App's private key: PEM text in the forms that people paste, to an RS256 signer. Pure.
//!
//! PKCS#1 (as GitHub hands it out) and PKCS#8, RSA only; each other kind of key gets a message of its own.
//! No error holds a part of the text.

use std::sync::{Arc, Once};

use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, new_error};
use jsonwebtoken::signature::{Error as SignatureError, Signer as JwtSign};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use rsa::PrivateKey as RsaKey;
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey};
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey};
use rsa::sha2::{Digest, Sha256};
use rsa::signature::{SignatureEncoding, Signer as RsaSign};
use rsa::traits::PublicKeyParts;
use zeroize::Zeroizing;

use crate::app_jwt::Signer;
use crate::error::{Failure, Kind};

/// An RSA private key that signs App JWTs; wiped when dropped.
pub struct PrivateKey(EncodingKey);

impl PrivateKey {
    /// SHA-256 over the public key's `SubjectPublicKeyInfo`, whatever the form of the private one
    /// (<https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/managing-private-keys-for-github-apps#verifying-private-keys>).
    pub fn fingerprint(&self) -> String {
        // Encoding a key that was read cannot fail; an empty fingerprint would merely match nothing.
        let key = RsaKey::from_pkcs1_der(self.0.as_bytes()).ok();
        let public = key.and_then(|key| key.to_public_key().to_public_key_der().ok());
        let digest = Sha256::digest(public.map(rsa::pkcs8::Document::into_vec).unwrap_or_default());
        format!("SHA256:{}", STANDARD.encode(digest))
    }

    /// Reads a key: PEM, with `\n` escapes, CRLF, quotes or blanks around it, or as base64 of all that.
    pub fn from_text(text: &str) -> Result<Self, Failure> {
        let key = parse(text)?;
        let der = key.to_pkcs1_der().map_err(|_| bad_key("the RSA key cannot be used"))?;
        install_provider();
        Ok(Self(EncodingKey::from_rsa_der(der.as_bytes())))
    }
}

fn parse(text: &str) -> Result<RsaKey, Failure> {
    let pem = normalise(text);
    let key = if pem.contains("-----BEGIN RSA PRIVATE KEY-----") && !pem.contains("ENCRYPTED") {
        RsaKey::from_pkcs1_pem(&pem).ok()
    } else if pem.contains("-----BEGIN PRIVATE KEY-----") {
        RsaKey::from_pkcs8_pem(&pem).ok()
    } else {
        None
    };
    let key = key.ok_or_else(|| complaint(&pem))?;
    if key.size() < 256 {
        return Err(bad_key("the RSA key has fewer than 2048 bits, which GitHub does not hand out"));
    }
    Ok(key)
}

impl Signer for Arc<PrivateKey> {
    fn sign(&self, input: &[u8]) -> Result<String> {
        Ok(jsonwebtoken::crypto::sign(input, &self.0, Algorithm::RS256)?)
    }
}

/// Undoes what environments, `.env` files and secret stores do to a PEM text.
fn normalise(text: &str) -> Zeroizing<String> {
    let trimmed = unquote(text);
    if !trimmed.contains("-----BEGIN") {
        let compact: Zeroizing<String> = Zeroizing::new(trimmed.split_whitespace().collect());
        if let Ok(bytes) = STANDARD.decode(compact.as_bytes())
            && let Ok(decoded) = String::from_utf8(bytes)
        {
            let decoded = Zeroizing::new(decoded);
            if decoded.trim_start().starts_with("-----BEGIN") {
                return normalise(&decoded);
            }
        }
    }
    let lines = Zeroizing::new(trimmed.replace("\\r", "").replace("\\n", "\n"));
    let mut pem = Zeroizing::new(String::with_capacity(lines.len() + 1));
    for line in lines.lines() {
        pem.push_str(line.trim());
        pem.push('\n');
    }
    pem
}

fn unquote(text: &str) -> &str {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner.trim();
        }
    }
    text
}

fn bad_key(message: &str) -> Failure {
    Failure::new(Kind::Settings, message).hint(
        "use the PEM file that GitHub offers under the App's settings, \"Private keys\" (it begins with BEGIN RSA PRIVATE KEY)",
    )
}

/// Says which wrong kind of text a key setting holds.
fn complaint(pem: &str) -> Failure {
    let begins = |label: &str| pem.contains(&format!("-----BEGIN {label}"));
    let complete = pem.contains("-----END") && pem.trim_end().ends_with("-----");
    if pem.trim().is_empty() {
        bad_key("the private key is empty")
    } else if begins("OPENSSH PRIVATE KEY") {
        bad_key("this is an OpenSSH key, not a PEM key")
            .hint("convert a copy of it with: ssh-keygen -p -m PEM -N '' -f COPY")
    } else if begins("ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        bad_key("the private key is encrypted with a passphrase")
            .hint("decrypt it with: openssl rsa -in KEY -out PLAIN, or let --private-key-command print the decrypted key")
    } else if begins("PUBLIC KEY") || begins("RSA PUBLIC KEY") {
        bad_key("this is a public key; the App's private key is needed")
    } else if begins("CERTIFICATE") {
        bad_key("this is a certificate; the App's private key is needed")
    } else if begins("EC PRIVATE KEY") || (complete && begins("PRIVATE KEY")) {
        bad_key("this is no RSA key; GitHub Apps sign with RSA (RS256)")
    } else if begins("") && pem.trim().lines().count() == 1 {
        bad_key("only the first line of the private key is here")
            .hint("in an environment file, write the key in one line with \\n for line ends, or as base64")
    } else if begins("RSA PRIVATE KEY") || begins("PRIVATE KEY") {
        bad_key("the private key is cut short or damaged")
    } else {
        bad_key("this is no PEM private key")
    }
}

/// RS256 over `rsa` 0.10, blinded with the system's random numbers.
struct Rs256(SigningKey<Sha256>);

impl JwtSign<Vec<u8>> for Rs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        RsaSign::try_sign(&self.0, message)
            .map(|signature| signature.to_vec())
            .map_err(|_| SignatureError::new())
    }
}

impl JwtSigner for Rs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is jsonwebtoken's")]
fn make_signer(algorithm: &Algorithm, key: &EncodingKey) -> jsonwebtoken::errors::Result<Box<dyn JwtSigner>> {
    if *algorithm != Algorithm::RS256 {
        return Err(new_error(ErrorKind::UnsupportedAlgorithm));
    }
    let key = RsaKey::from_pkcs1_der(key.as_bytes()).map_err(|_| new_error(ErrorKind::InvalidKeyFormat))?;
    Ok(Box::new(Rs256(SigningKey::new(key))))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is jsonwebtoken's")]
fn no_verifier(_: &Algorithm, _: &DecodingKey) -> jsonwebtoken::errors::Result<Box<dyn JwtVerifier>> {
    Err(new_error(ErrorKind::UnsupportedAlgorithm))
}

fn install_provider() {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: make_signer,
        verifier_factory: no_verifier,
        key_utils: KeyUtils::new_unimplemented(),
    };
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // Fails only if a provider is there already, and nobody else installs one.
        let _ = PROVIDER.install_default();
    });
}

#[cfg(test)]
#[path = "private_key/tests.rs"]
mod tests;
