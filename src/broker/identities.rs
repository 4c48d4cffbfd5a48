//! Authentication: the one place where a bearer or an OIDC token becomes an identity. A known one costs one hash and
//! one look-up.

use std::sync::Arc;
use std::time::Instant;

use crate::broker::bearer_file::BearerFile;
use crate::broker::bearers::{self, Hash};
use crate::broker::identity::Identity;
use crate::broker::oidc::presented::Invalid;
use crate::broker::trust_file::{Trust, TrustFile};
use crate::platform::clock::Moment;

/// All sources of identities.
pub struct Identities {
    /// The bearer file.
    pub bearers: Option<BearerFile>,
    /// The trust file.
    pub trust: Option<TrustFile>,
}

/// The outcome of authentication.
pub enum Identified {
    /// A known identity.
    Known(Arc<Identity>),
    /// A valid token that no rule matches.
    NoRule,
    /// Not authenticated; for an OIDC token, with the reason.
    Unknown(Option<Invalid>),
}

impl Identities {
    /// The number of identities, in words.
    pub fn in_words(&self, now: Moment) -> String {
        let bearers = self.bearers.as_ref().map(|file| file.current(now.steady).in_words());
        let trust = self.trust.as_ref().map(|file| file.current(now.steady).in_words());
        bearers.into_iter().chain(trust).collect::<Vec<_>>().join(", ")
    }

    /// Authenticates a credential. If it is not a bearer but has the form of a JWT, it is verified, which may wait for
    /// the issuer's keys.
    pub async fn identify(&self, presented: &[u8], now: Moment) -> Identified {
        let hash = bearers::hash(presented);
        if let Some(identity) = self.bearer(&hash, now) {
            return Identified::Known(identity);
        }
        let Some(trust) = self.trust.as_ref().map(|file| file.current(now.steady)) else {
            return Identified::Unknown(None);
        };
        match trust.known(&hash, now) {
            Some(Some(identity)) => Identified::Known(identity),
            Some(None) => Identified::NoRule,
            None if presented.split(|byte| *byte == b'.').count() != 3 => Identified::Unknown(None),
            // Boxed, so that other requests do not carry its size.
            None => Box::pin(verify(&trust, presented, hash, now)).await,
        }
    }

    fn bearer(&self, hash: &Hash, now: Moment) -> Option<Arc<Identity>> {
        self.bearers.as_ref()?.current(now.steady).find(hash).cloned()
    }

    /// The age of each issuer's keys, in seconds.
    pub fn key_ages(&self, now: Instant) -> Vec<(String, Option<u64>)> {
        let Some(trust) = self.trust.as_ref().map(|file| file.current(now)) else { return Vec::new() };
        trust.ages(now).map(|(name, age)| (name.to_owned(), age.map(|age| age.as_secs()))).collect()
    }

    /// Reads the files now, whether or not they have changed.
    pub fn read_again(&self) {
        self.bearers.iter().for_each(BearerFile::read_again);
        self.trust.iter().for_each(TrustFile::read_again);
    }

    /// Notices changed files without a request, and maintains the keys.
    pub fn maintain(&self, now: Moment) {
        if let Some(file) = &self.bearers {
            file.current(now.steady);
        }
        if let Some(file) = &self.trust {
            file.current(now.steady).maintain(now);
        }
    }
}

async fn verify(trust: &Trust, presented: &[u8], hash: Hash, now: Moment) -> Identified {
    match trust.verify(presented, hash, now).await {
        Ok(Some(identity)) => Identified::Known(identity),
        Ok(None) => Identified::NoRule,
        Err(invalid) => Identified::Unknown(Some(invalid)),
    }
}
