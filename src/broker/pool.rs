//! Tokens in memory, one for each identity and scope: minted once for all who ask, renewed before they expire, and
//! served while they are valid even if GitHub fails. `turns` decides what is minted next, `slots` what is kept.
//!
//! The threads that mint exist from the start, so that no request depends on a new one.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use crate::broker::limits::Limits;
use crate::broker::log::Log;
use crate::broker::metrics::Gauges;
use crate::broker::query::Freshness;
use crate::broker::ready::Ready;
use crate::broker::slots::{Current, Slot, SlotView, Slots};
use crate::broker::turns::{Turns, Who};
use crate::platform::clock::Moment;
use crate::platform::threads;
use crate::tokens::cache::policy::{self, Rules, Verdict};
use crate::tokens::error::{Failure, Kind};
use crate::tokens::scope::Scope;
use crate::tokens::token::Token;

mod minting;
#[cfg(test)]
mod tests;

use minting::Asked;

/// Revokes a token at GitHub; blocks.
pub type End = Box<dyn Fn(&Token) -> Result<(), Failure> + Send + Sync>;
/// Mints one token; blocks.
pub type Mint = Box<dyn Fn(&Scope) -> Result<Ready, Failure> + Send + Sync>;

/// An App, as far as the pool is concerned.
pub struct Minter {
    /// Mints tokens.
    pub mint: Mint,
    /// Revokes tokens.
    pub end: End,
    /// Identifies the App and its API URL: tokens of another App are useless.
    pub app: String,
    /// Whether the settings name the installation, so that all scopes share it; otherwise each owner has one.
    pub one_installation: bool,
}

/// A token to hand out.
pub struct Handed {
    /// The token.
    pub token: Arc<Ready>,
    /// Whether it was already in memory.
    pub kept: bool,
}

impl Handed {
    fn kept(token: &Arc<Ready>) -> Self {
        Self { token: Arc::clone(token), kept: true }
    }
}

/// Called for each background renewal.
pub type Renewed = Box<dyn Fn(&Who, &Scope, &Ready) + Send + Sync>;

/// The clock.
pub type Clock = Box<dyn Fn() -> Moment + Send + Sync>;

/// All scopes, and the threads that mint for them.
pub struct Pool(Arc<PoolInside>);

struct PoolInside {
    limits: Limits,
    clock: Clock,
    started: Instant,
    /// `None`: no App is configured.
    minter: RwLock<Option<Arc<Minter>>>,
    has_app: AtomicBool,
    log: Log,
    /// Limits revocations at the same time, as mints are limited.
    ends: Arc<Semaphore>,
    renewed: Renewed,
    work: Mutex<Work>,
    /// Signals new work, or that waiting work may run now.
    change: Condvar,
    /// Locked after `work` if both are.
    slots: RwLock<Slots>,
}

struct Work {
    turns: Turns<Arc<Slot>>,
    /// Until when nothing is minted for an installation.
    pauses: HashMap<Option<String>, Instant>,
    stopped: bool,
}

