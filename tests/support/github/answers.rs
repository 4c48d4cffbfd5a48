//! The JSON objects of GitHub's REST answers, as far as a helper may look at them.

use serde_json::{Value, json};

use super::state::{Installation, Repository, State};
use super::{APP_ID, CLIENT_ID, SLUG};
use crate::support::http_server::Response;

/// GitHub's form of a failure; `status` is a string there.
pub fn failure(status: u16, message: &str) -> Response {
    let url = "https://docs.github.com/rest";
    let body = json!({ "message": message, "documentation_url": url, "status": status.to_string() });
    Response::json(status, body)
}

/// The web application's answer to a path that it does not know.
pub fn page_not_found() -> Response {
    let page = "<!DOCTYPE html><html><title>Page not found</title></html>";
    Response::bytes(404, "text/html; charset=utf-8", page.as_bytes().to_vec())
}

/// `GET /app`.
pub fn app_json(state: &State, installations: usize) -> Value {
    let permissions: serde_json::Map<String, Value> =
        state.options.permissions.iter().map(|(name, level)| (name.clone(), json!(level))).collect();
    json!({
        "id": APP_ID,
        "slug": SLUG,
        "client_id": CLIENT_ID,
        "node_id": "A_1",
        "name": "Test App",
        "owner": { "login": "app-owner", "id": 1, "type": "Organization" },
        "description": null,
        "external_url": "https://example.invalid",
        "html_url": format!("https://github.com/apps/{SLUG}"),
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-01T00:00:00Z",
        "permissions": permissions,
        "events": [],
        "installations_count": installations,
    })
}

/// One installation.
pub fn installation_json(installation: &Installation, base_url: &str) -> Value {
    let suspended = installation.suspended;
    let selection = if installation.selected.is_some() { "selected" } else { "all" };
    let (owner, id) = (&installation.owner, installation.id);
    let account = if installation.enterprise {
        json!({ "slug": owner, "id": id + 1000, "name": owner })
    } else {
        json!({ "login": owner, "id": id + 1000, "type": "Organization" })
    };
    let target_type = if installation.enterprise { "Enterprise" } else { "Organization" };
    json!({
        "id": id,
        "account": account,
        "app_id": APP_ID,
        "app_slug": SLUG,
        "client_id": CLIENT_ID,
        "target_id": id + 1000,
        "target_type": target_type,
        "permissions": installation.permissions,
        "repository_selection": selection,
        "events": [],
        "access_tokens_url": format!("{base_url}/api/v3/app/installations/{id}/access_tokens"),
        "html_url": format!("{base_url}/organizations/{owner}/settings/installations/{id}"),
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-01T00:00:00Z",
        "suspended_at": if suspended { json!("2024-06-01T00:00:00Z") } else { Value::Null },
        "suspended_by": if suspended { json!({ "login": "an-admin", "id": 2 }) } else { Value::Null },
    })
}

/// One repository.
pub fn repository_json(repository: &Repository) -> Value {
    let (owner, name) = (&repository.owner, &repository.name);
    json!({
        "id": repository.id,
        "name": name,
        "full_name": format!("{owner}/{name}"),
        "private": !repository.public,
        "owner": { "login": owner },
        "default_branch": "main",
    })
}
