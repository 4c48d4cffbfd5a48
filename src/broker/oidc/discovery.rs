//! Fetches an issuer's keys: by discovery (<https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig>)
//! and the JWK Set that it names, or from a file. Redirects are not followed, answers are at most 256 KiB, and the
//! document must name the same issuer.

use std::fs;
use std::path::Path;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::broker::oidc::issuer_keys::Fetched;
use crate::broker::oidc::jwks::Jwks;
use crate::broker::trust::issuer::KeysFrom;
use crate::platform::clock::Deadline;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::host;
use crate::tokens::http::network::{Network, Roots};
use crate::tokens::http::{Answer, Call, Client};
use crate::tokens::notes::Notes;
use crate::tokens::origin::{Named, Origin};
use crate::tokens::secret::Secret;

/// The longest answer.
const LONGEST: usize = 256 * 1024;
/// The time for both requests.
const PATIENCE: Duration = Duration::from_secs(10);

/// Fetches keys, with the settings' network options.
pub struct KeyFetcher {
    network: RwLock<Network>,
    notes: Notes,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl KeyFetcher {
    /// With these network options.
    pub fn new(network: Network, notes: Notes) -> Self {
        Self { network: RwLock::new(network), notes }
    }

    /// Replaces the network options.
    pub fn replace(&self, network: Network) {
        *self.network.write().unwrap_or_else(PoisonError::into_inner) = network;
    }

    /// Fetches the current keys; blocks.
    ///
    /// # Errors
    /// They are unavailable, or belong to another issuer.
    pub fn fetch(&self, from: &KeysFrom) -> Result<Fetched, Failure> {
        match from {
            KeysFrom::File(path) => of_file(path),
            KeysFrom::Discovery { url, ca_file, token_file } => {
                let mut network = self.network.read().unwrap_or_else(PoisonError::into_inner).clone();
                if let Some(path) = ca_file {
                    let origin = Origin::File(path.clone(), "ca_file".to_owned());
                    network.roots =
                        Roots { file: Some(Named { value: path.clone(), origin }), directories: None };
                }
                let client = Client::new(&network, Deadline::after(PATIENCE), self.notes);
                discover(&client, url, token_file.as_deref())
            }
        }
    }
}

fn failure(message: impl Into<String>) -> Failure {
    Failure::new(Kind::Other, message)
}

fn of_file(path: &Path) -> Result<Fetched, Failure> {
    let wrong =
        |cause: String| Failure::new(Kind::Settings, format!("jwks_file {}: {cause}", path.display()));
    let text = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let keys = Jwks::parse(&text).map_err(|cause| wrong(cause.to_owned()))?;
    // Changes in it are noticed when the keys may be too old.
    Ok(Fetched { keys, life: Some(Duration::ZERO) })
}

fn discover(client: &Client, issuer: &str, token_file: Option<&Path>) -> Result<Fetched, Failure> {
    let bearer = token_file.map(bearer).transpose()?;
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let answer = get(client, &url, bearer.as_ref())?;
    let metadata: Metadata = serde_json::from_slice(&answer.body)
        .map_err(|_| failure(format!("{url} does not answer with issuer and jwks_uri in JSON")))?;
    if metadata.issuer != issuer {
        return Err(failure(format!("{url} names another issuer than the trust file's url")));
    }
    let keys_url = metadata.jwks_uri;
    let uri = host::check_url(&keys_url).map_err(|wrong| failure(format!("{url}: jwks_uri: {wrong}")))?;
    if uri.scheme_str() == Some("http") && !host::is_loopback(uri.host().unwrap_or_default()) {
        return Err(failure(format!("{url}: jwks_uri is not an https URL")));
    }
    let answer = get(client, &keys_url, bearer.as_ref())?;
    let keys = Jwks::parse(&answer.body).map_err(|wrong| failure(format!("{keys_url}: {wrong}")))?;
    Ok(Fetched { keys, life: answer.header("cache-control").and_then(life) })
}

fn get(client: &Client, url: &str, bearer: Option<&Secret>) -> Result<Answer, Failure> {
    let call = Call {
        method: "GET",
        url: url.to_owned(),
        authorization: bearer.map(|bearer| Secret::new(format!("Bearer {}", bearer.expose()))),
        headers: vec![("accept", "application/json".to_owned())],
        body: None,
        who: "the issuer",
    };
    let answer = client
        .probe(&call)
        .map_err(|error| Failure { message: format!("{error:#}"), ..Failure::of(&error) })?;
    match answer.status {
        200 if answer.body.len() > LONGEST => Err(failure(format!("{url} answers with more than 256 KiB"))),
        200 => Ok(answer),
        300..=399 => Err(failure(format!("{url} redirects, which is not followed"))),
        401 | 403 => Err(failure(format!(
            "{url} answers {}: an issuer that guards its keys wants a bearer in token_file",
            answer.status
        ))),
        status => Err(failure(format!("{url} answers {status}"))),
    }
}

/// The bearer for an issuer that guards its keys; read at each fetch, as it is rotated.
fn bearer(path: &Path) -> Result<Secret, Failure> {
    let wrong = |cause: &str| Failure::new(Kind::Settings, format!("token_file {}: {cause}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| wrong(&error.to_string()))?;
    let text = Zeroizing::new(text);
    Secret::of_bearer(&text).ok_or_else(|| wrong("it does not hold one line of printable characters"))
}

/// How long an answer may be kept (RFC 9111, section 5.2.2).
fn life(cache_control: &str) -> Option<Duration> {
    let mut directives = cache_control.split(',').map(|one| one.trim().to_ascii_lowercase());
    directives.find_map(|directive| match directive.split_once('=') {
        None if matches!(directive.as_str(), "no-store" | "no-cache") => Some(Duration::ZERO),
        Some(("max-age", seconds)) => seconds.trim_matches('"').parse().ok().map(Duration::from_secs),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_control_says_how_long_keys_are_good() {
        for (text, seconds) in [
            ("max-age=3600", Some(3600)),
            ("public, Max-Age=\"60\", must-revalidate", Some(60)),
            ("no-store", Some(0)),
            ("no-cache, max-age=60", Some(0)),
            ("private", None),
            ("max-age=soon", None),
        ] {
            assert_eq!(life(text).map(|life| life.as_secs()), seconds, "{text}");
        }
    }
}
