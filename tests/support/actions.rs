//! The service that gives the jobs of GitHub Actions their id-tokens, on loopback: strict about path, method, query and
//! bearer, as the real one is. <https://docs.github.com/actions/reference/security/oidc#methods-for-requesting-the-oidc-token>

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::http_server::{HttpServer, Recorded, Request, Response};
use super::sandbox::Sandbox;

/// The path and the query that the runner's variable has already.
const TARGET: &str = "/34//idtoken/5f0c/b1d7?api-version=2.0";

/// A job with `id-token: write`; its service stops when dropped.
pub struct ActionsJob {
    server: HttpServer,
    bearer: String,
}

impl ActionsJob {
    /// A job whose id-tokens for this audience are `NAME-1`, `NAME-2` and so on.
    pub fn start(name: &str, audience: &str) -> Self {
        let (name, audience, count) = (name.to_owned(), audience.to_owned(), AtomicUsize::new(0));
        Self::answering(move |request| {
            if request.query_values("audience") != [audience.clone()] {
                return Response::json(400, json!({ "message": "another audience was expected" }));
            }
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            Response::json(200, json!({ "count": 9, "value": format!("{name}-{number}") }))
        })
    }

    /// A job whose service gives this handler's answer to every correct request.
    pub fn answering(handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        let bearer = format!("runtime-secret-{}", super::tokens::random_text(40));
        let expected = format!("Bearer {bearer}");
        let server = HttpServer::start(move |request| {
            if request.header("authorization") != Some(&expected) {
                return Response::json(401, json!({ "message": "not this job" }));
            }
            let api = request.query_values("api-version") == ["2.0"] && TARGET.starts_with(&request.path);
            if request.method != "GET" || !api || request.header("accept") != Some("application/json") {
                return Response::json(404, json!({ "message": "no such service" }));
            }
            handler(request)
        });
        Self { server, bearer }
    }

    /// Sets the variables that the runner sets.
    pub fn set_variables(&self, sandbox: &Sandbox) {
        sandbox.set_env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}{TARGET}", self.server.url()));
        sandbox.set_env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", &self.bearer);
    }

    /// What the job asks with.
    pub fn bearer(&self) -> &str {
        &self.bearer
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.server.requests()
    }
}
