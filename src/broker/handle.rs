//! From a request to a response: who asks, for what, what they may have, and what the logs record.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::broker::audit::Reason;
use crate::broker::authorise::{Denial, Route, authorise, check_peer, presented};
use crate::broker::identities::Identified;
use crate::broker::identity::Identity;
use crate::broker::log::in_words;
use crate::broker::oidc::presented::Invalid;
use crate::broker::pool::Handed;
use crate::broker::turns::Who;
use crate::broker::{Server, query};
use crate::platform::clock::{self, Moment};
use crate::tokens::scope::Scope;

mod answers;
mod noted;

use answers::{after, failure, json_response, limited, no_content, no_token, with_headers};
use noted::{Decided, Noted, audited, log, note, over_limit, peer};

/// The routes, for all connections.
pub fn router(broker: Arc<Server>) -> Router {
    let of_admin = |State(broker): State<Arc<Server>>, request: Request| async move {
        answer(broker, Route::Admin, request).await
    };
    // axum's own answer to an ID that is not UTF-8 would have another form, without authentication or a log line.
    let of_workspace = |State(broker): State<Arc<Server>>,
                        id: Result<Path<String>, PathRejection>,
                        request: Request| async move {
        answer(broker, Route::Workspace(id.ok().map(|Path(id)| id)), request).await
    };
    let without_id = |State(broker): State<Arc<Server>>, request: Request| async move {
        answer(broker, Route::Workspace(Some(String::new())), request).await
    };
    Router::new()
        .route("/admin/github-installation-token", get(of_admin).delete(of_admin))
        .route("/workspaces/{id}/github-installation-token", get(of_workspace).delete(of_workspace))
        .route("/workspaces//github-installation-token", get(without_id).delete(without_id))
        .route("/healthz", get(async || json_response(StatusCode::OK, &json!({ "status": "ok" }))))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(broker)
}

impl From<Denial> for Decided {
    fn from(Denial(status, text): Denial) -> Self {
        Self::refused(status, text)
    }
}

async fn answer(broker: Arc<Server>, route: Route, request: Request) -> Response {
    let started = clock::moment();
    let mut known = Noted::default();
    let (request, _) = request.into_parts();
    let decided =
        decide(&broker, &route, &request, started, &mut known).await.unwrap_or_else(|refused| refused);
    if let Some(limited) = over_limit(&broker, &request, &known, started) {
        return limited;
    }
    let response = match &broker.audit {
        Some(audit) => audited(audit, &route, &request, &known, started, decided).await,
        None => decided.response,
    };
    log(&broker, &request, &known, started, response)
}

/// The identity of a request; `None` if none are configured.
async fn identify(
    broker: &Server,
    route: &Route,
    request: &Parts,
    now: Moment,
) -> Result<Option<Arc<Identity>>, Decided> {
    route.check()?;
    let Some(identities) = &broker.identities else {
        check_peer((peer(request), broker.user))?;
        return Ok(None);
    };
    let (_, invalid) = route.refusals();
    match identities.identify(presented(route, &request.headers)?, now).await {
        Identified::Known(identity) => Ok(Some(identity)),
        Identified::NoRule => {
            let response = failure(StatusCode::FORBIDDEN, "no rule is for this token");
            Err(Decided::without_token(response, Reason::NoRule))
        }
        Identified::Unknown(None) => Err(Decided::refused(StatusCode::UNAUTHORIZED, invalid)),
        Identified::Unknown(Some(cause)) => {
            let response = failure(StatusCode::UNAUTHORIZED, invalid);
            // The token may be valid: the client should try again.
            let response = if cause == Invalid::NoKeys { after(5, response) } else { response };
            Err(Decided::without_token(response, Reason::Invalid(cause)))
        }
    }
}

