//! The platform's endpoint: serves installation tokens over HTTP, so that one host holds the App's key and a thousand
//! workspaces need none.
//!
//! The pure parts (bearers, queries, limits) know nothing of HTTP; the pool knows tokens and time; `handle` joins them,
//! `listen` opens the socket, and `serving` accepts its connections.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

use anyhow::{Context, Result};
use tokio::sync::{Semaphore, mpsc, watch};

use crate::platform::signals::Signals;
use crate::platform::watched::Tell;
use crate::platform::{clock, threads};
use crate::tokens::config::Config;
use crate::tokens::notes::Notes;
use crate::tokens::scope::Scope;

mod app_minter;
#[cfg(any(test, fuzzing))]
pub mod asker;
mod audit;
mod authorise;
mod bearer_file;
pub mod bearers;
mod bounded;
mod handle;
mod identities;
pub mod identity;
mod limiter;
mod limits;
mod listen;
mod log;
mod metrics;
#[cfg(any(test, fuzzing))]
pub mod model;
pub mod oidc;
mod peer;
mod places;
mod pool;
mod query;
mod ready;
mod reload;
mod serving;
mod slots;
mod start;
#[cfg(test)]
mod tests;
mod tls;
pub mod trust;
mod trust_file;
mod turns;

use audit::Audit;
pub use audit::AuditPlace;
use identities::Identities;
use identity::Identity;
use limiter::Limiter;
pub use limits::Limits;
pub use listen::ListenAddress;
use listen::Listener;
use log::Log;
pub use log::LogFormat;
use metrics::{Metrics, Outside};
use oidc::KeyFetcher;
use places::{Address, Places};
use pool::Pool;
use reload::Reload;
use serving::Serving;
use tls::Tls;
pub use trust_file::read_trust;

/// How long to wait for the log's last lines. Together with `--drain`, less than the 15 seconds that a stop may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How to serve.
pub struct ServeOptions {
    /// Where to listen.
    pub listen: ListenAddress,
    /// Certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The bearer file.
    pub bearer_file: Option<PathBuf>,
    /// The trust file.
    pub trust_file: Option<PathBuf>,
    /// The audit log.
    pub audit: Option<AuditPlace>,
    /// Whether plain HTTP may be reachable from other machines.
    pub allow_http: bool,
    /// How long open requests may take after the signal to stop.
    pub drain: Duration,
    /// The log format.
    pub log: LogFormat,
    /// The log's destination.
    pub stderr: Stderr,
    /// All limits.
    pub limits: Limits,
}

/// Standard error, which only the log writes to.
pub struct Stderr {
    /// Writes to it.
    pub write: fn(&str) -> io::Result<()>,
    /// Sends other messages of this process to the log instead.
    pub divert: fn(Tell),
}

/// Reads the settings; called again on each reload.
pub type ReadSettings = Box<dyn Fn() -> Result<Config> + Send>;

/// State shared by all requests.
struct Server {
    /// `None`: no identities are configured, as a Unix socket may have it.
    identities: Option<Identities>,
    audit: Option<Arc<Audit>>,
    pool: Pool,
    /// The widest scope anybody gets, from the settings.
    limits: Scope,
    /// The server's own user: besides root, the only one served if there are no identities.
    user: u32,
    /// Requests by identity.
    requests: Limiter<Arc<Identity>>,
    /// Failed authentications by address.
    failures: Limiter<Address>,
    places: Arc<Places>,
    metrics: Arc<Metrics>,
    log: Log,
    draining: Arc<AtomicBool>,
    started: Instant,
}

impl Server {
    /// Milliseconds since the start.
    fn millis(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.started);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn gauges(&self) -> Outside {
        let (evicted, refused) = self.places.turned_away();
        let (pool, connections) = (self.pool.gauges(), self.places.taken());
        let keys = self.identities.as_ref().map(|all| all.key_ages(clock::instant())).unwrap_or_default();
        let audit_failures = self.audit.as_ref().map(|audit| audit.failures());
        let lines_dropped = self.log.dropped();
        Outside { pool, lines_dropped, connections, evicted, refused, keys, audit_failures }
    }

