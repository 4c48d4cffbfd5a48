//! An issuer's keys in memory: fetched before they are too old, fetched again for an unknown key, and kept for a day
//! during an outage of the issuer. One fetch at a time, in its own thread; callers wait only if they want to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::broker::log::Log;
use crate::broker::oidc::jwks::Jwks;
use crate::platform::{clock, threads};
use crate::tokens::error::Failure;

/// How long keys are kept, whatever the issuer says.
const LIFE: std::ops::RangeInclusive<Duration> = Duration::from_mins(5)..=Duration::from_hours(24);
/// How much longer the last good keys serve if no new ones are available.
const AWAY: Duration = Duration::from_hours(24);
/// How often an unknown key is looked for: anybody can make up tokens that name one.
const UNKNOWN: Duration = Duration::from_secs(30);
/// The delay after a failed fetch; shorter if there are no keys at all.
const AGAIN: Duration = Duration::from_secs(30);
const AGAIN_WITHOUT_KEYS: Duration = Duration::from_secs(5);

/// The result of a fetch.
pub struct Fetched {
    /// The keys.
    pub keys: Jwks,
    /// How long they may be kept, as the issuer says; `None`: it does not say.
    pub life: Option<Duration>,
}

/// The default if the issuer does not say how long its keys may be kept.
const UNTOLD: Duration = Duration::from_hours(1);

/// Fetches keys; blocks.
pub type Fetch = Box<dyn Fn() -> Result<Fetched, Failure> + Send + Sync>;

/// The keys of one issuer.
pub struct IssuerKeys {
    name: String,
    fetch: Fetch,
    log: Log,
    state: Mutex<IssuerKeyState>,
}

#[derive(Default)]
struct IssuerKeyState {
    good: Option<Good>,
    /// When the last finished fetch began.
    tried: Option<Instant>,
    /// When an unknown key was last looked for.
    looked_for: Option<Instant>,
    /// The running fetch: its end drops the sender.
    running: Option<watch::Receiver<()>>,
    /// The last report.
    trouble: Option<String>,
}

struct Good {
    keys: Arc<Jwks>,
    since: Instant,
    life: Duration,
}

impl IssuerKeyState {
    fn current(&self, now: Instant) -> Option<Arc<Jwks>> {
        let good = self.good.as_ref()?;
        (now.saturating_duration_since(good.since) < good.life + AWAY).then(|| Arc::clone(&good.keys))
    }

    /// The running fetch, if any; one that panicked does not count.
    fn running(&self) -> Option<watch::Receiver<()>> {
        self.running.clone().filter(|running| running.has_changed().is_ok())
    }

    /// Whether it is time for a background fetch.
    fn is_due(&self, now: Instant) -> bool {
        let is_old =
            self.good.as_ref().is_none_or(|good| now.saturating_duration_since(good.since) >= good.life);
        let pause = if self.current(now).is_some() { AGAIN } else { AGAIN_WITHOUT_KEYS };
        is_old && is_over(self.tried, pause, now)
    }
}

fn is_over(since: Option<Instant>, pause: Duration, now: Instant) -> bool {
    since.is_none_or(|since| now.saturating_duration_since(since) >= pause)
}

impl IssuerKeys {
    /// Without keys yet.
    pub fn new(name: &str, fetch: Fetch, log: Log) -> Arc<Self> {
        Arc::new(Self { name: name.to_owned(), fetch, log, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, IssuerKeyState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys that may be used now.
    pub fn current(&self, now: Instant) -> Option<Arc<Jwks>> {
        self.state().current(now)
    }

    /// The age of the keys; `None`: there are none.
    pub fn age(&self, now: Instant) -> Option<Duration> {
        self.state().good.as_ref().map(|good| now.saturating_duration_since(good.since))
    }

    /// Fetches the keys now, in this thread.
    ///
    /// # Errors
    /// They are unavailable. The failure is not logged.
    pub fn fetch_now(&self) -> Result<(), Failure> {
        let fetched = (self.fetch)()?;
        self.finish(&mut self.state(), Ok(fetched), clock::instant());
        Ok(())
    }

    /// Fetches the keys in the background if it is time to.
    pub fn maintain(self: &Arc<Self>, now: Instant) {
        let mut state = self.state();
        if state.running().is_none() && state.is_due(now) {
            self.begin(&mut state, now);
        }
    }

    /// Fetches the keys in the background, however old they are.
    pub fn refresh(self: &Arc<Self>, now: Instant) {
        let mut state = self.state();
        if state.running().is_none() {
            self.begin(&mut state, now);
        }
    }

    /// Waits for keys if there are none: for a fetch that is running or due.
    pub async fn wait_for_first(self: &Arc<Self>, now: Instant) {
        let waiting = {
            let mut state = self.state();
            if state.running().is_none() && state.is_due(now) {
                self.begin(&mut state, now);
            }
            state.running()
        };
        ended(waiting).await;
    }

    /// Looks for an unknown key, unless one was looked for a moment ago. Returns whether to try again.
    pub async fn look_for_unknown(self: &Arc<Self>, now: Instant) -> bool {
        let waiting = {
            let mut state = self.state();
            if state.running().is_none() && is_over(state.looked_for, UNKNOWN, now) {
                state.looked_for = Some(now);
                self.begin(&mut state, now);
            }
            state.running()
        };
        let is_worth = waiting.is_some();
        ended(waiting).await;
        is_worth
    }

    fn begin(self: &Arc<Self>, state: &mut IssuerKeyState, now: Instant) {
        let (done, running) = watch::channel(());
        let this = Arc::clone(self);
        let work = move || {
            let outcome = (this.fetch)();
            let mut state = this.state();
            state.running = None;
            this.finish(&mut state, outcome, now);
            drop(state);
            drop(done);
        };
        match threads::start("keys", work) {
            Ok(_) => state.running = Some(running),
            Err(error) => {
                self.finish(state, Err(threads::scarcity("cannot start a thread", &error)), now);
            }
        }
    }

    fn finish(&self, state: &mut IssuerKeyState, outcome: Result<Fetched, Failure>, now: Instant) {
        state.tried = Some(now);
        match outcome {
            Ok(Fetched { keys, life }) => {
                if state.good.is_none() || state.trouble.is_some() {
                    let count = keys.count();
                    let keys = if count == 1 { "1 key".to_owned() } else { format!("{count} keys") };
                    self.log.event(&format!("issuer {}: it has {keys}", self.name));
                }
                let life = life.unwrap_or(UNTOLD).clamp(*LIFE.start(), *LIFE.end());
                state.good = Some(Good { keys: Arc::new(keys), since: now, life });
                state.trouble = None;
            }
            Err(Failure { message, .. }) => {
                let then = match state.current(now) {
                    Some(_) => "the last ones serve for up to a day",
                    None => "none of its tokens is accepted until then",
                };
                if state.trouble.as_ref() != Some(&message) {
                    self.log.event(&format!("issuer {}: no keys: {message}; {then}", self.name));
                }
                state.trouble = Some(message);
            }
        }
    }
}

async fn ended(waiting: Option<watch::Receiver<()>>) {
    if let Some(mut waiting) = waiting {
        // Nothing is sent: closing the channel is the signal.
        let _ = waiting.changed().await;
    }
}