async fn decide(
    broker: &Arc<Server>,
    route: &Route,
    request: &Parts,
    started: Moment,
    known: &mut Noted,
) -> Result<Decided, Decided> {
    known.identity = identify(broker, route, request, started).await.inspect_err(|refused| {
        known.reason =
            matches!(refused.reason, Reason::Invalid(_) | Reason::NoRule).then(|| refused.reason.clone());
    })?;
    if let Some(identity) = &known.identity
        && let Err(over) = broker.requests.count(identity, broker.millis(started.steady))
    {
        broker.metrics.limited();
        return Err(Decided::without_token(limited(over.seconds), Reason::Denied("too many requests")));
    }
    if let Route::Workspace(None) = route {
        return Err(Decided::refused(StatusCode::BAD_REQUEST, "the workspace ID is not UTF-8"));
    }
    let asked = query::scope(request.uri.query().unwrap_or_default())
        .map_err(|wrong| Decided::refused(StatusCode::BAD_REQUEST, wrong))?;
    let asked = known.asked.insert(asked);
    let scope = authorise(known.identity.as_deref(), route, asked, &broker.limits)?;
    let scope = known.scope.insert(scope);
    if request.method == Method::DELETE {
        return Ok(end(broker, &known.identity, scope, started).await);
    }
    if !broker.pool.has_app() {
        return Err(Decided::refused(StatusCode::NOT_FOUND, "no GitHub App configured"));
    }
    let cache_control = request.headers.get_all(header::CACHE_CONTROL);
    let wish = query::wish(cache_control.iter().filter_map(|value| value.to_str().ok()));
    match broker.pool.token(&known.identity, scope, wish, started).await {
        Ok(Handed { token, kept }) => {
            let response = with_headers(StatusCode::OK, token.body.clone());
            Ok(Decided { response, reason: Reason::Granted, token: Some((token, kept)) })
        }
        Err(failed) => Err(Decided::without_token(no_token(&failed), Reason::Failed)),
    }
}

/// Revokes the asker's own token. An identity without a workspace may stand for many clients that still use the token.
async fn end(broker: &Server, who: &Who, scope: &Scope, now: Moment) -> Decided {
    let own = who.as_ref().filter(|identity| identity.workspace.is_some());
    let ended = match own {
        Some(_) => broker.pool.end(who, scope, now).await,
        None => Ok(None),
    };
    match ended {
        Ok(Some(token)) => {
            Decided { response: no_content(), reason: Reason::Revoked, token: Some((token, true)) }
        }
        Ok(None) => Decided::without_token(no_content(), Reason::NothingToRevoke),
        Err(failed) => {
            let of = own.map(|identity| format!(" of {}", identity.name)).unwrap_or_default();
            broker.log.event(&format!("the token{of} for [{}] was not revoked: {failed}", in_words(scope)));
            let response = failure(StatusCode::INTERNAL_SERVER_ERROR, "token revocation failed");
            Decided::without_token(response, Reason::Failed)
        }
    }
}

async fn ready(State(broker): State<Arc<Server>>) -> Response {
    if broker.draining.load(Ordering::Relaxed) {
        return json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "stopping" }));
    }
    if broker.audit.as_ref().is_some_and(|audit| audit.is_failing()) {
        let status = json!({ "status": "the audit log cannot be written" });
        return json_response(StatusCode::SERVICE_UNAVAILABLE, &status);
    }
    json_response(StatusCode::OK, &json!({ "status": "ok" }))
}

/// Open to this machine; others need any valid bearer. Refusals are logged like other failed authentications.
async fn metrics(State(broker): State<Arc<Server>>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    let started = clock::moment();
    let open = broker.identities.is_some() && peer(&request).is_local();
    if !open && let Err(refused) = identify(&broker, &Route::Admin, &request, started).await {
        return note(&broker, &request, started, refused.response);
    }
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (headers, broker.metrics.to_text(&broker.gauges())).into_response()
}

/// With an empty body, so that no client takes it for "no App configured".
async fn unknown(State(broker): State<Arc<Server>>, request: Request) -> Response {
    let (started, (request, _)) = (clock::moment(), request.into_parts());
    note(&broker, &request, started, StatusCode::NOT_FOUND.into_response())
}

async fn wrong_method(State(broker): State<Arc<Server>>, request: Request) -> Response {
    let (started, (request, _)) = (clock::moment(), request.into_parts());
    let of_tokens = request.uri.path().ends_with("/github-installation-token");
    let (text, allowed) = if of_tokens {
        ("only GET and DELETE are answered here", "GET, DELETE")
    } else {
        ("only GET is answered here", "GET")
    };
    let mut response = failure(StatusCode::METHOD_NOT_ALLOWED, text);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    note(&broker, &request, started, response)
}
