//! The platform's endpoint: hands out installation tokens over HTTP, so that one host holds the App's key and a
//! thousand workspaces do not.
//!
//! Pure parts (bearers, queries, limits) know nothing of HTTP; the pool knows tokens and time; `handle` joins them, and
//! `listen` puts them on a socket.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};

use crate::clock::{self, Deadline};
use crate::error::{Failure, Kind};
use crate::http::{Client, Connections};
use crate::provider::app::App;
use crate::provider::session::Session;
use crate::provider::{Ask, TokenProvider};
use crate::report::Report;
use crate::scope::Scope;
use crate::settings::Settings;
use crate::threads;

mod authorise;
mod bearer_file;
pub mod bearers;
mod handle;
#[cfg(feature = "internals")]
pub mod internals;
mod limiter;
mod listen;
mod log;
mod metrics;
mod peer;
mod pool;
mod query;
mod tls;
mod watched;

use bearer_file::BearerFile;
use limiter::Limiter;
pub use listen::Place;
use listen::{Listener, Serving};
pub use log::Form;
use log::Log;
use metrics::Metrics;
use pool::{Pool, Ready};
use tls::Tls;

/// How often tokens are looked after.
const TENDING: Duration = Duration::from_secs(5);

/// How to serve.
pub struct Options {
    /// Where.
    pub listen: Place,
    /// Certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Who may have what.
    pub bearer_file: Option<PathBuf>,
    /// Plain HTTP for others than this machine.
    pub allow_http: bool,
    /// How long what is open may take after the signal to stop.
    pub drain: Duration,
    /// How the log is written.
    pub log: Form,
}

/// What all requests share.
struct Broker {
    bearers: Option<BearerFile>,
    /// `None`: no App is configured.
    pool: Option<Arc<Pool>>,
    /// The most that anybody gets, by the settings.
    limits: Scope,
    /// Whom this process belongs to: beside root the only one who needs no bearer where there are none.
    user: u32,
    limiter: Limiter,
    metrics: Arc<Metrics>,
    log: Log,
    draining: AtomicBool,
    started: Instant,
}

