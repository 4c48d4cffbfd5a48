//! The pure core for benchmarks and fuzzing, behind the feature `internals`: bytes in, plain values out. No interface:
//! it changes with what it shows.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::platform::clock;
use crate::settings::{self, option_duration};
use crate::tokens::cache::disk::Cache;
use crate::tokens::cache::policy::{Decision, Entry};
use crate::tokens::error::{Failure, render};
use crate::tokens::github::api::Api;
use crate::tokens::github::jwt;
use crate::tokens::github::private_key::PrivateKey;
use crate::tokens::github::refusals::explain;
use crate::tokens::host::Host;
use crate::tokens::http::{Answer, retry};
use crate::tokens::protocol::{self, Reply};
use crate::tokens::scope::Repository;
use crate::tokens::secret::Secret;
use crate::tokens::source::Ask;
use crate::tokens::source::remote::read as body_of_broker;
use crate::tokens::token;

pub use crate::broker::internals::{Asker, Asking, IDENTITIES, SERVERS, Seen, bearer_line, judge, name_of};

/// Whether the bytes are a request of git's.
#[must_use]
pub fn is_request(input: &[u8]) -> bool {
    protocol::parse(input).is_some()
}

/// What a request asks for.
#[derive(Debug)]
pub struct Asked {
    /// As git has it.
    pub protocol: Vec<u8>,
    /// As git has it.
    pub host: Vec<u8>,
    /// Whether a helper for the host would answer.
    pub ours: bool,
    /// Owner and name.
    pub repository: Option<(String, String)>,
}

/// Reads a request to a helper for a host; `None`: malformed.
#[must_use]
pub fn asked(input: &[u8], host: &str) -> Option<Asked> {
    let request = protocol::parse(input)?;
    let ours = Host::parse(host).ok()?.is_asked_by(&request.protocol, &request.host);
    let path = request.path.as_deref().and_then(Repository::from_path);
    let repository = path.map(|repository| (repository.owner, repository.name));
    Some(Asked { protocol: request.protocol, host: request.host, ours, repository })
}

/// The answer to git with a token; `None`: the token is refused.
#[must_use]
pub fn reply(token: &str, expiry: Option<i64>, authtype: bool, state: Option<&str>) -> Option<String> {
    token::check_text(token).ok()?;
    let password = &Secret::new(token.to_owned());
    let reply = Reply { user: "x-access-token", password, expiry, authtype, state, again: state.is_some() };
    Some(reply.to_secret().expose().to_owned())
}

/// Token and expiry in an answer of a broker, or what is said of it.
///
/// # Errors
/// The message with its hints.
pub fn token_of_broker(headers: &str, body: &[u8]) -> Result<(String, Option<i64>), String> {
    match body_of_broker(&Answer::made(200, headers, body)) {
        Ok(token) => Ok((token.secret.expose().to_owned(), token.facts.expiry)),
        Err(error) => Err(render(&error)),
    }
}

/// What is said of a refusal of GitHub's, and how long to wait before another try.
#[must_use]
pub fn refusal(status: u16, headers: &str, body: &[u8]) -> (String, Option<Duration>) {
    let answer = Answer::made(status, headers, body);
    let pause = retry::advice(&answer, clock::now()).map(|advice| retry::pause(advice, 1, 0.5));
    let api = Api { host: &Host::default(), url: "https://api.github.com" };
    (render(&explain(&answer, "Iv23liExample", api).into()), pause)
}

/// When a token expires, by the local clock.
#[must_use]
pub fn expiry(text: &str, date: Option<i64>, now: i64) -> Option<i64> {
    token::local_expiry(Some(text), date, now)
}

/// A time as we write it.
#[must_use]
pub fn rfc3339(seconds: i64) -> String {
    clock::rfc3339(seconds)
}

/// A duration as settings have it.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    option_duration("--margin", Some(text)).ok()
}

/// Reads a settings file's text, and all settings in it.
///
/// # Errors
/// The message with its hints.
pub fn settings(text: &str) -> Result<(), String> {
    settings::of_text(text).map(drop).map_err(|failure| render(&failure.into()))
}

/// The cache entry's bytes as they would be written again.
#[must_use]
pub fn rewritten_entry(bytes: &[u8]) -> Vec<u8> {
    Entry::from_bytes(bytes).to_bytes().to_vec()
}

/// The token that an entry hands out, and the life that it has left, in seconds.
#[must_use]
pub fn handed_out(bytes: &[u8], margin: i64, now: i64) -> Option<(String, Option<i64>)> {
    match Entry::from_bytes(bytes).decide(&Ask::default(), margin, now) {
        Decision::Hand(token) => Some((token.secret.expose().to_owned(), token.facts.left(now))),
        Decision::Try(_) | Decision::Fail(_) | Decision::Renew => None,
    }
}

/// What git's `store` and `erase` make of an entry.
#[must_use]
pub fn changed_entry(bytes: &[u8], password: &str, now: i64) -> Vec<u8> {
    let mut entry = Entry::from_bytes(bytes);
    let password = Secret::new(password.to_owned());
    entry.prove(&password);
    entry.evict(Some(&password), now);
    entry.evict(None, now);
    entry.refuse(&Failure::new(crate::tokens::error::Kind::Refused, "refused"), now);
    entry.to_bytes().to_vec()
}

/// Whether the cache entry of this key has a token to hand out at a time.
#[must_use]
pub fn has_cached_token(dir: &Path, key: &str, now: i64) -> bool {
    let read = Cache::open(dir).and_then(|cache| cache.read(key));
    let Ok(Some(stored)) = read else { return false };
    matches!(Entry::of(&stored).decide(&Ask::default(), 240, now), Decision::Hand(_))
}

/// A private key.
pub struct Key(Arc<PrivateKey>);

impl Key {
    /// Reads a PEM.
    ///
    /// # Errors
    /// The message with its hints.
    pub fn from_text(text: &str) -> Result<Self, String> {
        PrivateKey::from_bytes(text.as_bytes())
            .map(|key| Self(Arc::new(key)))
            .map_err(|failure| render(&failure.into()))
    }

    /// The length of an App JWT signed with it.
    #[must_use]
    pub fn sign(&self, issuer: &str, now: i64) -> usize {
        jwt::encode(issuer, now, &self.0).map_or(0, |jwt| jwt.expose().len())
    }
}
