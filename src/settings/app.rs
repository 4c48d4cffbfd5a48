//! Settings of the App: its issuer, its installation, and where its private key or signature comes from.

use std::path::PathBuf;

use super::sources::{Found, Origin, environment};
use super::{Sources, values};
use crate::error::{Failure, Kind};
use crate::secret::Secret;

/// Where the App's signature comes from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A PEM file.
    File(PathBuf),
    /// PEM text from the environment.
    Text(Secret),
    /// A command that prints the PEM text.
    Command(String),
    /// A command that signs.
    SignCommand(String),
}

/// What minting needs.
#[derive(Clone, Debug)]
pub struct AppSettings {
    /// Client ID or App ID.
    pub issuer: String,
    /// Discovered where it is not configured.
    pub installation_id: Option<u64>,
    /// The private key.
    pub key: KeySource,
}

impl Sources<'_> {
    /// The App's settings if they are complete; where `needed`, half of them is an error that names the other half.
    pub(super) fn app(&self, needed: bool) -> Result<Option<AppSettings>, Failure> {
        let issuer = self.find("app_id")?;
        let key = self.key()?;
        let (issuer, key) = match (issuer, key) {
            (Some(issuer), Some(key)) => (issuer, key),
            (Some(_), None) if needed => {
                return Err(Failure::new(Kind::Settings, "an App ID is configured, but no private key")
                    .hint("set GITHUB_APP_PRIVATE_KEY_FILE (or --private-key-file) to the App's PEM file"));
            }
            (None, Some(_)) if needed => {
                return Err(Failure::new(Kind::Settings, "a private key is configured, but no App")
                    .hint("set GITHUB_APP_CLIENT_ID (or --app-id) to the App's client ID"));
            }
            _ => return Ok(None),
        };
        let installation_id =
            self.find("installation_id")?.map(|found| values::number(&found)).transpose()?;
        Ok(Some(AppSettings { issuer: values::word(&issuer, "client ID or App ID")?, installation_id, key }))
    }

    /// The key of the highest origin; of several with the same origin the one that keeps the key furthest away.
    fn key(&self) -> Result<Option<KeySource>, Failure> {
        let rank = |found: &Found| match found.origin {
            Origin::Option(_) => 0,
            Origin::Environment(_) => 1,
            Origin::File(..) => 2,
        };
        let candidates = [
            self.find("sign_command")?.map(|f| (rank(&f), KeySource::SignCommand(f.text))),
            self.find("private_key_command")?.map(|f| (rank(&f), KeySource::Command(f.text))),
            environment("GITHUB_APP_PRIVATE_KEY")?.map(|f| (rank(&f), KeySource::Text(Secret::new(f.text)))),
            self.find("private_key_file")?.map(|f| (rank(&f), KeySource::File(f.text.into()))),
        ];
        Ok(candidates.into_iter().flatten().min_by_key(|(rank, _)| *rank).map(|(_, key)| key))
    }
}
