//! From a request to a response: who asks, what for, what they may have, and the wire format of the platform's endpoint
//! (statuses and texts are a contract with clients that search them).

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::broker::authorise::{Denial, Route, authenticate, authorise};
use crate::broker::bearers::Bearer;
use crate::broker::log::{Access, in_words};
use crate::broker::peer::Peer;
use crate::broker::places::Address;
use crate::broker::{Server, query};
use crate::platform::clock::{self, Moment};
use crate::tokens::error::Kind;
use crate::tokens::scope::Scope;
use crate::tokens::token::Token;

/// The routes, for all connections.
pub fn router(broker: Arc<Server>) -> Router {
    let of_admin = |State(broker): State<Arc<Server>>, request: Request| async move {
        answer(broker, Route::Admin, request).await
    };
    // What the framework would say of an ID that is not UTF-8 is neither in our form nor behind a bearer nor logged.
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

/// The other end of the connection that a request came by; an unknown one is far away and in need of a bearer.
fn peer(request: &Parts) -> Peer {
    request.extensions.get().copied().unwrap_or(Peer::Address(Ipv4Addr::UNSPECIFIED.into()))
}

/// What is known of a request by the time it is logged.
#[derive(Default)]
struct Noted {
    bearer: Option<Arc<str>>,
    scope: Option<Scope>,
}

async fn answer(broker: Arc<Server>, route: Route, request: Request) -> Response {
    let started = clock::moment();
    let mut known = Noted::default();
    let (request, _) = request.into_parts();
    let response = respond(&broker, &route, &request, started, &mut known).await;
    note(&broker, &request, &known, started, response)
}

async fn respond(
    broker: &Arc<Server>,
    route: &Route,
    request: &Parts,
    started: Moment,
    known: &mut Noted,
) -> Response {
    let bearers = broker.bearers.as_ref().map(|file| file.current(started.steady));
    let from = (peer(request), broker.user);
    let bearer = match authenticate(bearers.as_deref(), route, from, &request.headers) {
        Ok(bearer) => bearer,
        Err(Denial(status, text)) => return failure(status, text),
    };
    if let Some(Bearer { name, .. }) = bearer {
        known.bearer = Some(Arc::clone(name));
        if let Err(over) = broker.requests.count(name, broker.millis(started.steady)) {
            broker.metrics.limited();
            return limited(over.seconds);
        }
    }
    if let Route::Workspace(None) = route {
        return failure(StatusCode::BAD_REQUEST, "the workspace ID is not UTF-8");
    }
    let asked = match query::scope(request.uri.query().unwrap_or_default()) {
        Ok(asked) => asked,
        Err(wrong) => return failure(StatusCode::BAD_REQUEST, wrong),
    };
    let scope = match authorise(bearer, route, &asked, &broker.limits) {
        Ok(scope) => known.scope.insert(scope),
        Err(Denial(status, text)) => {
            known.scope = Some(asked);
            return failure(status, text);
        }
    };
    if request.method == Method::DELETE {
        return end(broker, bearer, scope, started).await;
    }
    if !broker.pool.has_app() {
        return failure(StatusCode::NOT_FOUND, "no GitHub App configured");
    }
    let cache_control = request.headers.get_all(header::CACHE_CONTROL);
    let wish = query::wish(cache_control.iter().filter_map(|value| value.to_str().ok()));
    match broker.pool.token(&known.bearer, scope, wish, started).await {
        Ok(ready) => with_headers(StatusCode::OK, ready.body.clone()),
        Err(failed) => {
            let mut body = json!({ "error": "token refresh failed" });
            if failed.kind != Kind::Temporary {
                body["retry"] = false.into();
            }
            let response = json_response(StatusCode::INTERNAL_SERVER_ERROR, &body);
            match failed.wait {
                Some(seconds) => after(seconds, response),
                None => response,
            }
        }
    }
}

/// Ends the asker's own token. One without a workspace may stand for many, and its tokens for what they are doing.
async fn end(broker: &Server, bearer: Option<&Bearer>, scope: &Scope, now: Moment) -> Response {
    let own = bearer.filter(|bearer| bearer.workspace.is_some());
    let ended = match own {
        Some(Bearer { name, .. }) => broker.pool.end(&Some(Arc::clone(name)), scope, now).await,
        None => Ok(()),
    };
    match ended {
        Ok(()) => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(failed) => {
            let of = own.map(|bearer| format!(" of {}", bearer.name)).unwrap_or_default();
            broker.log.event(&format!("the token{of} for [{}] was not revoked: {failed}", in_words(scope)));
            failure(StatusCode::INTERNAL_SERVER_ERROR, "token revocation failed")
        }
    }
}

/// `{"expires_at":"…Z","token":"…"}`: compact and in this order, as clients search it for `"token":"`.
pub fn body(token: &Token) -> String {
    let expires_at = token.facts.expiry.map(clock::rfc3339).unwrap_or_default();
    format!("{{\"expires_at\":{},\"token\":{}}}", json!(expires_at), json!(token.secret.expose()))
}

fn failure(status: StatusCode, text: &str) -> Response {
    json_response(status, &json!({ "error": text }))
}

fn limited(seconds: u64) -> Response {
    let body = json!({ "error": "rate limit exceeded", "retry_after": seconds });
    after(seconds, json_response(StatusCode::TOO_MANY_REQUESTS, &body))
}

/// With the seconds that the client should wait.
fn after(seconds: impl Into<HeaderValue>, mut response: Response) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

fn json_response(status: StatusCode, body: &serde_json::Value) -> Response {
    with_headers(status, body.to_string())
}

fn with_headers(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn ready(State(broker): State<Arc<Server>>) -> Response {
    if broker.draining.load(Ordering::Relaxed) {
        return json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "stopping" }));
    }
    json_response(StatusCode::OK, &json!({ "status": "ok" }))
}

