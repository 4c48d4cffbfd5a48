//! OIDC tokens: what they grant to whom, and that clients do not learn why one is refused.

use serde_json::{Value, json};

use super::{ADMIN, Server, line};
use crate::common::app_sandbox;
use crate::support::http_client::{Answer, delete, get};
use crate::support::issuer::{LoopbackIssuer, SigningIssuerKey};

/// Rules for the workspaces of two teams.
pub const RULES: &str = r#"
[[rule]]
issuer = "ci"
match = { team = ["web", "docs-*"], "job/kind" = "agent" }
workspace = "${job/id}"
name = "agents/${job/id}"
owner = "octo-org"
repository = ["${repository}"]
permission = ["contents=write", "metadata=read"]

[[rule]]
issuer = "ci"
match = { team = "ops" }
owner = "octo-org"
"#;

/// A broker that trusts this issuer by these rules, and one bearer, `admin`.
pub fn start(issuer: &LoopbackIssuer, rules: &str, args: &[&str]) -> Server {
    let (github, sandbox) = app_sandbox();
    github.create_repository("octo-org", "second");
    sandbox.write_private("bearers", line(&sandbox, "admin", "admin", ""));
    sandbox.write_private("trust.toml", format!("{}{rules}", issuer.table("ci")));
    Server::launch(github, sandbox, &[&["--trust-file", "trust.toml"], args].concat())
}

pub fn route(workspace: &str) -> String {
    format!("/workspaces/{workspace}/github-installation-token")
}

/// A token of an agent's.
pub fn agent(issuer: &LoopbackIssuer, id: &str, repository: &str) -> String {
    let claims = json!({ "team": "web", "repository": repository, "job": { "kind": "agent", "id": id } });
    issuer.token(&format!("job:{id}"), &claims)
}

pub fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    body["token"].as_str().expect("a token").to_owned()
}

#[test]
fn a_workspace_gets_what_its_rule_says_and_no_more() {
    for key in [SigningIssuerKey::rsa("one"), SigningIssuerKey::p256("one")] {
        let issuer = LoopbackIssuer::start(key);
        let mut server = start(&issuer, RULES, &[]);
        let bearer = agent(&issuer, "web-1", "octo-org/hello");
        for (target, status) in [
            (route("web-1"), 200),
            (format!("{}?repository=hello&permission=contents=read", route("web-1")), 200),
            (format!("{}?repository=second", route("web-1")), 403),
            (format!("{}?permission=issues=read", route("web-1")), 403),
            (format!("{}?owner=other-org", route("web-1")), 403),
            (route("web-2"), 403),
            (ADMIN.to_owned(), 403),
        ] {
            let answer = get(server.port, &target, &bearer, "");
            assert_eq!(answer.status, status, "{target}: {}", answer.body);
        }
        let bodies =
            server.github.api_requests().into_iter().filter(|seen| seen.target.ends_with("/access_tokens"));
        let first = bodies.map(|seen| seen.json()).next().expect("a mint");
        assert_eq!(first["repositories"], json!(["hello"]));
        assert_eq!(first["permissions"], json!({ "contents": "write", "metadata": "read" }));
        let ops = issuer.token("ops", &json!({ "team": "ops" }));
        assert_eq!(get(server.port, &format!("{ADMIN}?repository=second"), &ops, "").status, 200);
        assert_eq!(get(server.port, ADMIN, "admin", "").status, 200, "bearers are known as before");
        let log = server.running.wait_for_stderr(" admin GET ");
        assert!(log.contains("issuer ci: it has 1 key") && log.contains(" agents/web-1 GET "), "{log}");
        assert!(log.contains(" ci/ops GET ") && !log.contains("eyJ"), "{log}");
    }
}

