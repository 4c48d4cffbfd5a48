//! The broker as platforms really run it: odd JSON, rotated bearers, every status, hangs and redirects.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::common::{REQUEST, attribute, broker_sandbox, from_now, message, password};
use crate::support::broker::{FakeBroker, error_response, token_response};
use crate::support::http_server::Response;
use crate::support::sandbox::Sandbox;

type Answer = fn() -> Response;

fn json_text(text: String) -> Response {
    Response::bytes(200, "application/json", text.into_bytes())
}

#[test]
fn any_legal_json_and_rfc_3339_is_read_and_cached() {
    let in_an_hour = from_now(3600);
    let local = in_an_hour.trim_end_matches('Z');
    for (index, body) in [
        format!("{{ \"token\" : \"t0\" ,\n \"expires_at\" : \"{in_an_hour}\" }}"),
        format!(r#"{{"token":"t1","extra":[1,{{"token":"no"}}],"expires_at":"{local}.123456789Z"}}"#),
        format!(r#"{{"expires_at":"{local}+00:00","token":"t2"}}"#),
        format!(r#"{{"expires_at":"{in_an_hour}","token":"t\u0033"}}"#),
    ]
    .into_iter()
    .enumerate()
    {
        let broker = FakeBroker::start(move |_| json_text(body.clone()));
        let sandbox = broker_sandbox(&broker.url(), "bearer");
        for _ in 0..2 {
            let output = sandbox.helper(&["get"]).stdin(REQUEST).run();
            assert_eq!(password(&output), format!("t{index}"));
            assert!(attribute(&output, "password_expiry_utc").is_some());
        }
        assert_eq!(broker.requests().len(), 1, "{index}");
    }
}

#[test]
fn a_token_without_a_future_expiry_is_used_once_and_never_cached() {
    let past = format!("\"{}\"", from_now(-60));
    for expires_at in ["null", "\"0001-01-01T00:00:00Z\"", "\"soon\"", "7", past.as_str()] {
        let body = format!(r#"{{"token":"t","expires_at":{expires_at}}}"#);
        let broker = FakeBroker::start(move |_| json_text(body.clone()));
        let sandbox = broker_sandbox(&broker.url(), "bearer");
        for _ in 0..2 {
            sandbox.helper(&["get"]).stdin(REQUEST).run().expect(
                0,
                "username=x-access-token\npassword=t\n",
                "",
            );
        }
        assert_eq!(broker.requests().len(), 2, "{expires_at}");
    }
}

#[test]
fn a_token_inside_the_margin_is_handed_out_without_a_loop() {
    let expiry = from_now(50);
    let broker = FakeBroker::guarded("bearer", move |_| token_response("short", &expiry));
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    assert_eq!(password(&sandbox.helper(&["get"]).stdin(REQUEST).run()), "short");
    assert_eq!(broker.requests().len(), 1);
}

#[test]
fn a_valid_token_is_handed_out_while_renewal_fails() {
    let (calls, expiry) = (AtomicUsize::new(0), from_now(100));
    let broker = FakeBroker::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => token_response("old", &expiry),
        _ => Response::text(502, "bad gateway"),
    });
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    sandbox.set_env("GITHUB_APP_TIMEOUT", "1s");
    password(&sandbox.helper(&["get"]).stdin(REQUEST).run());
    let output = sandbox.helper(&["-v", "get"]).stdin(REQUEST).run();
    assert_eq!(password(&output), "old");
    assert!(output.stderr.contains("renewal failed"), "{}", output.stderr);
}

#[test]
fn a_token_that_would_add_lines_to_the_protocol_is_refused() {
    for token in ["", "ghs_a\nhost=evil.example", "ghs_a\r", "ghs_a\u{0}b"] {
        let body = json!({ "token": token, "expires_at": from_now(3600) });
        let broker = FakeBroker::start(move |_| Response::json(200, body.clone()));
        let sandbox = broker_sandbox(&broker.url(), "bearer");
        let output = sandbox.helper(&["get"]).stdin(REQUEST).run();
        assert_eq!((output.status, output.stdout.as_str()), (0, "quit=1\n"), "{token:?}");
        assert!(!output.stderr.contains("evil"), "{}", output.stderr);
        sandbox.helper(&["token"]).run().fails_with(1);
    }
}

#[test]
fn a_rotated_bearer_is_read_again_once() {
    let broker = FakeBroker::serving("new", "t", &from_now(3600));
    let sandbox = broker_sandbox(&broker.url(), "old");
    sandbox.helper(&["token"]).run().fails_with(4);
    assert_eq!(broker.requests().len(), 1, "the same bearer is not tried twice");

    let sandbox = Sandbox::new();
    let file = sandbox.write_private("bearer", "old");
    let (path, expiry) = (file.clone(), from_now(3600));
    let broker = FakeBroker::start(move |request| {
        if request.header("authorization") == Some("Bearer new") {
            return token_response("t", &expiry);
        }
        std::fs::write(&path, "new\n").expect("a file of ours");
        error_response(401, "invalid workspace auth token")
    });
    sandbox.set_env("GITHUB_APP_BROKER_URL", broker.url());
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN_FILE", file);
    sandbox.helper(&["token"]).run().expect(0, "t\n", "");
    assert_eq!(broker.requests().len(), 2);
}

#[test]
fn each_final_status_has_its_message_and_code_and_is_asked_once() {
    let table: [(&str, Answer, i32); 8] = [
        ("it does not accept the bearer", || error_response(401, "secret-body"), 4),
        ("the bearer may not have this token", || error_response(403, "secret-body"), 4),
        ("it has no GitHub App configured", || error_response(404, "secret-body"), 4),
        ("there is no such endpoint, or it serves another tenant", || Response::empty(404), 4),
        (
            "it has no GitHub App configured, and trying again does not help",
            || error_response(501, "secret-body"),
            4,
        ),
        ("the request was refused", || error_response(400, "secret-body"), 4),
        (
            "the answer is not the JSON object with a token that a broker sends",
            || Response::text(200, "<html>secret-body"),
            1,
        ),
        (
            "there is no such endpoint, or it serves another tenant",
            || Response::text(404, "<html>secret-body</html>"),
            4,
        ),
    ];
    for (text, response, code) in table {
        let broker = FakeBroker::start(move |_| response());
        let sandbox = broker_sandbox(&broker.url(), "bearer");
        let output = sandbox.helper(&["token"]).run();
        assert_eq!((output.status, output.stdout.as_str()), (code, ""), "{text}: {}", output.stderr);
        assert!(message(&output).ends_with(text), "{text}: {}", output.stderr);
        assert!(
            output.stderr.lines().nth(1).is_some_and(|line| line.starts_with("hint: ")),
            "{}",
            output.stderr
        );
        assert!(
            !output.stderr.contains("secret-body") && !output.stderr.contains("Bearer"),
            "{}",
            output.stderr
        );
        assert_eq!(broker.requests().len(), 1, "{text}");
    }
}

#[test]
fn temporary_failures_are_retried_within_the_timeout() {
    let (calls, expiry) = (AtomicUsize::new(0), from_now(3600));
    let broker = FakeBroker::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => error_response(500, "token refresh failed"),
        1 => error_response(429, "slow down").with_header("Retry-After", "1"),
        2 => Response::drop_connection(),
        _ => token_response("t", &expiry),
    });
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    sandbox.helper(&["token"]).run().expect(0, "t\n", "");
    assert_eq!(broker.requests().len(), 4);
}

