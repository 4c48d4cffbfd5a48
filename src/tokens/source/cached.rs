//! A cache around any provider. All processes of a user share it: one asks the provider while the others wait.
//!
//! A cache that cannot be used costs a warning, never a push.

use std::cell::{Cell, OnceCell};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::platform::clock::{self, Deadline, span};
use crate::platform::lock;
use crate::tokens::ask::{Ask, TokenProvider};
use crate::tokens::cache::disk::{Cache, Lock, Stored};
use crate::tokens::cache::entry::{Decision, Entry, Label};
use crate::tokens::error::{Failure, Kind, MORE_TIME};
use crate::tokens::github::probe;
use crate::tokens::http::Client;
use crate::tokens::notes::Notes;
use crate::tokens::secret::Secret;
use crate::tokens::token::Token;

/// How long to wait for another process to try a token: a token that may be revoked is better than none.
const TRIAL: Duration = Duration::from_secs(10);

/// The cache for one key.
pub struct Cached<'a> {
    /// Asked on a miss.
    inner: Box<dyn TokenProvider + 'a>,
    /// Tries tokens that no client has reported on.
    client: Client<'a>,
    /// `None`: nothing is kept.
    dir: Option<PathBuf>,
    /// Names the entry: see [`crate::tokens::cache::key`].
    key: String,
    label: Label,
    /// A token with less life left is renewed.
    margin: Duration,
    /// Bounds the wait for the lock.
    deadline: Deadline,
    /// Says what is done.
    notes: Notes,
    cache: OnceCell<Option<Cache>>,
    warned: Cell<bool>,
}

/// Where to keep a token, under which name, and the limits.
pub struct Keeping {
    /// `None`: nothing is kept.
    pub dir: Option<PathBuf>,
    /// Names the entry.
    pub key: String,
    /// Says what the entry is for.
    pub label: Label,
    /// A token with less life left is renewed.
    pub margin: Duration,
}

impl<'a> Cached<'a> {
    /// Wraps a provider.
    pub fn new(
        inner: Box<dyn TokenProvider + 'a>,
        client: Client<'a>,
        keeping: Keeping,
        notes: Notes,
    ) -> Self {
        let Keeping { dir, key, label, margin } = keeping;
        Self {
            inner,
            deadline: client.deadline,
            client,
            dir,
            key,
            label,
            margin,
            notes,
            cache: OnceCell::new(),
            warned: Cell::new(false),
        }
    }

    /// git says that a password works.
    pub fn prove(&self, password: &Secret) {
        self.change(|entry| entry.prove(password));
    }

    /// git says that a password was refused or, without one, that the credential is to be removed.
    pub fn evict(&self, password: Option<&Secret>) {
        self.change(|entry| entry.evict(password, clock::now()));
    }

    /// Changes the entry if there is anything to change; takes the lock only then.
    fn change(&self, change: impl Fn(&mut Entry) -> bool) {
        let Some(cache) = self.cache() else { return };
        let (mut entry, stored) = self.read(cache);
        if !change(&mut entry) {
            return set_mark(stored.as_ref(), &entry);
        }
        let lock = match cache.lock(&self.key, self.deadline) {
            Ok(lock) => lock,
            Err(error) => return self.warn("change", &error),
        };
        let (mut entry, _) = self.read(cache);
        if change(&mut entry) {
            self.write(&lock, &entry);
        }
    }

    fn renew(&self, cache: &Cache, lock: &Lock, ask: &Ask) -> Result<Token> {
        let (mut entry, stored) = self.read(cache);
        let evicted = match entry.decide(ask, self.margin_seconds(), clock::now()) {
            Decision::Hand(token) => return Ok(self.hand_out(token, entry, stored.as_ref(), ask)),
            Decision::Fail(failure) => return Err(failure.into()),
            Decision::Try(token) => {
                let repository = ask.repository.as_ref();
                let revoked = probe::is_revoked(&self.client, &self.label, repository, &token.secret);
                entry.tried(revoked, clock::now());
                if !revoked {
                    entry.hand_out(clock::now());
                    self.write(lock, &entry);
                    // Where that failed, the mark at least bounds the trials.
                    return Ok(self.hand_out(token, entry, stored.as_ref(), ask));
                }
                self.notes.note(|| "the cached token was revoked".into());
                true
            }
            Decision::Renew => ask.refused.as_ref().is_some_and(|id| entry.evict_refused(id, clock::now())),
        };
        if evicted {
            // Written before asking: a process that is killed now must not leave the refused token behind.
            self.write(lock, &entry);
            if let Decision::Fail(failure) = entry.decide(ask, self.margin_seconds(), clock::now()) {
                return Err(failure.into());
            }
        }
        self.fetch(lock, entry, ask)
    }