    /// Renews tokens that are about to expire, notices changed files without a request, and forgets what has expired.
    fn maintain(&self) {
        self.pool.maintain();
        let now = clock::moment();
        if let Some(identities) = &self.identities {
            identities.maintain(now);
        }
        if let Some(audit) = &self.audit {
            audit.maintain();
        }
        self.requests.forget(self.millis(now.steady));
        self.failures.forget(self.millis(now.steady));
    }
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// It cannot start.
pub fn serve(read: ReadSettings, options: ServeOptions, notes: Notes) -> Result<()> {
    let settings = read()?;
    let runtime = runtime().context("start the runtime")?;
    let (log, writer) = Log::start(options.log, options.stderr.write).context("start the log")?;
    let messages = log.clone();
    (options.stderr.divert)(Box::new(move |message| messages.event(&message.replace('\n', "; "))));
    let outcome = runtime.block_on(run(settings, read, options, log, notes));
    writer.end(LAST_WORDS);
    // A mint that hangs must not keep the process alive.
    runtime.shutdown_background();
    outcome
}

/// Each worker has its own runtime: a connection stays on one thread, and threads do not wait for each other.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

async fn run(
    settings: Config,
    read: ReadSettings,
    options: ServeOptions,
    log: Log,
    notes: Notes,
) -> Result<()> {
    // Before listening: a client may send signals as soon as the socket exists.
    let signals = Signals::new().context("wait for signals")?;
    let tls = options
        .tls
        .clone()
        .map(|(certificate, key)| Tls::open(certificate, key, log.clone()))
        .transpose()?
        .map(Arc::new);
    let fetcher = Arc::new(KeyFetcher::new(settings.network.clone(), notes));
    let identities = start::identities(&settings, &options, &log, &fetcher)?;
    let audit = options.audit.clone().map(|place| Audit::open(place, log.clone())).transpose()?.map(Arc::new);
    let listener = Listener::open(&options.listen)?;
    start::check_exposure(&listener, identities.is_some(), tls.is_some() || options.allow_http)?;
    let issuer = settings.app.as_ref().map(|app| crate::tokens::error::escape(&app.issuer));
    let app = issuer.map_or_else(|| "no App configured".to_owned(), |issuer| format!("App {issuer}"));
    let known = identities.as_ref().map(|all| all.in_words(clock::moment()));
    let known = known.unwrap_or_else(|| "no bearers".to_owned());
    let scheme = if tls.is_some() { "https" } else { "http" };
    let listening = format!("listening on {} ({scheme}), {known}, {app}", listener.name());
    let limits = Arc::new(options.limits);
    let broker = Arc::new(start::server(settings, (identities, audit), &log, &limits, notes)?);
    let reload = Reload { broker: Arc::clone(&broker), tls: tls.clone(), fetcher, read, notes };
    let reload = reload.start().context("start a thread")?;
    let (stop, stopped) = watch::channel(false);
    let maintainer = tokio::spawn(maintain(Arc::clone(&broker), limits.maintenance, stopped.clone()));
    let serving = Serving {
        tls,
        places: Arc::clone(&broker.places),
        files: Arc::new(Semaphore::new(broker.places.most())),
        router: handle::router(Arc::clone(&broker)),
        limits,
        log: log.clone(),
        stop: stopped,
    };
    let count = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut workers = start_workers(&serving, &listener, count).context("start the workers")?;
    log.event(&listening);
    signals.told_to_stop(&reload).await;
    log.event("stopping");
    broker.draining.store(true, Ordering::Relaxed);
    let _ = stop.send(true);
    listener.remove();
    drop(serving);
    // Each worker holds the other end until it has finished.
    let _ = tokio::time::timeout(options.drain, workers.recv()).await;
    maintainer.abort();
    log.event("stopped");
    Ok(())
}

/// One worker per processor. Nothing is sent on the returned channel; it closes when the last worker has finished.
fn start_workers(serving: &Serving, listener: &Listener, count: usize) -> io::Result<mpsc::Receiver<()>> {
    let (working, workers) = mpsc::channel(1);
    for _ in 0..count {
        let (runtime, serving, working) = (runtime()?, serving.clone(), working.clone());
        let accepting = {
            let _within = runtime.enter();
            listener.accepting()?
        };
        let work = move || {
            runtime.block_on(serving.run(accepting));
            runtime.shutdown_background();
            drop(working);
        };
        threads::start_vital("worker", work)?;
    }
    Ok(workers)
}

async fn maintain(broker: Arc<Server>, every: Duration, mut stopped: watch::Receiver<bool>) {
    while tokio::time::timeout(every, stopped.changed()).await.is_err() {
        broker.maintain();
    }
}
