//! The scopes in memory: for each its token, and the state of getting another. Room is limited; the identity that uses
//! most loses its least recently used scopes first, so one with many scopes costs the others nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::broker::ready::{Outcome, Ready};
use crate::broker::turns::Who;
use crate::platform::clock::Moment;
use crate::tokens::cache::policy::{self, Kept, Rules};
use crate::tokens::error::{Failure, Kind};
use crate::tokens::scope::Scope;

/// The fraction of all that is forgotten at once when there is no more room.
const BATCH: usize = 64;

/// One scope.
pub struct Slot {
    /// The scope.
    pub scope: Arc<Scope>,
    /// The identity: nobody else ever gets its token.
    pub who: Who,
    token: RwLock<Option<Current>>,
    /// Milliseconds since the pool's start.
    used: AtomicU64,
    job: Mutex<Job>,
}

/// A token and its age.
#[derive(Clone)]
pub struct Current {
    /// The token.
    pub token: Arc<Ready>,
    /// When it was minted.
    pub since: Instant,
}

/// The state of getting a token.
#[derive(Default)]
pub struct Job {
    /// It is being minted.
    pub minting: bool,
    /// It is in the queue.
    pub queued: bool,
    /// It is renewed in the background.
    pub background: bool,
    /// The askers that wait for the outcome.
    pub waiters: Vec<oneshot::Sender<Outcome>>,
    /// The last mint failed.
    pub failed: Option<(Failure, Instant)>,
}

impl Current {
    /// A token minted now.
    pub fn new(token: Arc<Ready>, now: Moment) -> Self {
        Self { token, since: now.steady }
    }

    /// Seconds until it expires.
    pub fn left(&self, now: Moment) -> i64 {
        self.token.token.left(now).unwrap_or(0)
    }
}

impl Slot {
    fn new(scope: &Scope, who: &Who) -> Self {
        Self {
            scope: Arc::new(scope.clone()),
            who: who.clone(),
            token: RwLock::default(),
            used: AtomicU64::default(),
            job: Mutex::default(),
        }
    }

    /// The token, if it is still valid.
    pub fn current(&self, now: Moment) -> Option<Current> {
        let current = self.token.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        (current.left(now) > 0).then_some(current)
    }

    /// Stores a new token, or forgets it.
    pub fn set(&self, current: Option<Current>) {
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = current;
    }

    /// Forgets a token, unless another one has replaced it.
    pub fn forget(&self, token: &Arc<Ready>) {
        let mut current = self.token.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(&current.token, token)) {
            *current = None;
        }
    }

    /// Notes a request, in milliseconds after the pool's start.
    pub fn touch(&self, millis: u64) {
        self.used.store(millis, Ordering::Relaxed);
    }

    /// The last request, in milliseconds after the pool's start.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// What is going on.
    pub fn job(&self) -> MutexGuard<'_, Job> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last mint's failure, and its age in seconds.
    pub fn failure(&self, now: Instant) -> Option<(Failure, i64)> {
        let job = self.job();
        let (failure, at) = job.failed.as_ref()?;
        Some((failure.clone(), seconds(now.saturating_duration_since(*at))))
    }

    /// A permanent failure, for as long as it is remembered.
    pub fn refused(&self, now: Instant, rules: Rules) -> Option<Failure> {
        let (failure, ago) = self.failure(now)?;
        policy::is_remembered(failure.kind, ago, rules).then_some(failure)
    }

    fn is_busy(&self) -> bool {
        let job = self.job();
        job.minting || job.queued
    }
}

/// A slot with a token, as the policy sees it.
pub struct SlotView<'a> {
    /// The slot.
    pub slot: &'a Slot,
    /// Its token.
    pub current: &'a Current,
    /// Whether another token is asked for.
    pub unwanted: bool,
    /// The time.
    pub now: Moment,
}

