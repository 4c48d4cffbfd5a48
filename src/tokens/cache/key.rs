//! Names cache entries. Whatever changes a token must change the name of its entry, or two tokens would share one. So
//! each struct is destructured completely: a new field does not compile until this file decides about it.

use rsa::sha2::{Digest, Sha256};

use crate::tokens::config::{AppConfig, BearerSource, BrokerConfig, Config, IdTokenSource, KeySource};
use crate::tokens::host::Host;
use crate::tokens::scope::Scope;
use crate::tokens::token;

/// The entry for a scope's token. A key is identified by its source, so that a hit reads no key and runs no command.
pub fn of(config: &Config, scope: &Scope) -> String {
    let Config {
        host,
        api_url,
        broker,
        app,
        // They are in the scope.
        owner: _,
        repositories: _,
        permissions: _,
        per_repository: _,
        // How a token is stored, tried and fetched does not change it.
        margin: _,
        timeout: _,
        cache_dir: _,
        no_cache: _,
        verify: _,
        network: _,
    } = config;
    let Host { protocol, name } = host;
    let mut parts: Vec<String> = vec!["token".into(), format!("{protocol}://{name}"), api_url.clone()];
    if let Some(broker) = broker {
        let BrokerConfig { url, socket: _, bearer, organisation } = broker;
        parts.extend(["broker".into(), broker.name(), url.clone(), organisation.clone().unwrap_or_default()]);
        parts.extend(identity(bearer));
    }
    let mut owner_matters = config.names_owner();
    if let Some(AppConfig { issuer, installation_id, key }) = app {
        let (form, place) = match key {
            KeySource::File(path) => ("file", path.to_string_lossy().into_owned()),
            KeySource::Text(text) => ("text", token::id(text.expose().as_bytes())),
            KeySource::Command(command) => ("command", command.expose().to_owned()),
            KeySource::SignCommand(command) => ("sign", command.expose().to_owned()),
        };
        let installation = installation_id.map(|id| id.to_string()).unwrap_or_default();
        owner_matters |= installation_id.is_none();
        parts.extend(["app".into(), issuer.clone(), form.into(), place, installation]);
    }
    let Scope { owner, repositories, permissions } = scope;
    parts.push(owner.as_deref().filter(|_| owner_matters).unwrap_or_default().to_owned());
    parts.push(repositories.join(" "));
    parts.extend(permissions.iter().map(|(name, level)| format!("{name}={level}")));
    hash(&parts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What identifies us to a broker, and so decides what the token may do. The bearer itself is not part of it: it is
/// rotated while the identity stays the same.
fn identity(bearer: &BearerSource) -> Vec<String> {
    match bearer {
        BearerSource::None | BearerSource::Text(_) | BearerSource::File(_) => Vec::new(),
        BearerSource::Command(command) => vec!["command".into(), command.expose().to_owned()],
        BearerSource::IdToken(IdTokenSource { audience, job }) => {
            // A runner may run jobs of many repositories, one after another, in one home directory.
            let job = job.as_ref().map(|job| job.url.clone()).unwrap_or_default();
            vec!["id-token".into(), audience.clone(), job]
        }
    }
}

/// Names an entry by the SHA-256 of everything that changes its content; each part is preceded by its length.
pub fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    token::hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_apart_what_only_looks_alike() {
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_ne!(hash(&["a", ""]), hash(&["a"]));
        assert_eq!(hash(&["a"]).len(), 64);
    }
}
