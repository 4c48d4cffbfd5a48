//! Tokens in memory, one for each scope: minted once however many ask, renewed before they die, and handed out for as
//! long as they live while GitHub fails. Least recently used scopes go first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use super::metrics::Gauges;
use super::query::Wish;
use crate::clock;
use crate::error::{Failure, Kind};
use crate::scope::Scope;
use crate::threads;
use crate::token::Token;

/// A token with less left is renewed, in seconds.
const MARGIN: i64 = 300;
/// For how long after its last use a scope is renewed in the background, in seconds.
const IN_USE: i64 = 3600;
/// At most one new token in so many seconds for each scope, however often one is asked for.
const SPACING: Duration = Duration::from_secs(10);
/// How long an asker waits for a new token while there is one that lives.
const PATIENCE: Duration = Duration::from_secs(3);
/// After a failure, a living token is handed out at once for so long.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a refusal is believed.
const REFUSED: Duration = Duration::from_secs(15);
/// Scopes in memory.
const MOST: usize = 10_000;
/// Mints at the same time: GitHub wants few.
const AT_ONCE: usize = 8;

/// A token, and the response that holds it: made once, sent many times.
pub struct Ready {
    /// Expiry and all else.
    pub token: Token,
    /// The JSON body.
    pub body: Bytes,
}

/// Mints one token; blocks.
pub type Mint = Box<dyn Fn(&Scope) -> Result<Ready, Failure> + Send + Sync>;

/// All scopes.
pub struct Pool {
    slots: RwLock<HashMap<Scope, Arc<Slot>>>,
    mint: Mint,
    permits: Semaphore,
}

struct Slot {
    scope: Scope,
    current: RwLock<Option<Current>>,
    last_try: Mutex<Option<Try>>,
    /// Held while minting.
    minting: AsyncMutex<()>,
    /// Seconds since 1970.
    used: AtomicI64,
}

#[derive(Clone)]
struct Current {
    token: Arc<Ready>,
    since: Instant,
}

/// The last mint that failed.
#[derive(Clone)]
struct Try {
    failure: Failure,
    at: Instant,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slot {
    fn living(&self) -> Option<Current> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        (left(&current.token) > 0).then_some(current)
    }

    fn failed_since(&self, since: Duration) -> Option<Failure> {
        lock(&self.last_try)
            .as_ref()
            .filter(|last| last.at.elapsed() < since)
            .map(|last| last.failure.clone())
    }
}

/// Seconds left to live.
fn left(ready: &Ready) -> i64 {
    ready.token.left(clock::moment()).unwrap_or(0)
}

impl Pool {
    /// An empty one.
    pub fn new(mint: Mint) -> Self {
        Self { slots: RwLock::default(), mint, permits: Semaphore::new(AT_ONCE) }
    }

    /// A token for a scope.
    ///
    /// # Errors
    /// There is none that lives, and minting failed.
    pub async fn token(self: &Arc<Self>, scope: &Scope, wish: Wish) -> Result<Arc<Ready>, Failure> {
        let slot = self.slot(scope);
        slot.used.store(clock::now(), Ordering::Relaxed);
        let held = slot.living();
        if let Some(Current { token, since }) = &held {
            let spent = since.elapsed() < SPACING;
            let enough = !wish.new && left(token) >= wish.min_fresh.max(MARGIN + 1);
            // While GitHub fails nobody waits for it in vain.
            if enough || spent || (!wish.new && slot.failed_since(PAUSE).is_some()) {
                return Ok(Arc::clone(token));
            }
        }
        let asked = clock::instant();
        let renewal = tokio::spawn(Arc::clone(self).renew(slot, asked));
        let outcome = match &held {
            Some(_) => match tokio::time::timeout(PATIENCE, renewal).await {
                Ok(joined) => joined,
                Err(_) => return Ok(held.map(|held| held.token).expect("held is some")),
            },
            None => renewal.await,
        };
        let outcome = outcome.unwrap_or_else(|_| Err(Failure::new(Kind::Other, "minting has panicked")));
        match (outcome, held) {
            (Err(_), Some(held)) if left(&held.token) > 0 => Ok(held.token),
            (outcome, _) => outcome,
        }
    }

    /// Mints, unless somebody has since `asked`, or has just been refused.
    async fn renew(self: Arc<Self>, slot: Arc<Slot>, asked: Instant) -> Result<Arc<Ready>, Failure> {
        let _minting = slot.minting.lock().await;
        if let Some(Current { token, since }) = slot.living()
            && since >= asked
        {
            return Ok(token);
        }
        let last = lock(&slot.last_try).clone();
        if let Some(Try { failure, at }) = last {
            let permanent = failure.kind != Kind::Temporary && at.elapsed() < REFUSED;
            if at >= asked || permanent {
                return Err(failure);
            }
        }
        let permit = self.permits.acquire().await;
        let (pool, scope) = (Arc::clone(&self), slot.scope.clone());
        let minted = threads::blocking(move || (pool.mint)(&scope)).await;
        drop(permit);
        match minted.flatten() {
            Ok(token) => {
                let token = Arc::new(token);
                let current = Current { token: Arc::clone(&token), since: clock::instant() };
                *slot.current.write().unwrap_or_else(PoisonError::into_inner) = Some(current);
                *lock(&slot.last_try) = None;
                Ok(token)
            }
            Err(failure) => {
                *lock(&slot.last_try) = Some(Try { failure: failure.clone(), at: clock::instant() });
                Err(failure)
            }
        }
    }

    fn slot(&self, scope: &Scope) -> Arc<Slot> {
        let known = |slots: &HashMap<Scope, Arc<Slot>>| slots.get(scope).map(Arc::clone);
        if let Some(slot) = known(&self.slots.read().unwrap_or_else(PoisonError::into_inner)) {
            return slot;
        }
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = known(&slots) {
            return slot;
        }
        if slots.len() >= MOST {
            let oldest = slots.values().min_by_key(|slot| slot.used.load(Ordering::Relaxed));
            if let Some(scope) = oldest.map(|slot| slot.scope.clone()) {
                slots.remove(&scope);
            }
        }
        let slot = Arc::new(Slot {
            scope: scope.clone(),
            current: RwLock::default(),
            last_try: Mutex::default(),
            minting: AsyncMutex::default(),
            used: AtomicI64::new(clock::now()),
        });
        slots.insert(scope.clone(), Arc::clone(&slot));
        slot
    }

    /// Renews what is in use and about to die, and forgets what is dead and unused.
    pub fn tend(self: &Arc<Self>) {
        let now = clock::now();
        let in_use = |slot: &Slot| now - slot.used.load(Ordering::Relaxed) < IN_USE;
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|_, slot| in_use(slot) || slot.living().is_some());
        for slot in slots.values().filter(|slot| in_use(slot)) {
            let due = slot.living().is_some_and(|current| left(&current.token) <= MARGIN);
            if due && slot.failed_since(PAUSE).is_none() {
                tokio::spawn(Arc::clone(self).renew(Arc::clone(slot), clock::instant()));
            }
        }
    }

    /// For the metrics.
    pub fn gauges(&self) -> Gauges {
        let lives: Vec<i64> = self
            .slots
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .filter_map(|slot| slot.living())
            .map(|current| left(&current.token))
            .collect();
        Gauges { alive: lives.len(), next_renewal: lives.iter().min().map(|left| (left - MARGIN).max(0)) }
    }
}
