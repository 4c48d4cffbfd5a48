//! The wire format: statuses, bodies, headers, paths.

use serde_json::Value;

use super::{ADMIN, Server};
use crate::common::app_sandbox;
use crate::support::http_client::{Answer, get, send};

#[track_caller]
fn says(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, body), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn both_routes_answer_with_the_body_that_old_clients_search() {
    let server = Server::start();
    let answer = get(server.port, ADMIN, "admin", "Accept: application/json\r\n");
    let [token] = server.github.live_tokens().try_into().expect("one token");
    let json: Value = serde_json::from_str(&answer.body).expect("JSON");
    let expires_at = json["expires_at"].as_str().expect("text").to_owned();
    says(&answer, 200, &format!("{{\"expires_at\":\"{expires_at}\",\"token\":\"{token}\"}}"));
    assert!(expires_at.len() == 20 && expires_at.ends_with('Z'), "{expires_at}");
    assert!(answer.header("date").is_some(), "clients correct their clocks by it");
    let again = get(server.port, "/workspaces/ws-1/github-installation-token", "admin", "");
    assert_eq!(again.body, answer.body);
    let legacy = server.sandbox.command("sh", &["-c", "sed -n 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/p'"]);
    assert_eq!(legacy.stdin(answer.body).run().stdout.trim(), token);
    assert_eq!(server.github.mints(), 1);
}

#[test]
fn each_refusal_has_the_platforms_text() {
    let server = Server::start();
    let workspace = "/workspaces/ws-1/github-installation-token";
    for (target, bearer, text) in [
        (ADMIN, "", "admin auth required"),
        (ADMIN, "wrong", "invalid admin auth token"),
        (workspace, "", "missing workspace auth token"),
        (workspace, "wrong", "invalid workspace auth token"),
        ("/workspaces//github-installation-token", "admin", "missing workspace ID"),
    ] {
        says(&get(server.port, target, bearer, ""), 401, &format!("{{\"error\":\"{text}\"}}"));
    }
    for query in [
        "?x=1",
        "?owner=a&owner=b",
        "?repository=a/b",
        "?repository=a&repository=A",
        "?permission=contents",
        "?permission=contents=read&permission=contents=write",
        "?OWNER=a",
    ] {
        let answer = get(server.port, &format!("{ADMIN}{query}"), "admin", "");
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.body.starts_with("{\"error\":\""), "{}", answer.body);
    }
    assert_eq!(server.github.server().requests().len(), 0, "GitHub is asked for none of them");
}

#[test]
fn authorization_headers_that_are_not_exactly_right_are_refused() {
    let server = Server::start();
    let long = format!("Authorization: Bearer {}\r\n", "x".repeat(8000));
    for (lines, text) in [
        ("Authorization: bearer admin\r\n", "admin auth required"),
        ("Authorization: BEARER admin\r\n", "admin auth required"),
        ("Authorization: Bearer\tadmin\r\n", "admin auth required"),
        ("Authorization: Bearer\r\n", "admin auth required"),
        ("Authorization: Bearer    \r\n", "admin auth required"),
        ("Authorization: Basic YTph\r\n", "admin auth required"),
        ("Authorization: Bearer admin\r\nAuthorization: Bearer admin\r\n", "invalid admin auth token"),
        ("Authorization: Bearer admin, Bearer admin\r\n", "invalid admin auth token"),
        ("Authorization: Bearer adminx\r\n", "invalid admin auth token"),
        (long.as_str(), "invalid admin auth token"),
    ] {
        says(&get(server.port, ADMIN, "", lines), 401, &format!("{{\"error\":\"{text}\"}}"));
    }
    assert_eq!(get(server.port, ADMIN, "", "authorization: Bearer   admin  \r\n").status, 200, "trimmed");
}

