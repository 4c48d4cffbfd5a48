//! Tokens that only one client ever gets, and that it can revoke.

use super::{ADMIN, Server};
use crate::support::http_client::{Answer, delete, get};
use crate::support::http_server::Response;
use crate::support::sandbox::Sandbox;

fn route(workspace: &str) -> String {
    format!("/workspaces/{workspace}/github-installation-token")
}

fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    body["token"].as_str().expect("a token").to_owned()
}

/// Two workspaces with the same limits, and one bearer for many.
fn server() -> Server {
    Server::start_with(&[("one", "workspace=ws-1"), ("two", "workspace=ws-2"), ("admin", "")], &[])
}

#[test]
fn no_two_identities_share_a_token_and_revoking_one_does_not_affect_the_other() {
    let server = server();
    let [one, two] = ["1", "2"].map(|number| {
        let bearer = if number == "1" { "one" } else { "two" };
        token(&get(server.port, &route(&format!("ws-{number}")), bearer, ""))
    });
    let admin = token(&get(server.port, ADMIN, "admin", ""));
    assert!(one != two && two != admin && one != admin);
    assert_eq!(token(&get(server.port, &route("ws-1"), "one", "")), one, "one for each identity and scope");
    let ended = delete(server.port, &route("ws-1"), "one");
    assert_eq!((ended.status, ended.body.as_str()), (204, ""));
    assert_eq!((ended.header("cache-control"), ended.header("content-type")), (Some("no-store"), None));
    let mut live = server.github.live_tokens();
    live.sort();
    let mut expected = [two.clone(), admin.clone()];
    expected.sort();
    assert_eq!(live, expected);
    assert_eq!(delete(server.port, &route("ws-1"), "one").status, 204, "there is none any more");
    assert_eq!(token(&get(server.port, &route("ws-2"), "two", "")), two);
    assert_ne!(token(&get(server.port, &route("ws-1"), "one", "")), one, "the next one is new");
}

#[test]
fn the_token_of_a_bearer_without_a_workspace_is_not_touched() {
    let server = server();
    let admin = token(&get(server.port, ADMIN, "admin", ""));
    assert_eq!(delete(server.port, ADMIN, "admin").status, 204);
    assert_eq!(token(&get(server.port, ADMIN, "admin", "")), admin);
    assert_eq!(server.github.live_tokens(), [admin]);
}

#[test]
fn to_end_a_token_takes_the_same_bearer_route_and_scope_as_to_get_it() {
    let server = server();
    let own = format!("{}?permission=contents=read", route("ws-1"));
    let narrow = token(&get(server.port, &own, "one", ""));
    for (target, bearer, status, body) in [
        (route("ws-1"), "", 401, "missing workspace auth token"),
        (route("ws-1"), "wrong", 401, "invalid workspace auth token"),
        (route("ws-1"), "two", 403, "this bearer is for another workspace"),
        (ADMIN.to_owned(), "one", 403, "this bearer is for its workspace's route only"),
        (format!("{}?what=1", route("ws-1")), "one", 400, "unknown query key"),
    ] {
        let answer = delete(server.port, &target, bearer);
        assert_eq!(answer.status, status, "{target} {bearer}: {}", answer.body);
        assert!(answer.body.contains(body), "{target} {bearer}: {}", answer.body);
    }
    assert_eq!(delete(server.port, &route("ws-1"), "one").status, 204, "of another scope there is none");
    assert_eq!(server.github.live_tokens(), [narrow]);
    assert_eq!(delete(server.port, &own, "one").status, 204);
    assert!(server.github.live_tokens().is_empty());
}

#[test]
fn a_token_that_github_does_not_take_back_stays_and_the_log_says_why() {
    let mut server = server();
    let one = token(&get(server.port, &route("ws-1"), "one", ""));
    server.github.script_revocations(vec![Response::text(403, "")]);
    let failed = delete(server.port, &route("ws-1"), "one");
    assert_eq!((failed.status, failed.body.as_str()), (500, "{\"error\":\"token revocation failed\"}"));
    let log = server.running.wait_for_stderr("the token of one for [owner=octo-org] was not revoked: ");
    assert!(!log.contains(&one));
    assert_eq!(token(&get(server.port, &route("ws-1"), "one", "")), one);
    assert_eq!(delete(server.port, &route("ws-1"), "one").status, 204);
    assert!(server.github.live_tokens().is_empty());
}

#[test]
fn at_the_end_of_a_job_revoke_ends_the_workspaces_token_and_no_other() {
    let server = server();
    let admin = token(&get(server.port, ADMIN, "admin", ""));
    let client = Sandbox::new();
    client.set_env("GITHUB_APP_HOST", server.github.url());
    client.set_env("PLATFORM_URL", format!("http://127.0.0.1:{}", server.port));
    client.set_env("WORKSPACE_ID", "ws-1");
    client.set_env("CONFIGS_DIR", client.path());
    client.write_private(".auth_token", "one\n");
    let own = client.helper(&["token"]).run().success().stdout.trim().to_owned();
    assert!(server.github.live_tokens().contains(&own));
    client.helper(&["revoke"]).run().success();
    assert_eq!(server.github.live_tokens(), [admin]);
}
