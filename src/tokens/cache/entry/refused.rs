//! What an entry keeps about refusals and reports: the evicted tokens, the failures in a row, and until when not to ask.

use crate::tokens::cache::entry::{Entry, RememberedRefusal};
use crate::tokens::cache::lifetimes::{self, PAUSE, STRIKES};
use crate::tokens::error::Failure;
use crate::tokens::secret::Secret;
use crate::tokens::token;

/// How many evicted tokens are remembered.
const MAX_EVICTED: usize = 8;

impl Entry {
    /// Remembers a refusal for its time.
    pub fn refuse(&mut self, failure: &Failure, now: i64) {
        let Some(seconds) = lifetimes::of_refusal(failure.kind) else { return };
        let since = failure.since.unwrap_or(now);
        self.refusal = Some(RememberedRefusal { failure: failure.clone(), since, until: since + seconds });
    }

    /// A token worked: fresh ones may be minted again. Whether anything but the mark changed.
    pub fn prove(&mut self, password: &Secret) -> bool {
        let id = token::id(password.expose().as_bytes());
        let issued = self.issued.as_ref() == Some(&id);
        if issued {
            self.reports.clear();
        }
        let known = issued || self.evicted.contains(&id);
        if !known || (self.proven && self.strikes == 0 && !self.evicted.contains(&id)) {
            return false;
        }
        self.proven = true;
        self.strikes = 0;
        self.paused_until = 0;
        self.evicted.retain(|evicted| *evicted != id);
        true
    }

    /// git says that a password was refused; without one, that the credential should go. Whether anything changed.
    pub fn evict(&mut self, password: Option<&Secret>, now: i64) -> bool {
        let Some(password) = password else {
            return self.drop_token();
        };
        let id = token::id(password.expose().as_bytes());
        let cached = self.token.as_ref().is_some_and(|kept| password.matches(kept.text.0.as_bytes()));
        self.evict_id(&id, cached, now)
    }

    /// git's `state[]` names a token that was refused.
    pub fn evict_refused(&mut self, id: &str, now: i64) -> bool {
        if self.evicted.iter().any(|evicted| evicted == id) {
            return false;
        }
        let dropped = self.drop_token();
        self.evict_id(id, false, now) || dropped
    }

    /// The user has revoked a token, or wants it out of the cache: not a failure. Whether anything changed.
    pub fn withdraw(&mut self, id: &str) -> bool {
        if self.token.as_ref().is_none_or(|kept| token::id(kept.text.0.as_bytes()) != id) {
            return false;
        }
        self.issued = None;
        self.drop_token()
    }

    fn evict_id(&mut self, id: &str, cached: bool, now: i64) -> bool {
        let fresh = self.issued.as_deref() == Some(id);
        if cached {
            self.drop_token();
        }
        if fresh {
            self.issued = None;
            if !self.proven {
                self.strike(now);
            }
            self.remember(id.to_owned());
        }
        cached || fresh
    }

    pub(crate) fn drop_token(&mut self) -> bool {
        let Some(kept) = self.token.take() else { return false };
        self.reports.clear();
        self.remember(token::id(kept.text.0.as_bytes()));
        true
    }

    fn remember(&mut self, id: String) {
        if !self.evicted.contains(&id) {
            self.evicted.push(id);
            let surplus = self.evicted.len().saturating_sub(MAX_EVICTED);
            self.evicted.drain(..surplus);
        }
    }

    fn strike(&mut self, now: i64) {
        self.strikes = STRIKES.min(self.strikes + 1);
        if self.strikes >= STRIKES {
            self.paused_until = now + PAUSE;
        }
    }
}
