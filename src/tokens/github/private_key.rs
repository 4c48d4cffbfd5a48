//! The App's private key: PEM text in the forms that people paste, to an RS256 signer. Pure.
//!
//! PKCS#1 (as GitHub hands it out) and PKCS#8, RSA only; each other kind of key gets a message of its own.
//! No error holds a part of the text.

use std::sync::Arc;

use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey};
use rsa::PrivateKey as RsaKey;
use rsa::pkcs1::{ALGORITHM_OID, DecodeRsaPrivateKey, EncodeRsaPrivateKey};
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey, PrivateKeyInfoRef};
use rsa::sha2::{Digest, Sha256};
use rsa::traits::PublicKeyParts;

use crate::tokens::error::{Failure, Kind};
use crate::tokens::github::jwt::Signer;
use crate::tokens::signatures;

mod armour;

use armour::Block;

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

    /// Reads a key: PEM in every form that it may have taken on its way; see [`armour`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        let key = parse(bytes)?;
        let der = key.to_pkcs1_der().map_err(|_| bad_key("the RSA key cannot be used"))?;
        signatures::install();
        Ok(Self(EncodingKey::from_rsa_der(der.as_bytes())))
    }
}

fn parse(bytes: &[u8]) -> Result<RsaKey, Failure> {
    let (blocks, text) = armour::read(bytes);
    // A certificate or a public key may stand beside it.
    let private = |block: &&Block| matches!(block.label.as_str(), "RSAPRIVATEKEY" | "PRIVATEKEY");
    let Some(block) = blocks.iter().find(private) else {
        let nearest = blocks.iter().find(|block| block.label.ends_with("PRIVATEKEY")).or(blocks.first());
        return Err(nearest.map_or_else(|| no_armour(bytes, &text), complaint));
    };
    let der = block.der().ok_or_else(|| complaint(block))?;
    // What it is counts, not what it says that it is.
    let key = RsaKey::from_pkcs1_der(&der).ok().or_else(|| RsaKey::from_pkcs8_der(&der).ok());
    let key = key.ok_or_else(|| if is_of_another_kind(&der) { no_rsa() } else { complaint(block) })?;
    if key.size() < 256 {
        return Err(bad_key("the RSA key has fewer than 2048 bits, which GitHub does not hand out"));
    }
    Ok(key)
}

/// Whether it is a whole PKCS#8 key, but for another algorithm.
fn is_of_another_kind(der: &[u8]) -> bool {
    PrivateKeyInfoRef::try_from(der).is_ok_and(|info| info.algorithm.oid != ALGORITHM_OID)
}

impl Signer for Arc<PrivateKey> {
    fn sign(&self, input: &[u8]) -> Result<String> {
        Ok(jsonwebtoken::crypto::sign(input, &self.0, Algorithm::RS256)?)
    }
}

fn bad_key(message: &str) -> Failure {
    Failure::new(Kind::Settings, message).hint(
        "use the PEM file that GitHub offers under the App's settings, \"Private keys\" (it begins with BEGIN RSA PRIVATE KEY)",
    )
}

fn no_rsa() -> Failure {
    bad_key("this is not an RSA key; GitHub Apps sign with RSA (RS256)")
}

/// Says which wrong kind of text a key setting holds.
fn complaint(block: &Block) -> Failure {
    let Block { label, body, has_end } = block;
    // The headers of the old form stand where the body should, such as `Proc-Type: 4,ENCRYPTED`.
    let is_encrypted = **label == "ENCRYPTEDPRIVATEKEY" || body.contains("Proc-Type:");
    match label.as_str() {
        _ if is_encrypted => bad_key("the private key is encrypted with a passphrase")
            .hint("decrypt it with: openssl rsa -in KEY -out PLAIN, or let --private-key-command print the decrypted key"),
        "OPENSSHPRIVATEKEY" => bad_key("this is an OpenSSH key, not a PEM key")
            .hint("convert a copy of it with: ssh-keygen -p -m PEM -N '' -f COPY"),
        "PUBLICKEY" | "RSAPUBLICKEY" => bad_key("this is a public key; the App's private key is needed"),
        label if label.contains("CERTIFICATE") => {
            bad_key("this is a certificate; the App's private key is needed")
        }
        "ECPRIVATEKEY" | "DSAPRIVATEKEY" => no_rsa(),
        label if !label.ends_with("KEY") && *has_end => bad_key("this is not a PEM private key"),
        _ if body.is_empty() && !*has_end => bad_key("only the first line of the private key is here")
            .hint("put quotes around the whole key, or write it in one line with \\n for line ends, or as base64"),
        _ => bad_key("the private key is cut short or damaged"),
    }
}

/// The same for a text without armour.
fn no_armour(bytes: &[u8], text: &str) -> Failure {
    let is_der = |bytes: &[u8]| bytes.starts_with(&[0x30, 0x82]);
    let letters = armour::strip(text);
    if letters.is_empty() {
        bad_key("the private key is empty")
    } else if is_der(bytes) {
        bad_key("this is a key or a certificate in DER; PEM is needed")
            .hint("convert it with: openssl rsa -inform DER -in KEY -out PEM")
    } else if armour::decode(&letters).is_some_and(|inner| is_der(&inner)) {
        bad_key("the private key lacks its first and last line, BEGIN and END")
    } else if text.contains("-----END") {
        bad_key("the private key is cut short or damaged")
    } else {
        bad_key("this is not a PEM private key")
    }
}

#[cfg(test)]
mod tests;
