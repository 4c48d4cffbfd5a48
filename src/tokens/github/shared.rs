//! What mints of one App share: its key, its JWT while that is valid, GitHub's clock, and looked-up installations. Each
//! command has its own; `serve` keeps one until it stops.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use crate::platform::clock::{self, Deadline, Moment};
use crate::tokens::cache::store::in_memory::InMemory;
use crate::tokens::config::AppConfig;
use crate::tokens::github::jwt;
use crate::tokens::github::signer::KeyHandle;
use crate::tokens::notes::Notes;
use crate::tokens::secret::Secret;

/// A JWT is replaced this many seconds before it expires, as a call takes time.
const JWT_RESERVE: i64 = 60;

/// Shared by mints of one App.
#[derive(Default)]
pub struct Session {
    state: Mutex<Signing>,
    /// What was looked up.
    pub installations: Arc<InMemory>,
}

#[derive(Default)]
struct Signing {
    key: Option<KeyHandle>,
    /// GitHub does not know the key: it is read again before it is used again.
    suspect: bool,
    jwt: Option<Jwt>,
    /// What GitHub's clock is ahead of ours, in seconds, once it has complained.
    offset: i64,
}

struct Jwt {
    text: Secret,
    made: Moment,
}

impl Jwt {
    /// Whether it is younger than that by either clock: by one that was set back it would be younger than it is.
    fn is_younger(&self, limit: i64, now: Moment) -> bool {
        let steady = now.steady.saturating_duration_since(self.made.steady).as_secs();
        (0..limit).contains(&(now.wall - self.made.wall))
            && i64::try_from(steady).is_ok_and(|age| age < limit)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere has been reported; what is in here is whole in any case.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// The App JWT, made again only shortly before it expires.
    ///
    /// # Errors
    /// The key cannot be read, or does not sign.
    pub fn jwt(&self, app: &AppConfig, deadline: Deadline, notes: Notes) -> Result<Secret> {
        let now = clock::moment();
        let mut state = lock(&self.state);
        if let Some(jwt) = state.jwt.as_ref().filter(|jwt| jwt.is_younger(jwt::LIFE - JWT_RESERVE, now)) {
            return Ok(jwt.text.clone());
        }
        let key = match &state.key {
            Some(key) if !state.suspect => key.clone(),
            _ => KeyHandle::load(&app.key, deadline, notes)?,
        };
        state.suspect = false;
        let signer = key.signer(deadline);
        let text = jwt::encode(&app.issuer, now.wall + state.offset, signer.as_ref())?;
        state.key = Some(key);
        state.jwt = Some(Jwt { text: text.clone(), made: now });
        Ok(text)
    }

    /// Takes over what GitHub's clock is ahead; false if that is known already, so that another try would be the same.
    pub fn repair_clock(&self, offset: i64) -> bool {
        let mut state = lock(&self.state);
        if (state.offset - offset).abs() <= 1 && state.offset != 0 {
            return false;
        }
        state.offset = offset;
        state.jwt = None;
        true
    }

    /// GitHub does not know the key: it may have been replaced where it is kept.
    pub fn suspect_key(&self) {
        let mut state = lock(&self.state);
        state.jwt = None;
        state.suspect = true;
    }

    /// The fingerprint of the key in use, where it is at hand.
    pub fn fingerprint(&self) -> Option<String> {
        lock(&self.state).key.as_ref()?.fingerprint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_jwt_is_as_old_as_the_clock_says_that_makes_it_older() {
        let made = clock::moment();
        let jwt = Jwt { text: Secret::new("jwt".into()), made };
        for (wall, steady, younger) in [
            (0, 0, true),
            (479, 479, true),
            (480, 0, false),
            (0, 480, false),
            (-1, 5, false),
            // A clock that was set back after eight minutes, by as much.
            (10, 490, false),
        ] {
            let steady = made.steady + Duration::from_secs(steady);
            let now = Moment { wall: made.wall + wall, steady };
            assert_eq!(jwt.is_younger(480, now), younger, "{wall} {steady:?}");
        }
    }
}
