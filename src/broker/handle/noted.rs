//! Records each request: its count, its line in the log, and its line in the audit log, without which a client gets
//! only a refusal.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use crate::broker::Server;
use crate::broker::audit::{Audit, AuditLine, Reason};
use crate::broker::authorise::Route;
use crate::broker::handle::answers::{failure, limited, no_token};
use crate::broker::identity::Identity;
use crate::broker::log::Access;
use crate::broker::peer::Peer;
use crate::broker::places::Address;
use crate::broker::ready::Ready;
use crate::platform::clock::Moment;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::scope::Scope;

/// The other end of the request's connection; an unknown one counts as remote and needs a bearer.
pub fn peer(request: &Parts) -> Peer {
    request.extensions.get().copied().unwrap_or(Peer::Address(Ipv4Addr::UNSPECIFIED.into()))
}

/// What is known of a request when it is logged.
#[derive(Default)]
pub struct Noted {
    /// The identity.
    pub identity: Option<Arc<Identity>>,
    /// The scope asked for.
    pub asked: Option<Scope>,
    /// The decision.
    pub scope: Option<Scope>,
    /// Why it was refused, if only the log says so.
    pub reason: Option<Reason>,
}

/// A decision.
pub struct Decided {
    /// The response.
    pub response: Response,
    /// The reason, for the audit log.
    pub reason: Reason,
    /// The token handed out or revoked, and whether it was in memory.
    pub token: Option<(Arc<Ready>, bool)>,
}

impl Decided {
    /// A refusal with a text that clients know.
    pub fn refused(status: StatusCode, text: &'static str) -> Self {
        Self::without_token(failure(status, text), Reason::Denied(text))
    }

    /// An answer without a token.
    pub fn without_token(response: Response, reason: Reason) -> Self {
        Self { response, reason, token: None }
    }
}

/// The answer to too many failed authentications of an address. They are not logged one by one, so that guessing cannot
/// fill the logs.
pub fn over_limit(broker: &Server, request: &Parts, known: &Noted, started: Moment) -> Option<Response> {
    let address = Address::of(peer(request)).filter(|_| known.identity.is_none())?;
    let over = broker.failures.count(&address, broker.millis(started.steady)).err()?;
    let response = limited(over.seconds);
    broker.metrics.request(response.status().as_u16());
    broker.metrics.failure_limited();
    if over.first {
        let many = "too many requests without a valid bearer in a minute: the rest are not logged one by one";
        broker.log.event(&format!("{address}: {many}"));
    }
    Some(response)
}

/// Writes the audit line, then returns the answer. Without the line, a client gets only a refusal.
pub async fn audited(
    audit: &Audit,
    route: &Route,
    request: &Parts,
    known: &Noted,
    started: Moment,
    Decided { response, reason, token }: Decided,
) -> Response {
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let line = AuditLine {
        identity: known.identity.as_deref(),
        workspace: match route {
            Route::Workspace(id) => id.as_deref(),
            Route::Admin => None,
        },
        asked: known.asked.as_ref(),
        token: token.as_ref().map(|(ready, kept)| (&**ready, *kept)),
        client: Some(peer(request)),
        user_agent: header("user-agent"),
        traceparent: header("traceparent"),
        ..AuditLine::new(started.wall, reason)
    };
    // Requests above the limit must not fill the audit log either.
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        return response;
    }
    match audit.write(&line).await {
        Err(_) if response.status().is_success() => {
            no_token(&Failure::new(Kind::Temporary, "the audit log cannot be written"))
        }
        _ => response,
    }
}

/// Counts and logs a request with its answer.
pub fn log(broker: &Server, request: &Parts, known: &Noted, started: Moment, response: Response) -> Response {
    let status = response.status().as_u16();
    broker.metrics.request(status);
    broker.log.access(&Access {
        client: peer(request),
        identity: known.identity.as_ref().map(|identity| &*identity.name),
        method: request.method.as_str(),
        path: request.uri.path(),
        scope: known.scope.as_ref().or(known.asked.as_ref()),
        reason: known.reason.as_ref().map(Reason::text),
        status,
        started: started.wall,
        took: started.steady.elapsed(),
    });
    response
}

/// The same for an unauthenticated request.
pub fn note(broker: &Server, request: &Parts, started: Moment, response: Response) -> Response {
    let nobody = Noted::default();
    over_limit(broker, request, &nobody, started)
        .unwrap_or_else(|| log(broker, request, &nobody, started, response))
}