#[test]
fn a_wait_longer_than_the_timeout_fails_at_once_and_says_until_when() {
    let broker = FakeBroker::start(|_| error_response(429, "no").with_header("Retry-After", "600"));
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let output = sandbox.helper(&["token"]).limit(Duration::from_secs(10)).run();
    output.fails_with(5);
    assert!(output.stderr.contains("hint: wait until 2"), "{}", output.stderr);
    assert_eq!(broker.requests().len(), 1);
}

#[test]
fn a_broker_that_hangs_costs_no_more_than_the_timeout() {
    let broker = FakeBroker::start(|_| Response::hang());
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    sandbox.set_env("GITHUB_APP_TIMEOUT", "300ms");
    let output = sandbox.helper(&["get"]).stdin(REQUEST).limit(Duration::from_secs(10)).run();
    assert_eq!((output.status, output.stdout.as_str()), (0, "quit=1\n"));
    sandbox.helper(&["--on-failure", "next", "get"]).stdin(REQUEST).run().fails_with(5);
}

#[test]
fn the_bearer_does_not_follow_a_redirect_to_another_origin() {
    let other = FakeBroker::serving("bearer", "stolen", &from_now(3600));
    let target = format!("{}/admin/github-installation-token", other.url());
    let broker = FakeBroker::start(move |_| Response::empty(302).with_header("Location", target.clone()));
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let output = sandbox.helper(&["token"]).run();
    assert_eq!((output.status, output.stdout.as_str()), (1, ""));
    assert!(message(&output).contains("redirects to another place"), "{}", output.stderr);
    assert_eq!(other.requests().len(), 0);
}

