//! REST below `/api/v3`, and the one GraphQL query that gh asks: routes, required headers and
//! authentication. Endpoints of the App take its JWT, the others an installation token.

use serde_json::{Value, json};

use super::answers::{app_json, failure, installation_json, page_not_found, repository_json};
use super::state::{Installation, Repository, Standing, State, Token};
use super::{BOT_USER_ID, SLUG, jwt, mint};
use crate::support::http_server::{Request, Response, lock, percent_decode};

/// Answers any request below `/api/`.
pub fn answer(state: &State, request: &Request) -> Response {
    let response = checked(state, request).with_header("Server", "github.com");
    if response.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
        return response;
    }
    response.with_header("X-GitHub-Media-Type", "github.v3; format=json")
}

fn checked(state: &State, request: &Request) -> Response {
    if request.header("user-agent").is_none_or(str::is_empty) {
        let text = "Request forbidden by administrative rules. Please make sure your request has a User-Agent \
                    header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).";
        return Response::text(403, text);
    }
    let path = percent_decode(&request.path);
    let mut segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    if request.header("host").is_some_and(|host| host.starts_with("api.")) {
        // A host of its own has the routes at its root.
        segments.insert(0, "v3");
    } else {
        segments.remove(0);
    }
    // gh sends other headers to these, so headers are not checked here.
    match (request.method.as_str(), &segments[..]) {
        ("GET", ["v3"] | ["v3", ""]) => {
            let scripted = lock(&state.inner).scripted_roots.pop_front();
            let root = || with_token(state, request, |_| Response::json(200, json!({})));
            return scripted.unwrap_or_else(root);
        }
        ("POST", ["graphql"] | ["v3", "graphql"]) => return with_token(state, request, |_| graphql(request)),
        ("GET", ["v3", "meta"]) => {
            let meta = json!({ "installed_version": "3.19.0", "verifiable_password_authentication": false });
            return Response::json(200, meta);
        }
        _ => {}
    }
    let gh = request.header("user-agent").is_some_and(|agent| agent.starts_with("GitHub CLI "));
    if !gh && request.header("accept") != Some("application/vnd.github+json") {
        return failure(400, "the test server wants Accept: application/vnd.github+json");
    }
    if !gh && request.header("x-github-api-version") != Some("2022-11-28") {
        return failure(400, "the test server wants X-GitHub-Api-Version: 2022-11-28");
    }
    // The web application's, not the API's.
    let ["v3", route @ ..] = &segments[..] else { return page_not_found() };
    routed(state, request, route)
}

fn routed(state: &State, request: &Request, route: &[&str]) -> Response {
    match (request.method.as_str(), route) {
        ("POST", ["app", "installations", id, "access_tokens"]) => {
            let scripted = lock(&state.inner).scripted_mints.pop_front();
            scripted.unwrap_or_else(|| {
                let id = id.parse().ok();
                let minted = |id| mint::answer(state, id, request);
                with_jwt(state, request, || id.map_or_else(not_found, minted))
            })
        }
        ("GET", ["app"]) => with_jwt(state, request, || {
            let count = lock(&state.inner).installations.len();
            Response::json(200, app_json(state, count))
        }),
        ("GET", ["app", "installations"]) => with_jwt(state, request, || installations(state, request)),
        ("GET", ["app", "installations", id]) => {
            with_jwt(state, request, || one(request, id.parse().ok().and_then(|id| state.installation(id))))
        }
        ("GET", ["users" | "orgs", owner, "installation"]) => {
            with_jwt(state, request, || one(request, state.installation_of(owner)))
        }
        ("GET", ["enterprises", slug, "installation"]) => {
            with_jwt(state, request, || one(request, state.installation_of_enterprise(slug)))
        }
        ("GET", ["repos", owner, name, "installation"]) => with_jwt(state, request, || {
            let known = state.repository(owner, name);
            if let (None, Some(moved)) = (&known, state.moved_repository(owner, name)) {
                return moved_permanently(request, &moved);
            }
            one(request, known.and_then(|found| reaching(state, &found)))
        }),
        ("GET", ["repositories", id, "installation"]) => with_jwt(state, request, || {
            let id = id.parse().ok();
            let found = lock(&state.inner).repositories.iter().find(|found| Some(found.id) == id).cloned();
            one(request, found.and_then(|found| reaching(state, &found)))
        }),
        ("GET", ["repos", owner, name]) => with_token(state, request, |token| {
            let found = state.reach(token).into_iter().find(|repository| repository.is(owner, name));
            found.map_or_else(not_found, |repository| Response::json(200, repository_json(&repository)))
        }),
        ("GET", ["users", bot]) if bot.strip_suffix("[bot]") == Some(SLUG) => user(state, request),
        ("GET", ["installation", "repositories"]) => {
            with_token(state, request, |token| repositories(state, token, request))
        }
        ("DELETE", ["installation", "token"]) => {
            let scripted = lock(&state.inner).scripted_revocations.pop_front();
            scripted.unwrap_or_else(|| with_token(state, request, |_| revoke(state, request)))
        }
        ("GET", ["rate_limit"]) => with_token(state, request, |_| {
            let core = json!({ "limit": 5000, "used": 0, "remaining": 5000, "reset": request.now + 3600 });
            Response::json(200, json!({ "resources": { "core": core }, "rate": core }))
        }),
        ("GET", ["versions"]) => Response::json(200, json!(["2022-11-28"])),
        _ => not_found(),
    }
}

