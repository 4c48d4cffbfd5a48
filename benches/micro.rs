//! `cargo bench --bench micro`: what the parts of a `get` cost inside the process.

#![allow(missing_docs, clippy::disallowed_methods, reason = "a benchmark")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use divan::{Bencher, black_box};
use git_credential_github_app::broker::oidc::jwks::Jwks;
use git_credential_github_app::broker::oidc::presented::Presented;
use git_credential_github_app::tokens::ask::Ask;
use git_credential_github_app::tokens::cache::disk::Cache;
use git_credential_github_app::tokens::cache::entry::{Decision, Entry};
use git_credential_github_app::tokens::github::jwt;
use git_credential_github_app::tokens::github::private_key::PrivateKey;
use git_credential_github_app::tokens::protocol;
use git_credential_github_app::tokens::signatures;
use serde_json::json;
use support::broker::{FakeBroker, broker_token, token_response};
use support::issuer::SigningIssuerKey;
use support::keys::app_key_pem;
use support::sandbox::Sandbox;
use support::tokens::rfc3339;

fn main() {
    divan::main();
}

/// As git 2.46 and later ask.
const REQUEST: &str = "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=github.com\n\
    path=octo-org/hello.git\nwwwauth[]=Basic realm=\"GitHub\"\n\n";

#[divan::bench]
fn parse_a_request(bencher: Bencher) {
    bencher.bench(|| protocol::parse(black_box(REQUEST.as_bytes())).is_some());
}

#[divan::bench]
fn read_a_token_from_the_cache(bencher: Bencher) {
    let now = jiff::Timestamp::now().as_second();
    let broker =
        FakeBroker::guarded("bearer", move |_| token_response(&broker_token(), &rfc3339(now + 3600)));
    let sandbox = Sandbox::new();
    sandbox.set_env("GITHUB_APP_BROKER_URL", broker.url());
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN", "bearer");
    sandbox.helper(&["get"]).stdin(REQUEST).run().success();
    let dir = sandbox.home().join(".cache/git-credential-github-app");
    let mut names = std::fs::read_dir(&dir)
        .expect("a cache")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let key = names.find_map(|name| name.strip_suffix(".json").map(str::to_owned)).expect("an entry");
    bencher.bench(|| {
        let stored =
            Cache::open(&dir).and_then(|cache| cache.read(&key)).expect("a cache").expect("an entry");
        assert!(matches!(Entry::of(&stored).decide(&Ask::default(), 240, now), Decision::Hand(_)));
    });
}

/// The cost of an OIDC token that a broker sees for the first time, by the key's kind.
#[divan::bench(args = ["RS256", "ES256"])]
fn verify_an_oidc_token(bencher: Bencher, algorithm: &str) {
    signatures::install();
    let key = if algorithm == "RS256" { SigningIssuerKey::rsa("k") } else { SigningIssuerKey::p256("k") };
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({
        "iss": "https://issuer.example", "aud": "b", "sub": "system:serviceaccount:agents:web", "exp": now + 3600,
        "kubernetes.io": { "namespace": "agents", "pod": { "name": "web-0" }, "serviceaccount": { "name": "web" } },
    });
    let token = key.sign(&claims);
    let keys = Jwks::parse(json!({ "keys": [key.jwk()] }).to_string().as_bytes()).expect("a key");
    bencher.bench(|| {
        let presented = Presented::read(black_box(token.as_bytes())).expect("a token");
        presented.until(None, now).expect("a time");
        keys.check(&presented, presented.header.alg).expect("a signature");
    });
}

#[divan::bench]
fn read_a_private_key(bencher: Bencher) {
    let pem = app_key_pem();
    bencher.bench(|| PrivateKey::from_bytes(black_box(pem).as_bytes()).is_ok());
}

#[divan::bench]
fn sign_an_app_jwt(bencher: Bencher) {
    let key = Arc::new(PrivateKey::from_bytes(app_key_pem().as_bytes()).expect("a key"));
    bencher.bench(|| jwt::encode("Iv23liExample", black_box(1_800_000_000), &key).is_ok());
}