impl Pool {
    /// An empty pool.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(
        minter: Option<Minter>,
        log: Log,
        limits: Limits,
        clock: Clock,
        renewed: Renewed,
    ) -> io::Result<Self> {
        let turns = Turns::new(limits.mints, limits.mints_each);
        let shared = Arc::new(PoolInside {
            started: clock().steady,
            work: Mutex::new(Work { turns, pauses: HashMap::new(), stopped: false }),
            change: Condvar::new(),
            slots: RwLock::new(Slots::new(limits.scopes, limits.scope_bytes)),
            ends: Arc::new(Semaphore::new(limits.mints)),
            limits,
            clock,
            renewed,
            has_app: AtomicBool::new(minter.is_some()),
            minter: RwLock::new(minter.map(Arc::new)),
            log,
        });
        // If one cannot be started, dropping this ends the others.
        let pool = Self(shared);
        for _ in 0..pool.0.limits.mints {
            let shared = Arc::clone(&pool.0);
            threads::start_vital("mint", move || shared.run())?;
        }
        Ok(pool)
    }

    /// A token for a scope, asked for now.
    ///
    /// # Errors
    /// No valid token is cached, and none can be minted now.
    pub async fn token(
        &self,
        who: &Who,
        scope: &Scope,
        wish: Freshness,
        now: Moment,
    ) -> Result<Handed, Failure> {
        let PoolInside { limits, clock, .. } = &*self.0;
        let held = self.0.held(who, scope, now);
        if let Some((slot, current)) = &held
            && self.0.is_enough(slot, current, wish, now)
        {
            return Ok(Handed::kept(&current.token));
        }
        let patience = if held.is_some() { limits.patience } else { limits.turn };
        let outcome = match self.0.ask(who, scope, wish, now) {
            Ok(Asked::Here(token)) => return Ok(Handed::kept(&token)),
            Ok(Asked::Awaited(waiter)) => match timeout(patience, waiter).await {
                Ok(outcome) => outcome.unwrap_or_else(|_| Err(busy())),
                Err(_) => Err(busy()),
            },
            Err(failure) => Err(failure),
        };
        match (outcome, held) {
            (Err(_), Some((_, current))) if current.left(clock()) > 0 => Ok(Handed::kept(&current.token)),
            (outcome, _) => outcome.map(|token| Handed { token, kept: false }),
        }
    }

    /// Revokes an identity's token of a scope at GitHub, then forgets it. `None`: there is none.
    ///
    /// # Errors
    /// GitHub cannot revoke it now; it stays.
    pub async fn end(&self, who: &Who, scope: &Scope, now: Moment) -> Result<Option<Arc<Ready>>, Failure> {
        let (held, minter) = (self.0.held(who, scope, now), self.0.minter());
        let (Some((slot, Current { token, .. })), Some(minter)) = (held, minter) else { return Ok(None) };
        let permit = Arc::clone(&self.0.ends).acquire_owned().await;
        let (done, outcome) = oneshot::channel();
        // The thread does all of it: the asker may disconnect, and a revoked token must not stay.
        let work = move || {
            let ended = (minter.end)(&token.token);
            if ended.is_ok() {
                slot.forget(&token);
            }
            drop((done.send(ended.map(|()| Some(token))), permit));
        };
        threads::start("revoke", work).map_err(|error| threads::scarcity("cannot start a thread", &error))?;
        // A panic was reported where it happened.
        outcome.await.map_err(|_| Failure::new(Kind::Temporary, "internal error")).flatten()
    }

    /// Whether there is an App to mint with.
    pub fn has_app(&self) -> bool {
        self.0.has_app.load(Ordering::Relaxed)
    }

    /// Replaces the minter. The tokens stay, unless the App is another.
    pub fn replace(&self, minter: Option<Minter>) {
        let mut work = self.0.work();
        let before = self.0.minter();
        let same = before.map(|before| before.app.clone()) == minter.as_ref().map(|new| new.app.clone());
        self.0.has_app.store(minter.is_some(), Ordering::Relaxed);
        *self.0.minter.write().unwrap_or_else(PoisonError::into_inner) = minter.map(Arc::new);
        if !same {
            work.pauses.clear();
            self.0.slots.write().unwrap_or_else(PoisonError::into_inner).forget_tokens();
        }
    }

    /// Renews tokens that are in use and about to expire, and forgets useless ones.
    pub fn maintain(&self) {
        let now = (self.0.clock)();
        let PoolInside { limits, slots, change, .. } = &*self.0;
        let mut work = self.0.work();
        work.pauses.retain(|_, until| *until > now.steady);
        let mut slots = slots.write().unwrap_or_else(PoisonError::into_inner);
        slots.keep(|slot| slot.current(now).is_some() || slot.refused(now.steady, limits.rules).is_some());
        for slot in slots.iter() {
            let unused = Duration::from_millis(self.0.millis(now).saturating_sub(slot.used()));
            let renews = |current: &Current| {
                let seen = SlotView { slot, current, unwanted: false, now };
                // Background renewals are not limited.
                let rules = Rules { spacing: 0, ..limits.rules };
                policy::decide(&seen, limits.margin, rules) == Verdict::Renew
            };
            if unused < limits.in_use
                && slot.current(now).as_ref().is_some_and(renews)
                && self.0.paused(&work, &slot.scope, now).is_none()
            {
                let mut job = slot.job();
                job.background = true;
                if !job.minting && !job.queued {
                    job.queued = true;
                    work.turns.push(&slot.who, Arc::clone(slot));
                }
            }
        }
        change.notify_all();
    }

    /// Values for the metrics.
    pub fn gauges(&self) -> Gauges {
        let now = (self.0.clock)();
        let (waiting, paused) = {
            let work = self.0.work();
            (work.turns.waiting(), work.pauses.values().filter(|until| **until > now.steady).count())
        };
        let slots = self.0.slots.read().unwrap_or_else(PoisonError::into_inner);
        let lives: Vec<i64> =
            slots.iter().filter_map(|slot| slot.current(now)).map(|current| current.left(now)).collect();
        let next_renewal = lives.iter().min().map(|left| (left - self.0.limits.margin).max(0));
        Gauges { alive: lives.len(), next_renewal, waiting, paused }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.work().stopped = true;
        self.0.change.notify_all();
    }
}

impl PoolInside {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn minter(&self) -> Option<Arc<Minter>> {
        self.minter.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn millis(&self, now: Moment) -> u64 {
        let since = now.steady.saturating_duration_since(self.started);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// The current token, noted as used.
    fn held(&self, who: &Who, scope: &Scope, now: Moment) -> Option<(Arc<Slot>, Current)> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get(who, scope)?;
        let current = slot.current(now)?;
        slot.touch(self.millis(now));
        Some((Arc::clone(slot), current))
    }

    /// Whether a token is handed out as it is.
    fn is_enough(&self, slot: &Slot, current: &Current, wish: Freshness, now: Moment) -> bool {
        let wanted = self.limits.margin.max(wish.min_fresh - 1);
        let seen = SlotView { slot, current, unwanted: wish.new, now };
        policy::decide(&seen, wanted, self.limits.rules) == Verdict::Hand
    }

    /// The installation of a scope, as far as known without asking.
    fn installation(&self, scope: &Scope) -> Option<String> {
        let one = self.minter().is_some_and(|minter| minter.one_installation);
        scope.owner.clone().filter(|_| !one)
    }

    /// Why nothing is minted for a scope's installation now.
    fn paused(&self, work: &Work, scope: &Scope, now: Moment) -> Option<Failure> {
        if work.pauses.is_empty() {
            return None;
        }
        let until = work.pauses.get(&self.installation(scope))?;
        let left = until.saturating_duration_since(now.steady);
        let seconds = i64::try_from(left.as_millis().div_ceil(1000)).unwrap_or(i64::MAX);
        let failure = Failure::new(Kind::Temporary, "GitHub's rate limit is still in force");
        (seconds > 0).then(|| failure.after(seconds))
    }
}

fn busy() -> Failure {
    Failure::new(Kind::Temporary, "too many mints are waiting for their turn").after(1)
}
