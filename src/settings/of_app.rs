//! Settings of the App: its issuer, its installation, and the source of its private key or signature.

use crate::settings::schema::Key;
use crate::settings::sources::Found;
use crate::settings::{Profile, values};
use crate::tokens::config::{AppConfig, KeySource};
use crate::tokens::error::{Failure, Kind};
use crate::tokens::secret::Secret;

impl Profile<'_> {
    /// The App's settings if they are complete; if `needed`, incomplete ones are an error that names the missing part.
    pub(super) fn app(&self, needed: bool) -> Result<Option<AppConfig>, Failure> {
        let issuer = self.find(Key::AppId)?;
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
            self.find(Key::InstallationId)?.map(|found| values::number(&found)).transpose()?;
        Ok(Some(AppConfig { issuer: values::issuer(&issuer)?, installation_id, key }))
    }

    /// The key from the highest-priority source; within one source, the setting that keeps the key furthest away wins.
    fn key(&self) -> Result<Option<KeySource>, Failure> {
        let rank = |found: &Found| found.origin.rank();
        let secret = |found: Found| Secret::new(found.text().to_owned());
        let candidates = [
            self.find(Key::SignCommand)?.map(|f| (rank(&f), KeySource::SignCommand(secret(f)))),
            self.find(Key::PrivateKeyCommand)?.map(|f| (rank(&f), KeySource::Command(secret(f)))),
            self.find(Key::PrivateKeyText)?.map(|f| (rank(&f), KeySource::Text(secret(f)))),
            match self.find(Key::PrivateKeyFile)? {
                Some(found) => Some((rank(&found), KeySource::File(found.path()?))),
                None => None,
            },
        ];
        Ok(candidates.into_iter().flatten().min_by_key(|(rank, _)| *rank).map(|(_, key)| key))
    }
}
