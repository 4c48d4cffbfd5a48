//! Who asks: the one place where a bearer or an OIDC token becomes an identity. What is known already costs one hash and one
//! look-up.

use std::sync::Arc;
use std::time::Instant;

use crate::broker::bearer_file::BearerFile;
use crate::broker::bearers::{self, Hash};
use crate::broker::identity::Identity;
use crate::broker::oidc::presented::Invalid;
use crate::broker::trust_file::{Trust, TrustFile};
use crate::platform::clock::Moment;

/// All who are known, or can prove who they are.
pub struct Identities {
    /// By bearers.
    pub bearers: Option<BearerFile>,
    /// By OIDC tokens.
    pub trust: Option<TrustFile>,
}

/// Whose request it is.
pub enum Identified {
    /// Somebody's.
    Known(Arc<Identity>),
    /// The token is valid, and no rule is for it.
    NoRule,
    /// Nobody's; why, where it is an OIDC token.
    Unknown(Option<Invalid>),
}

impl Identities {
    /// How many there are, in words.
    pub fn in_words(&self, now: Moment) -> String {
        let bearers = self.bearers.as_ref().map(|file| file.current(now.steady).in_words());
        let trust = self.trust.as_ref().map(|file| file.current(now.steady).in_words());
        bearers.into_iter().chain(trust).collect::<Vec<_>>().join(", ")
    }

    /// Whose this is. What is no bearer, and has the form of a JWT, is verified, which may wait for the issuer's keys.
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
            // Boxed, so that a request that needs none of it carries no room for it.
            None => Box::pin(verify(&trust, presented, hash, now)).await,
        }
    }

    fn bearer(&self, hash: &Hash, now: Moment) -> Option<Arc<Identity>> {
        self.bearers.as_ref()?.current(now.steady).find(hash).cloned()
    }

    /// How old the keys of each issuer are, in seconds.
    pub fn key_ages(&self, now: Instant) -> Vec<(String, Option<u64>)> {
        let Some(trust) = self.trust.as_ref().map(|file| file.current(now)) else { return Vec::new() };
        trust.ages(now).map(|(name, age)| (name.to_owned(), age.map(|age| age.as_secs()))).collect()
    }

    /// Reads the files now, whether they seem changed or not.
    pub fn read_again(&self) {
        self.bearers.iter().for_each(BearerFile::read_again);
        self.trust.iter().for_each(TrustFile::read_again);
    }

    /// Notes changes that no request has brought up, and looks after keys.
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
