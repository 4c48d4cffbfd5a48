//! Sends requests to brokers in this process, with a GitHub that mints at once and tokens that name their scope. For
//! fuzzing and tests.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use crate::broker::bearer_file::BearerFile;
use crate::broker::identities::Identities;
use crate::broker::limits::Limits;
use crate::broker::log::{Log, LogFormat};
use crate::broker::model::{Asking, IDENTITIES, Observed, SERVERS};
use crate::broker::pool::Minter;
use crate::broker::ready::Ready;
use crate::broker::{bearers, handle, runtime, start};
use crate::platform::clock;
use crate::tokens::scope::{Scope, permission};
use crate::tokens::secret::Secret;
use crate::tokens::token::{Facts, Source, Token};

#[cfg(test)]
mod tests;

/// One broker for each of [`SERVERS`], all with [`IDENTITIES`].
pub struct Asker {
    runtime: tokio::runtime::Runtime,
    servers: Vec<(TowerToHyperService<Router>, Minted)>,
}

/// The tokens minted since the last call.
type Minted = Arc<Mutex<Vec<String>>>;

impl Asker {
    /// Builds the brokers, with the bearer file in this directory.
    ///
    /// # Panics
    /// The file, a thread or a runtime cannot be created.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        let file = dir.join("bearers");
        let lines = IDENTITIES.iter().enumerate().map(|(number, identity)| {
            let workspace = identity.workspace.map(|id| format!("workspace={id}")).unwrap_or_default();
            format!(
                "{} {workspace} {}\n",
                bearers::line(&number.to_string(), identity.bearer.as_bytes()),
                identity.limits
            )
        });
        fs::write(&file, lines.collect::<String>()).expect("room for a file");
        let servers = SERVERS.iter().map(|limits| server(&file, limits)).collect();
        Self { runtime: runtime().expect("a runtime"), servers }
    }

    /// Sends a request to the broker with this number; `None` if it is not a valid request.
    ///
    /// # Panics
    /// The answer does not end.
    #[must_use]
    pub fn ask(&self, server: usize, asking: &Asking) -> Option<Observed> {
        let mut request = Request::builder().method(asking.method).uri(asking.target);
        if let Some(value) = asking.authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let request = request.body(Body::empty()).ok()?;
        let (service, minted) = &self.servers[server];
        let (status, body) = self.runtime.block_on(async {
            let answer = service.call(request).await.ok()?;
            let status = answer.status().as_u16();
            Some((status, to_bytes(answer.into_body(), usize::MAX).await.expect("an end")))
        })?;
        let minted = std::mem::take(&mut *minted.lock().unwrap_or_else(PoisonError::into_inner));
        Some(Observed { status, body: body.into(), minted })
    }
}

/// A scope as a line of the bearer file writes it.
fn in_full(scope: &Scope) -> String {
    let owner = scope.owner.iter().map(|owner| format!("owner={owner}"));
    let repositories = scope.repositories.iter().map(|name| format!("repository={name}"));
    let permissions = scope.permissions.iter().map(|(name, level)| format!("permission={name}={level}"));
    owner.chain(repositories).chain(permissions).collect::<Vec<_>>().join(" ")
}

/// A broker with these limits in its settings.
fn server(bearer_file: &Path, words: &str) -> (TowerToHyperService<Router>, Minted) {
    let (log, _) = Log::start_with(LogFormat::Plain, 1 << 16, |_| Ok(())).expect("a thread");
    let minted = Minted::default();
    let noted = Arc::clone(&minted);
    let mint = Box::new(move |scope: &Scope| {
        let text = in_full(scope);
        noted.lock().unwrap_or_else(PoisonError::into_inner).push(text.clone());
        let facts = Facts::new(Source::App, Some(clock::now() + 3600));
        Ok(Ready::new(Token::fresh(Secret::new(text), facts, clock::moment())))
    });
    let github = Minter { mint, end: Box::new(|_| Ok(())), app: "app".to_owned(), one_installation: false };
    let of = |wanted: &str| -> Vec<String> {
        let pairs = words.split_whitespace().filter_map(|word| word.split_once('='));
        pairs.filter(|(key, _)| *key == wanted).map(|(_, value)| value.to_owned()).collect()
    };
    let owner = of("owner").pop();
    let permissions = of("permission").iter().filter_map(|pair| permission(pair)).collect();
    // Few scopes, so that they are forgotten and minted again, and no limit on requests.
    let limits = Limits { mints: 1, scopes: 64, requests: u32::MAX, failures: u32::MAX, ..Limits::default() };
    let bearers = BearerFile::open(bearer_file, log.clone(), owner.is_some()).expect("a bearer file");
    let identities = Identities { bearers: Some(bearers), trust: None };
    let most = Scope::new(owner.as_deref(), &of("repository"), &permissions);
    let broker = start::without_settings(identities, github, most, &limits, &log);
    (TowerToHyperService::new(handle::router(Arc::new(broker))), minted)
}
