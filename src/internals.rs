//! The pure core for benchmarks and fuzzing, behind the feature `internals`: bytes in, values out. No interface: it
//! changes with what it shows.

use std::path::Path;
use std::sync::Arc;

use crate::app_jwt;
use crate::cache::Cache;
use crate::private_key::PrivateKey;
use crate::protocol;
use crate::provider::Ask;
use crate::provider::entry::{Decision, Entry};

/// Whether the bytes are a request of git's.
#[must_use]
pub fn is_request(input: &[u8]) -> bool {
    protocol::parse(input).is_some()
}

/// Whether the cache entry of this key has a token to hand out at a time.
#[must_use]
pub fn has_cached_token(dir: &Path, key: &str, now: i64) -> bool {
    let read = Cache::open(dir).and_then(|cache| cache.read(key));
    let Ok(Some(bytes)) = read else { return false };
    matches!(Entry::from_bytes(&bytes).decide(&Ask::default(), 240, now), Decision::Hand(_))
}

/// A private key.
pub struct Key(Arc<PrivateKey>);

impl Key {
    /// Reads a PEM; `None`: this is no key.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        PrivateKey::from_text(text).ok().map(|key| Self(Arc::new(key)))
    }

    /// The length of an App JWT signed with it.
    #[must_use]
    pub fn sign(&self, issuer: &str, now: i64) -> usize {
        app_jwt::encode(issuer, now, &self.0).map_or(0, |jwt| jwt.expose().len())
    }
}
