//! Builds a broker, and checks what must stop it from starting.

use std::sync::Arc;

use anyhow::{Context, Result};

use crate::broker::audit::{self, Audit};
use crate::broker::bearer_file::BearerFile;
use crate::broker::identities::Identities;
use crate::broker::limiter::Limiter;
use crate::broker::limits::Limits;
use crate::broker::listen::Listener;
use crate::broker::log::Log;
use crate::broker::metrics::Metrics;
use crate::broker::oidc::KeyFetcher;
use crate::broker::places::Places;
#[cfg(any(test, fuzzing))]
use crate::broker::pool::Minter;
use crate::broker::pool::Pool;
use crate::broker::trust_file::TrustFile;
use crate::broker::{ServeOptions, Server, app_minter, serving};
use crate::platform::{clock, users};
use crate::tokens::config::Config;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::notes::Notes;
use crate::tokens::scope::Scope;

/// Refuses to start a broker that would be open to everybody.
pub fn check_exposure(listener: &Listener, has_identities: bool, is_guarded: bool) -> Result<()> {
    if !has_identities && !listener.knows_users() {
        return Err(Failure::new(Kind::Settings, "no bearers are configured, so anybody could get a token")
            .hint("give a bearer file with --bearer-file, or a trust file for OIDC tokens with --trust-file, or listen on a Unix socket: --listen unix:PATH")
            .into());
    }
    if !is_guarded && listener.is_reachable() {
        return Err(Failure::new(Kind::Settings, format!("{} can be reached from other machines, and without TLS others could read the tokens", listener.name()))
            .hint("give a certificate with --tls-cert and --tls-key, or use --allow-http if a proxy in front terminates TLS")
            .into());
    }
    Ok(())
}

/// The identities from the files that the options name; `None`: they name none.
pub fn identities(
    settings: &Config,
    options: &ServeOptions,
    log: &Log,
    fetcher: &Arc<KeyFetcher>,
) -> Result<Option<Identities>, Failure> {
    let has_owner = settings.owner.is_some();
    let bearers = options.bearer_file.as_deref();
    let bearers = bearers.map(|path| BearerFile::open(path, log.clone(), has_owner)).transpose()?;
    let trust = options.trust_file.as_deref();
    let trust = trust.map(|path| TrustFile::open(path, log, fetcher)).transpose()?;
    Ok((bearers.is_some() || trust.is_some()).then_some(Identities { bearers, trust }))
}

/// The state that requests share.
pub fn server(
    settings: Config,
    (identities, audit): (Option<Identities>, Option<Arc<Audit>>),
    log: &Log,
    limits: &Limits,
    notes: Notes,
) -> Result<Server> {
    let metrics = Arc::new(Metrics::default());
    let most = Scope::new(settings.owner.as_deref(), &settings.repositories, &settings.permissions);
    let minter = app_minter::minter(settings, notes, Arc::clone(&metrics));
    let renewed = audit::of_renewals(audit.clone());
    let pool = Pool::start(minter, log.clone(), limits.clone(), Box::new(clock::moment), renewed);
    let connections = serving::most_connections(limits.connections);
    Ok(Server {
        identities,
        audit,
        pool: pool.context("start the threads that mint")?,
        limits: most,
        user: users::me(),
        requests: Limiter::new(limits.requests),
        failures: Limiter::new(limits.failures),
        places: Arc::new(Places::new(connections, connections / limits.share)),
        metrics,
        log: log.clone(),
        draining: Arc::default(),
        started: clock::instant(),
    })
}

/// A broker with this GitHub and without an audit log, for tests and fuzzing.
#[cfg(any(test, fuzzing))]
pub fn without_settings(
    identities: Identities,
    github: Minter,
    most: Scope,
    limits: &Limits,
    log: &Log,
) -> Server {
    let moment = Box::new(clock::moment);
    let pool = Pool::start(Some(github), log.clone(), limits.clone(), moment, Box::new(|_, _, _| ()));
    Server {
        identities: Some(identities),
        audit: None,
        pool: pool.expect("threads that mint"),
        limits: most,
        user: 0,
        requests: Limiter::new(limits.requests),
        failures: Limiter::new(limits.failures),
        places: Arc::new(Places::new(limits.connections, limits.connections / limits.share)),
        metrics: Arc::default(),
        log: log.clone(),
        draining: Arc::default(),
        started: clock::instant(),
    }
}
