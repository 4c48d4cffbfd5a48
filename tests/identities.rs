//! How a workload proves itself to a broker without a secret of its own: what a command prints, the id-token of a GitHub
//! Actions job, a token that Kubernetes projects and rotates.

mod actions;
mod command;
mod projected;

use std::sync::{Arc, Mutex};

use crate::common::from_now;
use crate::support::broker::{FakeBroker, error_response, token_response};
use crate::support::http_server::lock;
use crate::support::sandbox::Sandbox;

/// What a broker was sent as bearers, one after the other.
type Bearers = Arc<Mutex<Vec<String>>>;

/// A broker that accepts every bearer but `refused`, and gives each one the token `for-BEARER`.
fn broker() -> (FakeBroker, Bearers) {
    let (seen, expiry) = (Bearers::default(), from_now(3600));
    let bearers = Arc::clone(&seen);
    let broker = FakeBroker::start(move |request| {
        let bearer = request.header("authorization").and_then(|sent| sent.strip_prefix("Bearer "));
        let bearer = bearer.unwrap_or("nobody").to_owned();
        lock(&bearers).push(bearer.clone());
        if bearer.starts_with("refused") {
            return error_response(401, "invalid workspace auth token");
        }
        token_response(&format!("for-{bearer}"), &expiry)
    });
    (broker, seen)
}

/// A workspace that knows where its broker is and nothing else.
fn workspace(broker: &FakeBroker) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.set_env("GITHUB_APP_BROKER_URL", broker.url());
    // A trial of a cached token would ask the real github.com: nothing listens at this address.
    sandbox.set_env("HTTPS_PROXY", "http://127.0.0.1:9");
    sandbox
}

fn taken(seen: &Bearers) -> Vec<String> {
    std::mem::take(&mut *lock(seen))
}