impl Kept for SlotView<'_> {
    fn left(&self) -> Option<i64> {
        Some(self.current.left(self.now))
    }

    fn age(&self) -> i64 {
        seconds(self.now.steady.saturating_duration_since(self.current.since))
    }

    fn is_unwanted(&self) -> bool {
        self.unwanted
    }

    fn is_overdue(&self) -> bool {
        // The broker's clients verify tokens if needed.
        false
    }

    fn failure(&self) -> Option<(Kind, i64)> {
        let (failure, ago) = self.slot.failure(self.now.steady)?;
        Some((failure.kind, ago))
    }

    fn pause(&self) -> i64 {
        // Rate limits apply to an installation, not to one token: the pool knows them.
        0
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// All scopes.
pub struct Slots {
    most: usize,
    most_bytes: usize,
    all: HashMap<Who, Own>,
    count: usize,
    bytes: usize,
}

/// The scopes of one identity.
#[derive(Default)]
struct Own {
    slots: HashMap<Arc<Scope>, Arc<Slot>>,
    bytes: usize,
}

/// About the memory that a scope takes.
fn weight(scope: &Scope) -> usize {
    const TEXT: usize = 56;
    let owner = scope.owner.as_ref().map_or(0, String::len);
    let repositories: usize = scope.repositories.iter().map(|name| TEXT + name.len()).sum();
    let permissions: usize = scope.permissions.keys().map(|name| 2 * TEXT + name.len()).sum();
    size_of::<Slot>() + size_of::<Scope>() + owner + repositories + permissions
}

impl Slots {
    /// With room for this many scopes and bytes.
    pub fn new(most: usize, most_bytes: usize) -> Self {
        Self { most, most_bytes, all: HashMap::new(), count: 0, bytes: 0 }
    }

    /// The slot of an identity's scope.
    pub fn get(&self, who: &Who, scope: &Scope) -> Option<&Arc<Slot>> {
        self.all.get(who)?.slots.get(scope)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.all.values().flat_map(|own| own.slots.values())
    }

    /// The slot of an identity's scope, or a new one. `None`: there is no room, as nothing is idle and the asker uses
    /// most of it.
    pub fn get_or_add(&mut self, who: &Who, scope: &Scope) -> Option<Arc<Slot>> {
        if let Some(slot) = self.get(who, scope) {
            return Some(Arc::clone(slot));
        }
        let weight = weight(scope);
        if self.is_full() {
            self.make_room();
        }
        let own = self.all.get(who).map_or(0, |own| own.bytes);
        if self.is_full() && own + weight > self.bytes / self.all.len().max(1) {
            return None;
        }
        let slot = Arc::new(Slot::new(scope, who));
        let own = self.all.entry(who.clone()).or_default();
        own.slots.insert(Arc::clone(&slot.scope), Arc::clone(&slot));
        own.bytes += weight;
        self.bytes += weight;
        self.count += 1;
        Some(slot)
    }

    fn is_full(&self) -> bool {
        self.count >= self.most || self.bytes >= self.most_bytes
    }

    /// Forgets the least recently used slots of the identity that uses most. Several at once, as each search looks at
    /// all.
    fn make_room(&mut self) {
        let share = |slot: &Slot| self.all.get(&slot.who).map_or(0, |own| own.bytes);
        let mut idle: Vec<_> = self.iter().filter(|slot| !slot.is_busy()).cloned().collect();
        idle.sort_unstable_by_key(|slot| (std::cmp::Reverse(share(slot)), slot.used()));
        idle.truncate((self.count / BATCH).max(1));
        for slot in idle {
            self.remove(&slot);
        }
    }

    /// Forgets a slot.
    pub fn remove(&mut self, slot: &Slot) {
        let Some(own) = self.all.get_mut(&slot.who) else { return };
        if own.slots.remove(&slot.scope).is_none() {
            return;
        }
        let weight = weight(&slot.scope);
        own.bytes -= weight;
        self.bytes -= weight;
        self.count -= 1;
        if own.slots.is_empty() {
            self.all.remove(&slot.who);
        }
    }

    /// Forgets slots that are not worth keeping, except those in progress.
    pub fn keep(&mut self, is_worth: impl Fn(&Slot) -> bool) {
        let gone: Vec<_> = self.iter().filter(|slot| !slot.is_busy() && !is_worth(slot)).cloned().collect();
        for slot in gone {
            self.remove(&slot);
        }
    }

    /// Forgets all tokens and refusals, but not the waiting askers.
    pub fn forget_tokens(&mut self) {
        for slot in self.iter() {
            slot.set(None);
            slot.job().failed = None;
        }
        self.keep(|_| false);
    }

    /// The number of slots.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests;
