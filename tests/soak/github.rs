//! A GitHub that does no more than mint: slowly for one owner, never for another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::from_now;
use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::tokens::classic_token;

/// Owners, their installations, and how long a mint takes.
const OWNERS: [(&str, u64, Duration); 3] = [
    ("calm-org", 7, Duration::from_millis(50)),
    ("greedy-org", 8, Duration::from_secs(1)),
    ("limited-org", 9, Duration::ZERO),
];

/// How long the limit of the limited owner lasts, in seconds.
pub const LIMITED: u64 = 30;

/// A running one.
pub struct SlowGitHub {
    pub server: HttpServer,
    /// Mints that have met the limit.
    pub limited: Arc<AtomicUsize>,
}

impl SlowGitHub {
    pub fn start() -> Self {
        let limited = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&limited);
        Self { server: HttpServer::start(move |request| answer(request, &counted)), limited }
    }
}

fn answer(request: &Request, limited: &AtomicUsize) -> Response {
    let response = match request.path.trim_start_matches("/api/v3/").split('/').collect::<Vec<_>>()[..] {
        ["users", owner, "installation"] => installation(owner),
        ["app", "installations", id, "access_tokens"] => mint(request, id, limited),
        ["installation", "repositories"] => Response::json(200, json!({ "repositories": [] })),
        _ => Response::json(404, json!({ "message": "Not Found" })),
    };
    response.with_header("X-GitHub-Request-Id", "x")
}

fn installation(owner: &str) -> Response {
    match OWNERS.iter().find(|(known, ..)| *known == owner) {
        Some((owner, id, _)) => {
            let account = json!({ "login": owner, "id": id, "type": "Organization" });
            Response::json(200, json!({ "id": id, "account": account }))
        }
        None => Response::json(404, json!({ "message": "Not Found" })),
    }
}

fn mint(request: &Request, id: &str, limited: &AtomicUsize) -> Response {
    let Some((owner, _, delay)) = OWNERS.iter().find(|(_, known, _)| known.to_string() == id) else {
        return Response::json(404, json!({ "message": "Not Found" }));
    };
    if *owner == "limited-org" {
        limited.fetch_add(1, Ordering::SeqCst);
        let body = json!({ "message": "You have exceeded a secondary rate limit." });
        return Response::json(403, body).with_header("Retry-After", LIMITED.to_string());
    }
    let asked: BTreeMap<String, Value> = serde_json::from_slice(&request.body).expect("JSON");
    let mut body = json!({ "token": classic_token(), "expires_at": from_now(3600), "permissions": { "contents": "read" } });
    if let Some(Value::Array(names)) = asked.get("repositories") {
        body["repositories"] = names.iter().map(|name| json!({ "name": name })).collect();
    }
    Response::json(201, body).after(*delay)
}
