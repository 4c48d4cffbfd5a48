//! From where the key is kept to something that signs. Read only when a token must be minted.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::platform::clock::Deadline;
use crate::platform::private_files::{self, Readers};
use crate::tokens::config::KeySource;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::github::jwt::Signer;
use crate::tokens::github::private_key::PrivateKey;
use crate::tokens::notes::Notes;
use crate::tokens::secret::Secret;
use crate::tokens::shell_command;

/// What signs for an App: a key in memory, or a command that is run each time.
#[derive(Clone)]
pub enum KeyHandle {
    /// Read once.
    Key(Arc<PrivateKey>),
    /// Never read.
    Command(Secret),
}

impl KeyHandle {
    /// Loads the key, or prepares the sign command.
    ///
    /// # Errors
    /// [`Kind::Settings`] with a message for each wrong kind of key.
    pub fn load(source: &KeySource, deadline: Deadline, notes: Notes) -> Result<Self> {
        let key = match source {
            KeySource::File(path) => read(path, Some(notes))?,
            KeySource::Text(text) => PrivateKey::from_bytes(text.expose().as_bytes())
                .context("read private key from environment variable GITHUB_APP_PRIVATE_KEY")?,
            KeySource::Command(line) => {
                let output = shell_command::run("private key command", line.expose(), b"", deadline)?;
                PrivateKey::from_bytes(&output).context("read what the private key command printed")?
            }
            KeySource::SignCommand(command) => return Ok(Self::Command(command.clone())),
        };
        Ok(Self::Key(Arc::new(key)))
    }

    /// Signs before the deadline.
    pub fn signer(&self, deadline: Deadline) -> Box<dyn Signer> {
        match self {
            Self::Key(key) => Box::new(Arc::clone(key)),
            Self::Command(command) => Box::new(SignCommand { command: command.clone(), deadline }),
        }
    }

    /// The key's fingerprint as GitHub shows it, where the key is at hand.
    pub fn fingerprint(&self) -> Option<String> {
        match self {
            Self::Key(key) => Some(key.fingerprint()),
            Self::Command(_) => None,
        }
    }
}

/// The key's fingerprint; `None` if a command holds the key, as running it may prompt somebody or cost money.
///
/// # Errors
/// The key cannot be read.
pub fn fingerprint(source: &KeySource) -> Result<Option<String>> {
    Ok(match source {
        KeySource::File(path) => Some(read(path, None)?.fingerprint()),
        KeySource::Text(text) => Some(PrivateKey::from_bytes(text.expose().as_bytes())?.fingerprint()),
        KeySource::Command(_) | KeySource::SignCommand(_) => None,
    })
}

/// Reads a key file; warns if everybody can. Group access is left to `doctor`, as Kubernetes mounts keys that way.
fn read(path: &Path, notes: Option<Notes>) -> Result<PrivateKey> {
    let shown = path.display();
    let wrong = |error: std::io::Error| {
        Failure::new(Kind::Settings, error.to_string()).hint(
            "set GITHUB_APP_PRIVATE_KEY_FILE (or --private-key-file) to a PEM file that this user may read",
        )
    };
    let text = fs::metadata(path).and_then(|metadata| {
        if let Some(notes) = notes
            && metadata.is_file()
            && let Readers::Everyone(rights) = private_files::readers(path, &metadata)
        {
            let remedy = private_files::remedy(&shown.to_string());
            notes.warn(&format!(
                "everybody may read the private key {shown} ({rights}); fix it with: {remedy}"
            ));
        }
        fs::read(path)
    });
    let text = text.map(Zeroizing::new).map_err(wrong);
    text.and_then(|text| PrivateKey::from_bytes(&text)).with_context(|| format!("read private key {shown}"))
}

/// A key that never leaves its KMS, vault or HSM.
struct SignCommand {
    command: Secret,
    deadline: Deadline,
}

impl Signer for SignCommand {
    fn sign(&self, input: &[u8]) -> Result<String> {
        let output = shell_command::run("sign command", self.command.expose(), input, self.deadline)?;
        let signature = signature(&output).ok_or_else(|| {
            Failure::new(Kind::Settings, "the sign command printed something that is not an RS256 signature")
                .hint("it must sign its stdin with RSASSA-PKCS1-v1_5 and SHA-256 and print the raw signature, base64 or base64url")
        })?;
        Ok(URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A raw, base64 or base64url signature, also with the `vault:v1:` that Vault's transit engine puts before it
/// (<https://developer.hashicorp.com/vault/api-docs/secret/transit#sign-data>). Text is tried first: a raw one never consists of base64 letters only.
fn signature(output: &[u8]) -> Option<Vec<u8>> {
    let engine = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let text: Vec<u8> = without_vault_prefix(output)
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    // The sizes of RSA keys from 2048 to 4096 bits.
    let fits = |signature: &Vec<u8>| matches!(signature.len(), 256 | 384 | 512);
    engine.decode(text).ok().filter(fits).or_else(|| Some(output.to_vec()).filter(fits))
}

fn without_vault_prefix(output: &[u8]) -> &[u8] {
    let after = |start: &[u8]| {
        let version = output.strip_prefix(start)?;
        let digits = version.iter().take_while(|byte| byte.is_ascii_digit()).count();
        version[digits..].strip_prefix(b":").filter(|_| digits > 0)
    };
    after(b"vault:v").unwrap_or(output)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn signatures_are_read_raw_and_in_both_base64_forms() {
        let raw: Vec<u8> = (0..=255).collect();
        for output in [
            raw.clone(),
            STANDARD.encode(&raw).into_bytes(),
            (STANDARD.encode(&raw) + "\n").into_bytes(),
            URL_SAFE_NO_PAD.encode(&raw).into_bytes(),
            format!("vault:v12:{}\n", STANDARD.encode(&raw)).into_bytes(),
            STANDARD.encode(&raw).as_bytes().chunks(64).collect::<Vec<_>>().join(&b'\n'),
        ] {
            assert_eq!(signature(&output).as_deref(), Some(raw.as_slice()));
        }
        let foreign = format!("vault:{}", STANDARD.encode(&raw));
        for output in [&b"garbage"[..], b"", b"vault:v1:abc", &[0; 255], foreign.as_bytes()] {
            assert_eq!(signature(output), None);
        }
    }
}