#[test]
fn a_redirect_within_the_origin_is_followed() {
    let expiry = from_now(3600);
    let broker = FakeBroker::start(move |request| match request.path.as_str() {
        "/new" => token_response("t", &expiry),
        _ => Response::empty(307).with_header("Location", "/new"),
    });
    broker_sandbox(&broker.url(), "bearer").helper(&["token"]).run().expect(0, "t\n", "");
}

#[test]
fn a_platforms_variables_are_all_that_a_workspace_needs() {
    let expiry = from_now(3600);
    let broker = FakeBroker::guarded("bearer", move |_| token_response("t", &expiry));
    let sandbox = Sandbox::new();
    sandbox.set_env("PLATFORM_URL", format!("{}/", broker.url()));
    sandbox.set_env("CONFIGS_DIR", sandbox.path());
    sandbox.write_private(".auth_token", " bearer\n");
    sandbox.helper(&["--no-cache", "token"]).run().expect(0, "t\n", "");
    sandbox.set_env("WORKSPACE_ID", "ws/1");
    sandbox.set_env("MOLECULE_ORG_ID", "org-9");
    sandbox.helper(&["--no-cache", "token"]).run().expect(0, "t\n", "");
    sandbox
        .helper(&["--no-cache", "--owner=Acme", "--repository=a", "--permission=contents=read", "token"])
        .run();
    let requests = broker.requests();
    let targets: Vec<&str> = requests.iter().map(|request| request.target.as_str()).collect();
    assert_eq!(
        targets,
        [
            "/admin/github-installation-token",
            "/workspaces/ws%2F1/github-installation-token",
            "/workspaces/ws%2F1/github-installation-token?owner=acme&repository=a&permission=contents=read",
        ]
    );
    assert_eq!(requests[0].header("x-molecule-org-id"), None);
    assert_eq!(requests[1].header("x-molecule-org-id"), Some("org-9"));
    assert_eq!(requests[1].header("accept"), Some("application/json"));
    let agent = requests[1].header("user-agent").unwrap_or_default().to_owned();
    assert_eq!(agent, format!("git-credential-github-app/{}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn auto_falls_back_to_the_app_key_when_the_broker_cannot_serve() {
    let (github, sandbox) = crate::common::app_sandbox();
    let broken = FakeBroker::start(|_| error_response(500, "token refresh failed"));
    sandbox.set_env("GITHUB_APP_BROKER_URL", broken.url());
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN", "bearer");
    let token = password(
        &sandbox.helper(&["get"]).stdin(crate::common::request_for(&github, "octo-org/hello")).run(),
    );
    assert_eq!(github.live_tokens(), [token]);
    assert_eq!(broken.requests().len(), 2);
    let strict = sandbox.helper(&["--source", "broker", "--timeout", "1s", "token"]).run();
    strict.fails_with(5);
}

#[test]
fn min_life_asks_for_a_newer_token_once_and_takes_the_best_token() {
    let expiry = from_now(1800);
    let broker = FakeBroker::guarded("bearer", move |_| token_response("t", &expiry));
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    sandbox.helper(&["token"]).run().expect(0, "t\n", "");
    sandbox.helper(&["token", "--min-life", "20m"]).run().expect(0, "t\n", "");
    assert_eq!(broker.requests().len(), 1, "the cached one has enough");
    sandbox.helper(&["token", "--min-life", "40m"]).run().expect(0, "t\n", "");
    assert_eq!(broker.requests().len(), 2);
    assert_eq!(broker.requests()[1].header("cache-control"), Some("min-fresh=2400"));
}