    /// Asks the provider, and keeps what it says.
    fn fetch(&self, lock: &Lock, mut entry: Entry, ask: &Ask) -> Result<Token> {
        let outcome = self.inner.token(&Ask { new: ask.new || entry.needs_new(), ..ask.clone() });
        match &outcome {
            Ok(token) => {
                entry.keep(token, &self.label, clock::now());
                if ask.unreported {
                    entry.hand_out(clock::now());
                }
            }
            Err(error) => {
                let failure = Failure::of(error);
                if failure.kind == Kind::Temporary {
                    return self.fall_back(&entry, ask, outcome);
                }
                // The contexts around a failure are part of its message when it is remembered.
                entry.refuse(&Failure { message: format!("{error:#}"), ..failure }, clock::now());
            }
        }
        self.write(lock, &entry);
        outcome
    }

    /// Hands out a cached token, and marks that its client may never report on it.
    fn hand_out(&self, token: Token, mut entry: Entry, stored: Option<&Stored>, ask: &Ask) -> Token {
        self.notes.note(|| {
            format!("token from the cache, {} left", span(token.facts.left(clock::now()).unwrap_or(0)))
        });
        if ask.unreported {
            entry.hand_out(clock::now());
            set_mark(stored, &entry);
        }
        token
    }

    /// A token inside the margin is better than none while renewal fails.
    fn fall_back(&self, entry: &Entry, ask: &Ask, outcome: Result<Token>) -> Result<Token> {
        // A token that git has just seen refused is not a fallback.
        let valid = entry.valid(clock::now()).filter(|token| ask.refused.as_ref() != Some(&token.id()));
        match (outcome, valid) {
            (Err(error), Some(token)) => {
                let left = token.facts.left(clock::now()).unwrap_or(0);
                self.notes.note(|| {
                    format!(
                        "warning: renewal failed ({error:#}); handing out the cached token, {} left",
                        span(left)
                    )
                });
                Ok(token)
            }
            (outcome, _) => outcome,
        }
    }

    fn cache(&self) -> Option<&Cache> {
        let open = || {
            let dir = self.dir.as_deref()?;
            Cache::open(dir).map_err(|error| self.warn("use", &error)).ok()
        };
        self.cache.get_or_init(open).as_ref()
    }

    /// The entry, or an empty one, and its file.
    fn read(&self, cache: &Cache) -> (Entry, Option<Stored>) {
        match cache.read(&self.key) {
            Ok(Some(stored)) => (Entry::of(&stored), Some(stored)),
            Ok(None) => (Entry::default(), None),
            Err(error) => {
                self.warn("read an entry of", &error);
                (Entry::default(), None)
            }
        }
    }

    fn write(&self, lock: &Lock, entry: &Entry) {
        if let Err(error) = lock.write(&entry.to_bytes(), entry.mark()) {
            self.warn("write to", &error);
            if !entry.has_token() {
                // What is still on the disk was evicted: better no entry than a revoked token.
                let _ = lock.remove();
            }
        }
    }

    fn warn(&self, what: &str, error: &io::Error) {
        let dir = self.dir.as_deref().map(|dir| dir.display().to_string()).unwrap_or_default();
        if !self.warned.replace(true) {
            self.notes.warn(&format!("cannot {what} the cache {dir}: {error}; continuing without it"));
        }
    }

    fn margin_seconds(&self) -> i64 {
        i64::try_from(self.margin.as_secs()).unwrap_or(i64::MAX)
    }
}

/// Brings an entry's mark on the disk up to date. A file system that refuses leaves things as they are.
fn set_mark(stored: Option<&Stored>, entry: &Entry) {
    if let Some(stored) = stored.filter(|stored| stored.mark != Some(entry.mark())) {
        let _ = stored.set_mark(entry.mark());
    }
}

impl TokenProvider for Cached<'_> {
    fn token(&self, ask: &Ask) -> Result<Token> {
        let Some(cache) = self.cache() else { return self.inner.token(ask) };
        let trial = self.deadline.at_most(TRIAL);
        loop {
            let (entry, stored) = self.read(cache);
            let untried = match entry.decide(ask, self.margin_seconds(), clock::now()) {
                Decision::Hand(token) => return Ok(self.hand_out(token, entry, stored.as_ref(), ask)),
                Decision::Fail(failure) => return Err(failure.into()),
                Decision::Try(token) => Some(token),
                Decision::Renew => None,
            };
            match (cache.try_lock(&self.key), untried) {
                (Ok(Some(lock)), _) => return self.renew(cache, &lock, ask),
                (Ok(None), Some(_)) if lock::look_again(trial) => {}
                (_, Some(token)) => return Ok(self.hand_out(token, entry, stored.as_ref(), ask)),
                (Ok(None), None) if lock::look_again(self.deadline) => {}
                (Ok(None), None) => {
                    let failure = Failure::new(
                        Kind::Temporary,
                        "timed out waiting for another process to renew this token",
                    )
                    .hint(MORE_TIME);
                    return self.fall_back(&entry, ask, Err(failure.into()));
                }
                (Err(error), None) => {
                    self.warn("lock an entry of", &error);
                    return self.inner.token(ask);
                }
            }
        }
    }
}
