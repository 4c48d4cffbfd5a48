//! Limits requests per minute: for each identity, and for each address with failed authentications. The time is a
//! parameter.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError, RwLock};

/// A minute, in milliseconds.
const WINDOW: u64 = 60_000;
/// Clients choose their addresses: above this number in a minute, all are forgotten.
const MOST: usize = 100_000;

/// The current minute of each key.
#[derive(Debug)]
pub struct Limiter<K> {
    limit: u32,
    windows: RwLock<HashMap<K, Mutex<Window>>>,
}

/// The limit is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// How long to wait.
    pub seconds: u64,
    /// Whether this is the first time in this minute.
    pub first: bool,
}

#[derive(Debug)]
struct Window {
    since: u64,
    count: u32,
    over: bool,
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    /// Allows this many requests per minute.
    pub fn new(limit: u32) -> Self {
        Self { limit, windows: RwLock::default() }
    }

    /// Counts a request at a time (in milliseconds from any fixed point).
    pub fn count(&self, key: &K, now: u64) -> Result<(), Over> {
        let windows = self.windows.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(window) = windows.get(key) {
            return window.lock().unwrap_or_else(PoisonError::into_inner).count(now, self.limit);
        }
        drop(windows);
        let mut windows = self.windows.write().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MOST {
            windows.clear();
        }
        let new = || Mutex::new(Window { since: now, count: 0, over: false });
        let window = windows.entry(key.clone()).or_insert_with(new);
        window.get_mut().unwrap_or_else(PoisonError::into_inner).count(now, self.limit)
    }

    /// Forgets keys whose minute has passed.
    pub fn forget(&self, now: u64) {
        let mut windows = self.windows.write().unwrap_or_else(PoisonError::into_inner);
        windows.retain(|_, window| !window.get_mut().unwrap_or_else(PoisonError::into_inner).is_over(now));
    }
}

impl Window {
    fn is_over(&self, now: u64) -> bool {
        now.saturating_sub(self.since) >= WINDOW
    }

    fn count(&mut self, now: u64, limit: u32) -> Result<(), Over> {
        if self.is_over(now) {
            *self = Self { since: now, count: 0, over: false };
        }
        if self.count >= limit {
            let first = !std::mem::replace(&mut self.over, true);
            return Err(Over { seconds: (self.since + WINDOW).saturating_sub(now).div_ceil(1000), first });
        }
        self.count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_minute_of_its_own() {
        let limiter = Limiter::new(600);
        for _ in 0..600 {
            assert_eq!(limiter.count(&"a", 1000), Ok(()));
        }
        assert_eq!(limiter.count(&"a", 1500), Err(Over { seconds: 60, first: true }));
        assert_eq!(limiter.count(&"a", 60_999), Err(Over { seconds: 1, first: false }));
        assert_eq!(limiter.count(&"b", 1500), Ok(()));
        assert_eq!(limiter.count(&"a", 61_000), Ok(()));
    }

    #[test]
    fn whose_minute_is_over_is_forgotten_and_there_are_never_too_many() {
        let limiter = Limiter::new(1);
        let count = |limiter: &Limiter<usize>| limiter.windows.read().unwrap().len();
        (0..100).for_each(|key| limiter.count(&key, key as u64 * 1000).unwrap());
        limiter.forget(100_000);
        assert_eq!(count(&limiter), 59);
        assert!(limiter.count(&99, 100_000).is_err(), "this minute still counts");
        for key in 0..2 * MOST {
            let _ = limiter.count(&key, 100_000);
        }
        assert!(count(&limiter) <= MOST);
    }
}
