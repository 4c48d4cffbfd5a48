//! From the configuration to the minter: the App, with its key, its JWT and its connections shared by all mints.

use std::sync::Arc;

use anyhow::Result;

use crate::broker::metrics::Metrics;
use crate::broker::pool::Minter;
use crate::broker::ready::Ready;
use crate::platform::clock::{self, Deadline};
use crate::tokens::ask::{Ask, TokenProvider};
use crate::tokens::config::Config;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::github::as_app::App;
use crate::tokens::github::shared::Session;
use crate::tokens::github::{api, revocation};
use crate::tokens::http::{Client, Connections};
use crate::tokens::notes::Notes;
use crate::tokens::scope::Scope;
use crate::tokens::token::Token;

/// How often each request of a mint is tried.
const ATTEMPTS: u32 = 2;

/// What all mints share.
struct AppMinter {
    settings: Config,
    notes: Notes,
    session: Arc<Session>,
    connections: Connections,
}

/// The minter for these settings; `None` if they name no App.
pub fn minter(settings: Config, notes: Notes, metrics: Arc<Metrics>) -> Option<Minter> {
    AppMinter::new(settings, notes).into_minter(metrics)
}

/// The same, after checking that the key can sign and the CAs can be read.
///
/// # Errors
/// One of them fails.
pub fn checked_minter(settings: Config, notes: Notes, metrics: Arc<Metrics>) -> Result<Option<Minter>> {
    let shared = AppMinter::new(settings, notes);
    if let Some(app) = &shared.settings.app {
        shared.session.jwt(app, Deadline::after(shared.settings.timeout), notes)?;
        shared.connections.agent(&shared.settings.network, shared.settings.api_url.starts_with("https:"))?;
    }
    Ok(shared.into_minter(metrics))
}

impl AppMinter {
    fn new(settings: Config, notes: Notes) -> Self {
        Self { settings, notes, session: Arc::default(), connections: Connections::default() }
    }

    fn into_minter(self, metrics: Arc<Metrics>) -> Option<Minter> {
        let this = Arc::new(self);
        let ending = Arc::clone(&this);
        let end = Box::new(move |token: &Token| ending.end(token));
        let Config { app, host, api_url, .. } = &this.settings;
        let app = app.as_ref()?;
        let name = format!("{} {api_url} {} {:?}", host.url(), app.issuer, app.installation_id);
        let one_installation = app.installation_id.is_some();
        let minting = Arc::clone(&this);
        let mint = Box::new(move |scope: &Scope| {
            let started = clock::instant();
            let outcome = minting.mint(scope);
            let name = match &outcome {
                Ok(_) => "ok",
                Err(failure) if failure.kind == Kind::Temporary => "temporary",
                Err(failure) if matches!(failure.kind, Kind::Refused | Kind::NotInstalled) => "refused",
                Err(_) => "failed",
            };
            metrics.mint(name, started.elapsed());
            outcome
        });
        Some(Minter { mint, end, app: name, one_installation })
    }

    /// A token that has already expired counts as revoked.
    fn end(&self, token: &Token) -> Result<(), Failure> {
        let Self { settings, notes, connections, .. } = self;
        let deadline = Deadline::after(settings.timeout);
        let client = Client::new(&settings.network, deadline, *notes).sharing(connections);
        let call = api::revocation(&settings.api_url, &token.secret);
        let answer = client.send(&call).map_err(|error| Failure::of(&error))?;
        revocation::outcome(&answer, settings.into()).map(drop)
    }

    fn mint(&self, scope: &Scope) -> Result<Ready, Failure> {
        let Self { settings, notes, session, connections } = self;
        let Some(app) = &settings.app else { return Err(Failure::new(Kind::Settings, "no App configured")) };
        let deadline = Deadline::after(settings.timeout);
        // A rate limit applies to all mints of the installation, so the pool waits, not the mint.
        let client = Client::new(&settings.network, deadline, *notes).sharing(connections).without_waits();
        // Fail soon: another replica may have the token.
        let client = client.with_attempts(ATTEMPTS, settings.timeout);
        let app = App::new(settings, app, client, *notes).sharing(session);
        let ask = Ask { scope: scope.clone(), no_enterprise: true, ..Ask::default() };
        let token = app.token(&ask).map_err(|error| {
            let hints = Failure::of(&error).hints.join("; ");
            let hints = if hints.is_empty() { hints } else { format!(" ({hints})") };
            Failure { message: format!("{error:#}{hints}"), ..Failure::of(&error) }
        })?;
        if token.facts.expiry.is_none() {
            return Err(Failure::new(Kind::Other, "the token has no expires_at in the future"));
        }
        Ok(Ready::new(token))
    }
}