/// For this machine without a bearer, for others with any. Refusals are logged: they are guesses like any other.
async fn metrics(State(broker): State<Arc<Server>>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    let started = clock::moment();
    let bearers = broker.bearers.as_ref().map(|file| file.current(started.steady));
    let from = (peer(&request), broker.user);
    let open = bearers.is_some() && from.0.is_local();
    if !open
        && let Err(Denial(status, text)) =
            authenticate(bearers.as_deref(), &Route::Admin, from, &request.headers)
    {
        return note(&broker, &request, &Noted::default(), started, failure(status, text));
    }
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (headers, broker.metrics.to_text(&broker.gauges())).into_response()
}

/// Empty, so that no client takes it for "no App configured".
async fn unknown(State(broker): State<Arc<Server>>, request: Request) -> Response {
    let (started, (request, _)) = (clock::moment(), request.into_parts());
    note(&broker, &request, &Noted::default(), started, StatusCode::NOT_FOUND.into_response())
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
    note(&broker, &request, &Noted::default(), started, response)
}

/// Counts and logs a request with its answer. Whoever has no bearer gets another answer, and no line of its own, where
/// there were too many of them from its address: nobody is to be known by guessing, or to fill the log.
fn note(broker: &Server, request: &Parts, known: &Noted, started: Moment, response: Response) -> Response {
    let client = peer(request);
    if known.bearer.is_none()
        && let Some(address) = Address::of(client)
        && let Err(over) = broker.failures.count(&address, broker.millis(started.steady))
    {
        let response = limited(over.seconds);
        broker.metrics.request(response.status().as_u16());
        broker.metrics.failure_limited();
        if over.first {
            let many =
                "too many requests without a valid bearer in a minute: the rest are not logged one by one";
            broker.log.event(&format!("{address}: {many}"));
        }
        return response;
    }
    let status = response.status().as_u16();
    broker.metrics.request(status);
    broker.log.access(&Access {
        client,
        bearer: known.bearer.as_deref(),
        method: request.method.as_str(),
        path: request.uri.path(),
        scope: known.scope.as_ref(),
        status,
        started: started.wall,
        took: started.steady.elapsed(),
    });
    response
}
