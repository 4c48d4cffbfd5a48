//! The platform's endpoint: hands out installation tokens over HTTP, so that one host holds the App's key and a
//! thousand workspaces do not.
//!
//! Pure parts (bearers, queries, limits) know nothing of HTTP; the pool knows tokens and time; `handle` joins them, `listen`
//! opens the socket, and `serving` takes its connections.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

use anyhow::{Context, Result};
use tokio::sync::{Semaphore, mpsc, watch};

use crate::platform::watched::Tell;
use crate::platform::{clock, threads};
use crate::tokens::config::Config;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::notes::Notes;
use crate::tokens::scope::Scope;

mod app_minter;
#[cfg(any(test, fuzzing))]
pub mod asker;
mod authorise;
mod bearer_file;
pub mod bearers;
mod bounded;
mod handle;
mod limiter;
mod limits;
mod listen;
mod log;
mod metrics;
#[cfg(any(test, fuzzing))]
pub mod model;
mod peer;
mod places;
mod pool;
mod query;
mod ready;
mod reload;
mod serving;
mod signals;
mod slots;
#[cfg(test)]
mod tests;
mod tls;
mod turns;

use bearer_file::BearerFile;
use limiter::Limiter;
pub use limits::Limits;
pub use listen::ListenAddress;
use listen::Listener;
use log::Log;
pub use log::LogFormat;
use metrics::{Metrics, Outside};
use places::{Address, Places};
use pool::Pool;
use reload::Reload;
use serving::Serving;
use signals::Signals;
use tls::Tls;

/// How long the log's last lines may take: together with `--drain` less than the 15 seconds that a stop may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How to serve.
pub struct ServeOptions {
    /// Where.
    pub listen: ListenAddress,
    /// Certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Who may have what.
    pub bearer_file: Option<PathBuf>,
    /// Plain HTTP for others than this machine.
    pub allow_http: bool,
    /// How long what is open may take after the signal to stop.
    pub drain: Duration,
    /// How the log is written.
    pub log: LogFormat,
    /// Where it goes.
    pub stderr: Stderr,
    /// How much there may be of everything.
    pub limits: Limits,
}

/// Standard error, which the log alone writes to.
pub struct Stderr {
    /// Writes.
    pub write: fn(&str) -> io::Result<()>,
    /// Lets what others in this process would write to it go to the log instead.
    pub divert: fn(Tell),
}

/// Reads the settings, as often as it is asked to.
pub type ReadSettings = Box<dyn Fn() -> Result<Config> + Send>;

/// What all requests share.
struct Server {
    bearers: Option<BearerFile>,
    pool: Pool,
    /// The most that anybody gets, by the settings.
    limits: Scope,
    /// Whom this process belongs to: beside root the only one who needs no bearer where there are none.
    user: u32,
    /// Of identities.
    requests: Limiter<Arc<str>>,
    /// Of those who are none.
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
        Outside { pool, lines_dropped: self.log.dropped(), connections, evicted, refused }
    }

    /// Renews what is about to expire, notes changes that no request has brought up, and forgets what is over.
    fn maintain(&self) {
        self.pool.maintain();
        let now = clock::instant();
        if let Some(file) = &self.bearers {
            file.current(now);
        }
        self.requests.forget(self.millis(now));
        self.failures.forget(self.millis(now));
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
    // A mint that hangs must not keep the process.
    runtime.shutdown_background();
    outcome
}

/// Each worker has a runtime of its own: a connection stays with one thread, and none waits for another.
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
    // First of all: whoever sees it listening may send it signals.
    let signals = Signals::new().context("wait for signals")?;
    let tls = options
        .tls
        .map(|(certificate, key)| Tls::open(certificate, key, log.clone()))
        .transpose()?
        .map(Arc::new);
    let has_owner = settings.owner.is_some();
    let bearers = options.bearer_file.as_deref();
    let bearers = bearers.map(|path| BearerFile::open(path, log.clone(), has_owner)).transpose()?;
    let listener = Listener::open(&options.listen)?;
    check_exposure(&listener, bearers.is_some(), tls.is_some() || options.allow_http)?;
    let issuer = settings.app.as_ref().map(|app| crate::tokens::error::escape(&app.issuer));
    let app = issuer.map_or_else(|| "no App configured".to_owned(), |issuer| format!("App {issuer}"));
    let known = bearers.as_ref().map(|file| file.current(clock::instant()).in_words());
    let known = known.unwrap_or_else(|| "no bearers".to_owned());
    let scheme = if tls.is_some() { "https" } else { "http" };
    let listening = format!("listening on {} ({scheme}), {known}, {app}", listener.name());
    let limits = Arc::new(options.limits);
    let broker = Arc::new(start(settings, bearers, &log, &limits, notes)?);
    let reload = Reload { broker: Arc::clone(&broker), tls: tls.clone(), read, notes };
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
    // Each worker keeps the other end until it has ended.
    let _ = tokio::time::timeout(options.drain, workers.recv()).await;
    maintainer.abort();
    log.event("stopped");
    Ok(())
}

/// What would be open to all does not start.
fn check_exposure(listener: &Listener, has_bearers: bool, is_guarded: bool) -> Result<()> {
    if !has_bearers && !listener.knows_users() {
        return Err(Failure::new(Kind::Settings, "no bearers are configured, so anybody could have a token")
            .hint("name a file of them with --bearer-file, or listen on a Unix socket: --listen unix:PATH")
            .into());
    }
    if !is_guarded && listener.is_reachable() {
        return Err(Failure::new(Kind::Settings, format!("{} is reachable by others, and without TLS they could read the tokens", listener.name()))
            .hint("give a certificate with --tls-cert and --tls-key, or say --allow-http if something in front of it does TLS")
            .into());
    }
    Ok(())
}

fn start(
    settings: Config,
    bearers: Option<BearerFile>,
    log: &Log,
    limits: &Limits,
    notes: Notes,
) -> Result<Server> {
    let metrics = Arc::new(Metrics::default());
    let most = Scope::new(settings.owner.as_deref(), &settings.repositories, &settings.permissions);
    let minter = app_minter::minter(settings, notes, Arc::clone(&metrics));
    let pool = Pool::start(minter, log.clone(), limits.clone(), Box::new(clock::moment));
    let connections = serving::most_connections(limits.connections);
    Ok(Server {
        bearers,
        pool: pool.context("start the threads that mint")?,
        limits: most,
        user: rustix::process::geteuid().as_raw(),
        requests: Limiter::new(limits.requests),
        failures: Limiter::new(limits.failures),
        places: Arc::new(Places::new(connections, connections / limits.share)),
        metrics,
        log: log.clone(),
        draining: Arc::default(),
        started: clock::instant(),
    })
}

/// As many as there are processors. Nothing is sent by what it returns, which ends with the last of them.
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
