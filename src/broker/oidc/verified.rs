//! Verified tokens, by their hash, until they expire, so that repeated requests cost no signature check. The whole
//! decision is remembered.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::broker::identity::Identity;

/// More than a fleet has at a time; above this, those that expire first are forgotten.
const MOST: usize = 100_000;
/// The fraction of all that is forgotten at once when there is no more room: each search looks at all.
const BATCH: usize = 16;

/// SHA-256 of a token.
pub type TokenHash = [u8; 32];

/// The identity of a token; `None`: no rule matches, which lasts as long.
pub type Decided = Option<Arc<Identity>>;

/// Verified tokens.
#[derive(Debug, Default)]
pub struct Verified(RwLock<HashMap<TokenHash, (Decided, i64)>>);

impl Verified {
    /// The decision about a token, if it still holds.
    pub fn get(&self, hash: &TokenHash, now: i64) -> Option<Decided> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(hash).filter(|(_, until)| *until > now).map(|(decided, _)| decided.clone())
    }

    /// Remembers a decision until a time.
    pub fn put(&self, hash: TokenHash, decided: Decided, until: i64) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            let mut ends: Vec<i64> = known.values().map(|(_, until)| *until).collect();
            let (_, end, _) = ends.select_nth_unstable(MOST / BATCH);
            let end = *end;
            known.retain(|_, (_, until)| *until > end);
            // If all expire together, there is no better choice.
            if known.len() >= MOST {
                known.clear();
            }
        }
        known.insert(hash, (decided, until));
    }

    /// Forgets expired tokens.
    pub fn forget(&self, now: i64) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).retain(|_, (_, until)| *until > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_not_known_and_there_is_always_room() {
        let verified = Verified::default();
        let hash = |number: usize| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_le_bytes());
            hash
        };
        verified.put(hash(0), None, 100);
        assert_eq!(verified.get(&hash(0), 99), Some(None));
        assert_eq!(verified.get(&hash(0), 100), None);
        assert_eq!(verified.get(&hash(1), 99), None);
        for number in 0..2 * MOST {
            verified.put(hash(number), None, i64::try_from(number).unwrap());
        }
        assert!(verified.0.read().unwrap().len() <= MOST);
        assert_eq!(verified.get(&hash(2 * MOST - 1), 0), Some(None), "the one that lives longest");
        verified.forget(i64::MAX);
        for number in 0..=MOST {
            verified.put(hash(number), None, 100);
        }
        assert_eq!(verified.get(&hash(MOST), 0), Some(None), "the newest, where all end together");
    }
}