fn not_found() -> Response {
    failure(404, "Not Found")
}

fn one(request: &Request, installation: Option<Installation>) -> Response {
    let found = |found: Installation| Response::json(200, installation_json(&found, &request.base_url));
    installation.map_or_else(not_found, found)
}

/// The installation of a repository's owner, if it reaches the repository.
fn reaching(state: &State, repository: &Repository) -> Option<Installation> {
    let reached =
        |found: &Installation| state.repositories_of(found).iter().any(|reached| reached.id == repository.id);
    state.installation_of(&repository.owner).filter(reached)
}

/// Where GitHub leads from an old name: to the repository's number.
fn moved_permanently(request: &Request, repository: &Repository) -> Response {
    let api = if request.path.starts_with("/api/v3/") { "/api/v3" } else { "" };
    let location = format!("{}{api}/repositories/{}/installation", request.base_url, repository.id);
    let body = json!({ "message": "Moved Permanently", "url": location });
    Response::json(301, body).with_header("Location", location)
}

fn with_jwt(state: &State, request: &Request, answer: impl FnOnce() -> Response) -> Response {
    match jwt::check(request.header("authorization"), &state.options, request.now) {
        Ok(()) => answer(),
        Err(message) => failure(401, message),
    }
}

/// The token of either scheme that REST takes; the scheme's case does not matter.
fn presented(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    ["bearer", "token"].contains(&scheme.to_ascii_lowercase().as_str()).then_some(token)
}

fn with_token(state: &State, request: &Request, answer: impl FnOnce(&Token) -> Response) -> Response {
    let Some(token) = presented(request) else { return failure(401, "Requires authentication") };
    match state.standing(token, request.now) {
        Standing::Live(token) => answer(&token),
        Standing::Suspended => failure(403, "This installation has been suspended"),
        Standing::Dead | Standing::NotYetKnown => failure(401, "Bad credentials"),
    }
}

fn graphql(request: &Request) -> Response {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    if body["query"].as_str().is_some_and(|query| query.contains("viewer")) {
        return Response::json(200, json!({ "data": { "viewer": { "login": format!("{SLUG}[bot]") } } }));
    }
    Response::json(200, json!({ "errors": [{ "message": "the test server knows only viewer" }] }))
}

/// The bot's user: for anybody, but a token that is presented must be good and a JWT is none.
fn user(state: &State, request: &Request) -> Response {
    let body = json!({ "id": BOT_USER_ID, "login": format!("{SLUG}[bot]"), "type": "Bot" });
    let answer = Response::json(200, body);
    if request.header("authorization").is_none() {
        return answer;
    }
    with_token(state, request, |_| answer)
}

fn revoke(state: &State, request: &Request) -> Response {
    if let Some(token) = presented(request).and_then(|text| lock(&state.inner).tokens.get_mut(text).map(kill))
    {
        return token;
    }
    not_found()
}

fn kill(token: &mut Token) -> Response {
    token.dead = true;
    Response::empty(204)
}

fn installations(state: &State, request: &Request) -> Response {
    let all = lock(&state.inner).installations.clone();
    let all = all.iter().map(|found| installation_json(found, &request.base_url)).collect();
    let (page, link) = page(all, request);
    with_link(Response::json(200, page), link)
}

fn repositories(state: &State, token: &Token, request: &Request) -> Response {
    let all: Vec<Value> = state.reach(token).iter().map(repository_json).collect();
    let total = all.len();
    let (page, link) = page(all, request);
    with_link(Response::json(200, json!({ "total_count": total, "repositories": page })), link)
}

fn with_link(response: Response, link: Option<String>) -> Response {
    match link {
        Some(link) => response.with_header("Link", link),
        None => response,
    }
}

/// One page, and the `Link` header to the next.
fn page(all: Vec<Value>, request: &Request) -> (Vec<Value>, Option<String>) {
    let number = |key: &str, default: usize| {
        request.query_values(key).first().and_then(|text| text.parse().ok()).unwrap_or(default).max(1)
    };
    let (size, page) = (number("per_page", 30).min(100), number("page", 1));
    let more = all.len() > page * size;
    let next = format!("{}{}?per_page={size}&page={}", request.base_url, request.path, page + 1);
    let items = all.into_iter().skip((page - 1) * size).take(size).collect();
    (items, more.then(|| format!("<{next}>; rel=\"next\"")))
}
