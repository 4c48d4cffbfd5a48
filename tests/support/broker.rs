//! A broker on loopback with the platform's wire format: the workspace and the admin route, bearers,
//! compact JSON with `expires_at` first. Apart from the product's own broker on purpose.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::github::{APP_ID, LoopbackGitHub, Narrowing, State};
use super::http_server::{HttpServer, Recorded, Request, Response, lock};
use super::tls::TestCa;
use super::tokens::stateless_token;

/// The route without a workspace.
pub const ADMIN_PATH: &str = "/admin/github-installation-token";

/// The route of one workspace.
pub fn workspace_path(id: &str) -> String {
    format!("/workspaces/{id}/github-installation-token")
}

/// A new token of 520 characters that no GitHub knows.
pub fn broker_token() -> String {
    stateless_token(APP_ID)
}

/// The broker's answer 200.
pub fn token_response(token: &str, expires_at: &str) -> Response {
    // As text: the order and the missing spaces are part of the format.
    let body = format!("{{\"expires_at\":\"{expires_at}\",\"token\":\"{token}\"}}");
    Response::bytes(200, "application/json; charset=utf-8", body.into_bytes())
}

/// The broker's form of a failure.
pub fn error_response(status: u16, error: &str) -> Response {
    Response::json(status, json!({ "error": error }))
}

/// A running broker; it stops when dropped.
pub struct FakeBroker {
    server: HttpServer,
    bearer: Arc<Mutex<String>>,
}

impl FakeBroker {
    /// A broker that answers what this handler says, with no check at all.
    pub fn start(handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        Self { server: HttpServer::start(handler), bearer: Arc::default() }
    }

    /// The same over HTTPS.
    pub fn start_tls(ca: &TestCa, handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        Self { server: HttpServer::start_tls(ca, handler), bearer: Arc::default() }
    }

    /// A broker that checks route, method, `Accept` and bearer, then asks this handler.
    pub fn guarded(bearer: &str, handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        let bearer = Arc::new(Mutex::new(bearer.to_owned()));
        let wanted = Arc::clone(&bearer);
        let guard = move |request: &Request| {
            let wanted = lock(&wanted).clone();
            refusal(request, &wanted).unwrap_or_else(|| handler(request))
        };
        Self { server: HttpServer::start(guard), bearer }
    }

    /// A broker that gives this one token to this bearer.
    pub fn serving(bearer: &str, token: &str, expires_at: &str) -> Self {
        let (token, expires_at) = (token.to_owned(), expires_at.to_owned());
        Self::guarded(bearer, move |_| token_response(&token, &expires_at))
    }

    /// A broker that mints at this GitHub, one token a request, for the owner of the query or the
    /// first installation.
    pub fn in_front_of(github: &LoopbackGitHub, bearer: &str) -> Self {
        let state = github.shared_state();
        Self::guarded(bearer, move |request| mint(&state, request))
    }

    /// Replaces the bearer, as the platform does when a workspace restarts.
    pub fn set_bearer(&self, bearer: &str) {
        bearer.clone_into(&mut lock(&self.bearer));
    }

    /// The base URL, without a path.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The server below: its clock, port and connections.
    pub fn server(&self) -> &HttpServer {
        &self.server
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.server.requests()
    }
}

fn refusal(request: &Request, bearer: &str) -> Option<Response> {
    let admin = request.path == ADMIN_PATH;
    let workspace = request.path.strip_prefix("/workspaces/").and_then(|rest| rest.split_once('/'));
    let workspace = workspace.is_some_and(|(id, rest)| !id.is_empty() && rest == "github-installation-token");
    if request.method != "GET" || !(admin || workspace) {
        return Some(Response::text(404, "404 page not found"));
    }
    let (missing, wrong) = if admin {
        ("admin auth required", "invalid admin auth token")
    } else {
        ("missing workspace auth token", "invalid workspace auth token")
    };
    let sent = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    match sent {
        None => Some(error_response(401, missing)),
        Some(sent) if sent.trim() != bearer => Some(error_response(401, wrong)),
        Some(_) if request.header("accept") != Some("application/json") => {
            Some(error_response(400, "the test broker wants Accept: application/json"))
        }
        Some(_) => None,
    }
}

fn mint(state: &State, request: &Request) -> Response {
    let installation = match request.query_values("owner").first() {
        Some(owner) => state.installation_of(owner),
        None => lock(&state.inner).installations.first().cloned(),
    };
    let repositories = request.query_values("repository");
    let permissions: BTreeMap<String, String> = request
        .query_values("permission")
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, level)| (name.to_owned(), level.to_owned()))
        .collect();
    let narrowing = Narrowing {
        repository_ids: None,
        repositories: (!repositories.is_empty()).then_some(repositories),
        permissions: (!permissions.is_empty()).then_some(permissions),
    };
    let Some(installation) = installation else { return error_response(500, "token refresh failed") };
    match state.mint(installation.id, &narrowing, request.now) {
        Ok(minted) => token_response(&minted.token, &minted.expires_at_text()),
        Err(_) => error_response(500, "token refresh failed"),
    }
}