#[test]
fn only_the_very_paths_are_answered() {
    let server = Server::start();
    for target in [
        "/admin/github-installation-token/",
        "//admin/github-installation-token",
        "/admin//github-installation-token",
        "/Admin/github-installation-token",
        "/admin/./github-installation-token",
        "/%61dmin/github-installation-token",
        "/admin%2fgithub-installation-token",
        "/x/../admin/github-installation-token",
        "/workspaces/a/b/github-installation-token",
        "/workspaces/github-installation-token",
        "/",
        "/index.html",
    ] {
        let answer = get(server.port, target, "admin", "");
        assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{target}");
    }
    let post = format!(
        "POST {ADMIN} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let answer = send(server.port, post.as_bytes());
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, DELETE")));
    assert_eq!(server.github.mints(), 0);
}

#[test]
fn without_an_app_it_starts_and_says_so_after_the_bearer() {
    let (github, sandbox) = app_sandbox();
    for name in ["GITHUB_APP_CLIENT_ID", "GITHUB_APP_PRIVATE_KEY_FILE"] {
        sandbox.remove_env(name);
    }
    sandbox.write_private("bearers", super::line(&sandbox, "admin", "admin", ""));
    let server = Server::launch(github, sandbox, &[]);
    says(&get(server.port, ADMIN, "admin", ""), 404, "{\"error\":\"no GitHub App configured\"}");
    says(&get(server.port, ADMIN, "wrong", ""), 401, "{\"error\":\"invalid admin auth token\"}");
}

#[test]
fn a_refusal_of_github_is_500_to_the_caller_and_told_in_the_log() {
    let mut server = Server::start();
    server.github.suspend(7, true);
    for _ in 0..3 {
        let body = "{\"error\":\"token refresh failed\",\"retry\":false}";
        says(&get(server.port, ADMIN, "admin", ""), 500, body);
    }
    let log = server.running.wait_for_stderr("no token for [owner=octo-org] (permanent");
    assert!(log.contains("This installation has been suspended"), "{log}");
    assert_eq!(server.github.mint_requests(), 1, "a refusal is believed for a while");
}

#[test]
fn a_workspace_id_that_is_not_text_is_refused_after_the_bearer_check_and_logged() {
    for form in ["plain", "json"] {
        let mut server = Server::start_with(&[("admin", ""), ("ws", "workspace=ws-1")], &["--log", form]);
        for id in ["%ff", "%c3%28", "ws-1%80", "%ED%A0%80"] {
            let target = format!("/workspaces/{id}/github-installation-token");
            says(&get(server.port, &target, "", ""), 401, "{\"error\":\"missing workspace auth token\"}");
            says(
                &get(server.port, &target, "wrong", ""),
                401,
                "{\"error\":\"invalid workspace auth token\"}",
            );
            for bearer in ["admin", "ws"] {
                let answer = get(server.port, &target, bearer, "");
                says(&answer, 400, "{\"error\":\"the workspace ID is not UTF-8\"}");
            }
        }
        let log = server.running.wait_for_stderr("/workspaces/%ED%A0%80/");
        assert_eq!(log.matches("/workspaces/%ff/").count(), 4, "{log}");
        assert_eq!(server.github.mints(), 0);
    }
}

#[test]
fn health_readiness_and_metrics() {
    let server = Server::start();
    for target in ["/healthz", "/readyz"] {
        says(&get(server.port, target, "", ""), 200, "{\"status\":\"ok\"}");
    }
    get(server.port, ADMIN, "admin", "");
    get(server.port, ADMIN, "wrong", "");
    let metrics = get(server.port, "/metrics", "", "");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "github_app_requests_total{status=\"200\"} 1",
        "github_app_requests_total{status=\"401\"} 1",
        "github_app_mints_total{outcome=\"ok\"} 1",
        "github_app_tokens_alive 1",
        "github_app_mint_duration_seconds_count 1",
    ] {
        assert!(metrics.body.lines().any(|known| known == line), "{line} in\n{}", metrics.body);
    }
    assert!(metrics.body.contains("github_app_next_renewal_seconds 3"), "{}", metrics.body);
}

#[test]
fn the_log_names_client_bearer_scope_and_status_and_no_secret() {
    for (form, part, last) in [
        (
            "plain",
            "Z 127.0.0.1 admin GET /admin/github-installation-token [owner=octo-org repository=hello] 200 ",
            "Z 127.0.0.1 - GET /admin/github-installation-token [-] 401 ",
        ),
        ("json", "\"identity\":\"admin\",\"method\":\"GET\"", "\"status\":401"),
    ] {
        let mut server = Server::start_with(&[("admin", "")], &["--log", form]);
        let target = format!("{ADMIN}?owner=octo-org&repository=hello");
        let answer = get(server.port, &target, "admin", "");
        assert_eq!(answer.status, 200, "{}", answer.body);
        get(server.port, &format!("{ADMIN}?secret=hunter2"), "hunter2", "");
        let log = server.running.wait_for_stderr(last);
        assert!(log.contains(part), "{log}");
        if form == "json" {
            for line in log.lines() {
                let json: Value = serde_json::from_str(line).expect("JSON");
                assert!(json["time"].is_string(), "{line}");
            }
        }
        for secret in ["hunter2", "ghs_", "eyJ", "BEGIN", "sha256"] {
            assert!(!log.contains(secret), "{secret}: {log}");
        }
    }
}
