//! What mints of one App share: its key, its JWT while that lives, GitHub's clock, and looked-up installations. One
//! command has one of its own; `serve` has one for all its life.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use super::memory::Remembered;
use super::signer::Keeper;
use crate::app_jwt;
use crate::clock::{self, Deadline};
use crate::report::Report;
use crate::secret::Secret;
use crate::settings::AppSettings;

/// A JWT is used for so many seconds less than it lives: a call may be on its way for a while.
const JWT_RESERVE: i64 = 60;

/// Before memory grows without end, all is looked up anew.
const MOST_INSTALLATIONS: usize = 10_000;

/// Shared by mints of one App.
#[derive(Default)]
pub struct Session {
    state: Mutex<State>,
    installations: Mutex<HashMap<String, Remembered>>,
}

#[derive(Default)]
struct State {
    keeper: Option<Keeper>,
    /// GitHub does not know the key: it is read anew before it is used again.
    suspect: bool,
    jwt: Option<Jwt>,
    /// What GitHub's clock is ahead of ours, in seconds, once it has complained.
    offset: i64,
}

struct Jwt {
    text: Secret,
    /// By the local clock.
    made: i64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere has been reported; what is in here is whole in any case.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// The App JWT, made anew only shortly before it dies.
    ///
    /// # Errors
    /// The key cannot be read, or does not sign.
    pub fn jwt(&self, app: &AppSettings, deadline: Deadline, report: Report) -> Result<Secret> {
        let now = clock::now();
        let mut state = lock(&self.state);
        if let Some(Jwt { text, made }) = &state.jwt
            && (0..app_jwt::LIFE - JWT_RESERVE).contains(&(now - made))
        {
            return Ok(text.clone());
        }
        let keeper = match &state.keeper {
            Some(keeper) if !state.suspect => keeper.clone(),
            _ => Keeper::load(&app.key, deadline, report)?,
        };
        state.suspect = false;
        let signer = keeper.signer(deadline);
        let text = app_jwt::encode(&app.issuer, now + state.offset, signer.as_ref())?;
        state.keeper = Some(keeper);
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
        lock(&self.state).keeper.as_ref()?.fingerprint()
    }

    /// What was looked up under a key.
    pub fn recall(&self, key: &str) -> Option<Remembered> {
        lock(&self.installations).get(key).cloned()
    }

    /// Remembers what was looked up.
    pub fn remember(&self, key: &str, found: Remembered) {
        let mut known = lock(&self.installations);
        if known.len() >= MOST_INSTALLATIONS {
            known.clear();
        }
        known.insert(key.to_owned(), found);
    }

    /// Forgets what was looked up.
    pub fn forget(&self, key: &str) {
        lock(&self.installations).remove(key);
    }
}
