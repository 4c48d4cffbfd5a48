//! Issuers that rotate their keys, are down, lie, send elsewhere or too much, and those that guard their keys.

use super::oidc::{RULES, agent, route, start};
use super::{ADMIN, Server};
use crate::common::app_sandbox;
use crate::support::at_once::at_once;
use crate::support::http_client::get;
use crate::support::issuer::{AUDIENCE, Behaves, LoopbackIssuer, SigningIssuerKey};
use crate::support::tls::TestCa;

#[test]
fn a_new_key_is_known_at_once_and_the_old_one_no_longer() {
    let issuer = LoopbackIssuer::start(SigningIssuerKey::rsa("one"));
    let server = start(&issuer, RULES, &[]);
    let (old, unused) = (agent(&issuer, "a", "hello"), agent(&issuer, "b", "hello"));
    assert_eq!(get(server.port, &route("a"), &old, "").status, 200);
    issuer.rotate(SigningIssuerKey::p256("two"));
    let new = agent(&issuer, "c", "hello");
    assert_eq!(get(server.port, &route("c"), &new, "").status, 200, "the next request has it");
    assert_eq!(get(server.port, &route("a"), &old, "").status, 200, "it was verified while its key was good");
    assert_eq!(get(server.port, &route("b"), &unused, "").status, 401);
    let fetches = || issuer.requests().iter().filter(|seen| seen.target == "/keys").count();
    assert_eq!(fetches(), 2, "at the start, and for the new key");
    for _ in 0..5 {
        let unknown = SigningIssuerKey::p256("three").sign(&issuer.claims("s"));
        assert_eq!(get(server.port, &route("a"), &unknown, "").status, 401);
    }
    assert_eq!(fetches(), 2, "anybody can make up a key's name");
}

#[test]
fn keys_that_were_good_serve_while_their_issuer_is_away() {
    let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("one"));
    let mut server = start(&issuer, RULES, &[]);
    server.running.wait_for_stderr("issuer ci: it has 1 key");
    issuer.behave(Behaves::Down);
    assert_eq!(get(server.port, &route("a"), &agent(&issuer, "a", "hello"), "").status, 200);
    let unknown = SigningIssuerKey::p256("two").sign(&issuer.claims("s"));
    assert_eq!(get(server.port, &route("a"), &unknown, "").status, 401);
    let log = server.running.wait_for_stderr("; the last ones serve for up to a day");
    assert!(
        log.contains("issuer ci: no keys: ") && log.contains("/.well-known/openid-configuration answers 503"),
        "{log}"
    );
    assert_eq!(get(server.port, &route("b"), &agent(&issuer, "b", "hello"), "").status, 200);
}

#[test]
fn without_keys_the_answer_is_401_for_a_while_and_the_log_says_why() {
    let cases = [
        (Behaves::Down, "/.well-known/openid-configuration answers 503"),
        (Behaves::Hanging, "timeout"),
        (Behaves::Lying, "/.well-known/openid-configuration names another issuer than the trust file's url"),
        (Behaves::Redirecting, "/keys redirects, which is not followed"),
        (Behaves::Huge, "/keys answers with more than 256 KiB"),
        (Behaves::Garbled, "/keys: this is not JSON"),
    ];
    at_once(cases, |(behaves, cause)| {
        let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("one"));
        issuer.behave(behaves);
        let mut server = start(&issuer, RULES, &[]);
        let answer = get(server.port, ADMIN, &agent(&issuer, "a", "hello"), "");
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (401, "{\"error\":\"invalid admin auth token\"}"),
            "{behaves:?}"
        );
        assert_eq!(answer.header("retry-after"), Some("5"), "the token may be good: {behaves:?}");
        let log = server.running.wait_for_stderr("; none of its tokens is accepted until then");
        assert!(log.contains("issuer ci: no keys: ") && log.contains(cause), "{behaves:?}: {log}");
        server.running.wait_for_stderr(" ms: the issuer's keys are unavailable");
        assert!(issuer.requests().iter().all(|seen| seen.target != "/elsewhere"), "followed");
        assert_eq!(get(server.port, ADMIN, "admin", "").status, 200, "bearers need no issuer");
    });
}

#[test]
fn an_issuer_with_a_ca_of_its_own_that_guards_its_keys_is_asked_with_a_bearer() {
    let ca = TestCa::new();
    let issuer = LoopbackIssuer::start_tls(&ca, SigningIssuerKey::rsa("one"));
    issuer.guard("service-account");
    let (github, sandbox) = app_sandbox();
    sandbox.write("ca.pem", ca.ca_pem());
    sandbox.write_private("account", "service-account\n");
    let table = format!("{}ca_file = \"ca.pem\"\ntoken_file = \"account\"\n", issuer.table("ci"));
    sandbox.write_private("trust.toml", format!("{table}{RULES}"));
    let mut server = Server::launch_with(github, sandbox, &["--trust-file", "trust.toml"]);
    assert_eq!(get(server.port, &route("a"), &agent(&issuer, "a", "hello"), "").status, 200);
    let log = server.running.wait_for_stderr(" agents/a GET ");
    assert!(log.contains("listening on 127.0.0.1") && log.contains("1 issuer, 2 rules"), "{log}");
    assert!(!log.contains("service-account"), "{log}");
    assert!(
        issuer.requests().iter().all(|seen| seen.header("authorization") == Some("Bearer service-account"))
    );
}

#[test]
fn keys_in_a_file_need_no_network() {
    let key = SigningIssuerKey::rsa("one");
    let issuer = LoopbackIssuer::start(key.clone());
    let (github, sandbox) = app_sandbox();
    sandbox.write("keys.json", serde_json::json!({ "keys": [key.jwk()] }).to_string());
    let table = format!(
        "[issuer.ci]\nurl = \"{}\"\naudience = \"{AUDIENCE}\"\njwks_file = \"keys.json\"\n",
        issuer.url()
    );
    sandbox.write_private("trust.toml", format!("{table}{RULES}"));
    let server = Server::launch_with(github, sandbox, &["--trust-file", "trust.toml"]);
    assert_eq!(get(server.port, &route("a"), &agent(&issuer, "a", "hello"), "").status, 200);
    // The next key, for tokens that are signed with it.
    issuer.rotate(SigningIssuerKey::p256("two"));
    let next = SigningIssuerKey::p256("two");
    server.sandbox.write("keys.json", serde_json::json!({ "keys": [next.jwk()] }).to_string());
    issuer.rotate(next);
    assert_eq!(get(server.port, &route("b"), &agent(&issuer, "b", "hello"), "").status, 200);
    assert!(issuer.requests().is_empty());
}