#[test]
fn what_is_not_valid_hears_the_same_401_and_the_log_says_why() {
    let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("one"));
    let mut server = start(&issuer, RULES, &[]);
    let stranger = SigningIssuerKey::p256("one");
    let now = jiff::Timestamp::now().as_second();
    let good = agent(&issuer, "web-1", "hello");
    let with = |claims: Value| issuer.token("s", &claims);
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let unsigned = "eyJhbGciOiJub25lIn0";
    for (presented, cause) in [
        (stranger.sign(&issuer.claims("s")), "the signature is wrong"),
        (
            SigningIssuerKey::p256("two").sign(&issuer.claims("s")),
            "the issuer has no key with the token's kid",
        ),
        (with(json!({ "iss": "https://other.example" })), "the token's issuer is not in the trust file"),
        (with(json!({ "aud": "https://github.com/octo-org" })), "the token is for another audience"),
        (with(json!({ "exp": now - 61 })), "the token has expired"),
        (with(json!({ "exp": null })), "the token has no exp"),
        (with(json!({ "nbf": now + 600 })), "the token is not valid yet (nbf)"),
        (with(json!({ "iat": now + 600 })), "the token is from the future (iat)"),
        (format!("{unsigned}.{claims}."), "the trust file does not allow the token's algorithm"),
        (format!("{header}.{claims}.{}", &signature[1..]), "the signature is wrong"),
        (format!("{header}.{claims}"), ""),
        (format!("{header}.!.{signature}"), "this is not a JWT"),
        ("wrong".to_owned(), ""),
    ] {
        for (target, text) in
            [(ADMIN, "invalid admin auth token"), (&route("web-1"), "invalid workspace auth token")]
        {
            let answer = get(server.port, target, &presented, "");
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (401, &*format!("{{\"error\":\"{text}\"}}")),
                "{cause}"
            );
            assert_eq!(answer.header("retry-after"), None, "{cause}");
        }
        server.running.wait_for_stderr(&if cause.is_empty() {
            " 401 ".to_owned()
        } else {
            format!(" ms: {cause}")
        });
    }
    assert_eq!(server.github.mints(), 0);
    let log = server.running.stderr_so_far();
    assert!(!log.contains("eyJ") && !log.contains(signature), "{log}");
    assert_eq!(get(server.port, &route("web-1"), &good, "").status, 200);
}

#[test]
fn a_token_above_16_kib_is_refused_as_any_other() {
    let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("one"));
    let mut server = start(&issuer, RULES, &[]);
    let claims = json!({ "team": "ops", "x": "x".repeat(9000) });
    assert_eq!(get(server.port, ADMIN, &issuer.token("s", &claims), "").status, 200, "a long one");
    let claims = json!({ "team": "ops", "x": "x".repeat(13_000) });
    let answer = get(server.port, ADMIN, &issuer.token("s", &claims), "");
    assert_eq!((answer.status, answer.body.as_str()), (401, "{\"error\":\"invalid admin auth token\"}"));
    server.running.wait_for_stderr(" ms: the token is longer than 16 KiB");
}

#[test]
fn a_valid_token_that_no_rule_is_for_is_403_and_says_nothing_of_the_rules() {
    let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("one"));
    let mut server = start(&issuer, RULES, &[]);
    for claims in [
        json!({ "team": "other" }),
        json!({ "team": "web", "job": { "kind": "agent", "id": "../x y" }, "repository": "hello" }),
        json!({ "team": "web", "job": { "kind": "agent", "id": "a" }, "repository": "other-org/hello" }),
        json!({ "team": "docs-a/b", "job": { "kind": "agent", "id": "a" }, "repository": "hello" }),
    ] {
        let presented = issuer.token("s", &claims);
        for _ in 0..2 {
            let answer = get(server.port, &route("a"), &presented, "");
            let refusal = "{\"error\":\"no rule is for this token\"}";
            assert_eq!((answer.status, answer.body.as_str()), (403, refusal), "{claims}");
        }
    }
    server.running.wait_for_stderr(" - GET /workspaces/a/github-installation-token [-] 403 ");
    server.running.wait_for_stderr(" ms: no rule of the trust file fits");
    assert_eq!(server.github.mints(), 0);
}

#[test]
fn each_identity_has_tokens_of_its_own_and_ends_no_others() {
    let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("one"));
    let server = start(&issuer, RULES, &[]);
    let [one, two] = ["a", "b"].map(|id| agent(&issuer, id, "hello"));
    // Another token of the same job's: the same identity.
    let again = agent(&issuer, "a", "hello");
    assert_ne!(one, again);
    let of_one = token(&get(server.port, &route("a"), &one, ""));
    let of_two = token(&get(server.port, &route("b"), &two, ""));
    assert_ne!(of_one, of_two);
    assert_eq!(token(&get(server.port, &route("a"), &again, "")), of_one);
    assert_eq!(delete(server.port, &route("a"), &again).status, 204);
    assert_eq!(server.github.live_tokens(), [of_two]);
}