impl Broker {
    /// Counts a request of a bearer; the error is how many seconds to wait.
    fn count(&self, name: &str, now: Instant) -> Result<(), u64> {
        let since = now.saturating_duration_since(self.started);
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.limiter.count(name, millis)
    }
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// It cannot start.
pub fn serve(settings: Settings, options: Options, report: Report) -> Result<()> {
    let runtime = runtime().context("start the runtime")?;
    let (log, writer) = Log::start(options.log).context("start the log")?;
    let outcome = runtime.block_on(run(settings, options, log, report));
    writer.end();
    // A mint that hangs must not keep the process.
    runtime.shutdown_background();
    outcome
}

/// Each worker has a runtime of its own: a connection stays with one thread, and none waits for another.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

async fn run(settings: Settings, options: Options, log: Log, report: Report) -> Result<()> {
    let tls = options
        .tls
        .map(|(certificate, key)| Tls::open(certificate, key, log.clone()))
        .transpose()?
        .map(Arc::new);
    let has_owner = settings.owner.is_some();
    let bearers = options.bearer_file.as_deref();
    let bearers = bearers.map(|path| BearerFile::open(path, log.clone(), has_owner)).transpose()?;
    let listener = Listener::open(&options.listen)?;
    if bearers.is_none() && !listener.knows_users() {
        return Err(Failure::new(Kind::Settings, "no bearers are configured, so anybody could have a token")
            .hint("name a file of them with --bearer-file, or listen on a Unix socket: --listen unix:PATH")
            .into());
    }
    if tls.is_none() && listener.is_reachable() && !options.allow_http {
        return Err(Failure::new(Kind::Settings, format!("{} is reachable by others, and without TLS they could read the tokens", listener.name()))
            .hint("give a certificate with --tls-cert and --tls-key, or say --allow-http if something in front of it does TLS")
            .into());
    }
    let metrics = Arc::new(Metrics::default());
    let issuer = settings.app.as_ref().map(|app| app.issuer.clone());
    let limits = Scope::new(settings.owner.as_deref(), &settings.repositories, &settings.permissions);
    let known = bearers.as_ref().map(|file| file.current(clock::instant()).in_words());
    let known = known.unwrap_or_else(|| "no bearers".to_owned());
    let pool = issuer.is_some().then(|| Arc::new(Pool::new(mint(settings, report, Arc::clone(&metrics)))));
    let broker = Arc::new(Broker {
        bearers,
        pool: pool.clone(),
        limits,
        user: rustix::process::geteuid().as_raw(),
        limiter: Limiter::default(),
        metrics,
        log: log.clone(),
        draining: AtomicBool::new(false),
        started: clock::instant(),
    });
    let scheme = if tls.is_some() { "https" } else { "http" };
    let app = issuer.map_or_else(
        || "no App configured".to_owned(),
        |issuer| format!("App {}", crate::error::escape(&issuer)),
    );
    log.event(&format!("listening on {} ({scheme}), {known}, {app}", listener.name()));
    let (stop, stopped) = watch::channel(false);
    let tender = tokio::spawn(tend(Arc::clone(&broker), stopped.clone()));
    let serving = Serving {
        listener: Arc::new(listener),
        tls,
        permits: Arc::new(Semaphore::new(listen::most_connections())),
        router: handle::router(Arc::clone(&broker)),
        stop: stopped,
    };
    let workers = start_workers(&serving)?;
    told_to_stop().await;
    log.event("stopping");
    broker.draining.store(true, Ordering::Relaxed);
    let _ = stop.send(true);
    serving.listener.remove();
    drop(serving);
    let ended = threads::blocking(move || workers.into_iter().for_each(|worker| drop(worker.join())));
    if let Ok(Err(_)) = tokio::time::timeout(options.drain, ended).await {
        // There is no thread to wait for them in.
        tokio::time::sleep(options.drain).await;
    }
    tender.abort();
    log.event("stopped");
    Ok(())
}

/// One for each processor.
fn start_workers(serving: &Serving) -> Result<Vec<JoinHandle<()>>> {
    let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let start = |_| {
        let (runtime, serving) = (runtime()?, serving.clone());
        let work = move || {
            // What cannot listen here listens in the others.
            let _ = runtime.block_on(serving.run());
            // A mint that hangs must not keep the worker.
            runtime.shutdown_background();
        };
        threads::start_vital("worker", work)
    };
    (0..count).map(start).collect::<std::io::Result<_>>().context("start the workers")
}

/// The App as a function from scope to token, sharing key, JWT and connections.
fn mint(settings: Settings, report: Report, metrics: Arc<Metrics>) -> pool::Mint {
    let (session, connections) = (Arc::new(Session::default()), Connections::default());
    Box::new(move |scope| {
        let started = clock::instant();
        let outcome = mint_one(&settings, report, &session, &connections, scope);
        let name = match &outcome {
            Ok(_) => "ok",
            Err(failure) if failure.kind == Kind::Temporary => "temporary",
            Err(failure) if matches!(failure.kind, Kind::Refused | Kind::NotInstalled) => "refused",
            Err(_) => "failed",
        };
        metrics.mint(name, started.elapsed());
        outcome
    })
}

fn mint_one(
    settings: &Settings,
    report: Report,
    session: &Arc<Session>,
    connections: &Connections,
    scope: &Scope,
) -> Result<Ready, Failure> {
    let Some(identity) = &settings.app else { return Err(Failure::new(Kind::Settings, "no App configured")) };
    let deadline = Deadline::after(settings.timeout);
    let client = Client::new(&settings.network, deadline, report).sharing(connections);
    let app = App::new(settings, identity, client, report).sharing(session);
    let ask = Ask { scope: scope.clone(), no_enterprise: true, ..Ask::default() };
    let token = app.token(&ask).map_err(|error| {
        let hints = Failure::of(&error).hints.join("; ");
        let hints = if hints.is_empty() { hints } else { format!(" ({hints})") };
        Failure { message: format!("{error:#}{hints}"), ..Failure::of(&error) }
    })?;
    if token.facts.expiry.is_none() {
        return Err(Failure::new(Kind::Other, "GitHub gave a token without a life to live"));
    }
    Ok(Ready { body: handle::body(&token).into(), token })
}

/// Renews what is about to die, and forgets what nobody asks for.
async fn tend(broker: Arc<Broker>, mut stopped: watch::Receiver<bool>) {
    let Some(pool) = &broker.pool else { return };
    while tokio::time::timeout(TENDING, stopped.changed()).await.is_err() {
        pool.tend();
        if let Some(file) = &broker.bearers {
            let bearers = file.current(clock::instant());
            broker.limiter.keep(|name| bearers.has(name));
        }
    }
}

async fn told_to_stop() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
