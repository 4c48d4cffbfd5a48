//! At most so many requests a minute for each bearer. The time is a parameter.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};

/// Requests in a minute.
const LIMIT: u32 = 600;
/// A minute, in milliseconds.
const WINDOW: u64 = 60_000;

/// The current minute of each bearer.
#[derive(Debug, Default)]
pub struct Limiter(RwLock<HashMap<String, Mutex<Window>>>);

#[derive(Debug)]
struct Window {
    since: u64,
    count: u32,
}

impl Limiter {
    /// Counts a request at a time (milliseconds from any fixed point); the error is how many seconds to wait.
    pub fn count(&self, name: &str, now: u64) -> Result<(), u64> {
        let windows = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(window) = windows.get(name) {
            return window.lock().unwrap_or_else(PoisonError::into_inner).count(now);
        }
        drop(windows);
        let mut windows = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let window =
            windows.entry(name.to_owned()).or_insert_with(|| Mutex::new(Window { since: now, count: 0 }));
        window.get_mut().unwrap_or_else(PoisonError::into_inner).count(now)
    }

    /// Forgets bearers that are no longer there.
    pub fn keep(&self, known: impl Fn(&str) -> bool) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).retain(|name, _| known(name));
    }
}

impl Window {
    fn count(&mut self, now: u64) -> Result<(), u64> {
        if now.saturating_sub(self.since) >= WINDOW {
            *self = Self { since: now, count: 0 };
        }
        if self.count >= LIMIT {
            return Err((self.since + WINDOW).saturating_sub(now).div_ceil(1000));
        }
        self.count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bearer_has_its_own_minute() {
        let limiter = Limiter::default();
        for _ in 0..LIMIT {
            assert_eq!(limiter.count("a", 1000), Ok(()));
        }
        assert_eq!(limiter.count("a", 1500), Err(60));
        assert_eq!(limiter.count("a", 60_999), Err(1));
        assert_eq!(limiter.count("b", 1500), Ok(()));
        assert_eq!(limiter.count("a", 61_000), Ok(()));
    }
}
