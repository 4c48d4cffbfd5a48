//! The broker's core for fuzzing, behind the feature `internals`: see [`crate::internals`].

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use super::bearer_file::BearerFile;
use super::bearers::{self, Bearers};
use super::handle;
use super::limiter::Limiter;
use super::limits::Limits;
use super::log::{Form, Log};
use super::metrics::Metrics;
use super::places::Places;
use super::pool::Pool;
use super::{Broker, runtime};
use crate::clock;
use crate::scope::Scope;

/// A line of a bearer file.
#[must_use]
pub fn bearer_line(name: &str, bearer: &[u8]) -> String {
    bearers::line(name, bearer)
}

/// Whose bearer this is, by a bearer file's text.
///
/// # Errors
/// What is wrong with the text.
pub fn name_of(text: &str, bearer: &[u8]) -> Result<Option<String>, String> {
    Ok(Bearers::parse(text, true)?.find(bearer).map(|found| found.name.to_string()))
}

/// Asks a broker without an App: whoever has a bearer gets a 404.
pub struct Asker {
    runtime: tokio::runtime::Runtime,
    service: TowerToHyperService<Router>,
}

impl Asker {
    /// A broker with a bearer file.
    ///
    /// # Panics
    /// There is no runtime, or the file is wrong.
    #[must_use]
    pub fn new(bearer_file: &Path) -> Self {
        let (log, writer) = Log::start(Form::Plain).expect("a thread");
        // Nobody reads the log of a broker that is fuzzed.
        drop(writer);
        let bearers = BearerFile::open(bearer_file, log.clone(), false).expect("a bearer file");
        let limits = Limits { mints: 1, ..Limits::default() };
        let pool = Pool::start(None, log.clone(), limits.clone(), Box::new(clock::moment)).expect("a thread");
        let broker = Arc::new(Broker {
            bearers: Some(bearers),
            pool,
            limits: Scope::default(),
            user: 0,
            requests: Limiter::new(limits.requests),
            failures: Limiter::new(limits.failures),
            places: Arc::new(Places::new(limits.connections, limits.connections / limits.share)),
            metrics: Arc::new(Metrics::default()),
            log,
            draining: Arc::default(),
            started: clock::instant(),
        });
        let router = handle::router(broker);
        Self { runtime: runtime().expect("a runtime"), service: TowerToHyperService::new(router) }
    }

    /// The status of the answer; `None`: this is no request.
    #[must_use]
    pub fn status(&self, method: &[u8], target: &[u8], authorization: Option<&[u8]>) -> Option<u16> {
        let mut request = Request::builder().method(method).uri(target);
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let request = request.body(Body::empty()).ok()?;
        let answer = self.runtime.block_on(self.service.call(request)).ok()?;
        Some(answer.status().as_u16())
    }
}
