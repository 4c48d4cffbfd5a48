//! Minting with the App key against a GitHub that is as strict as the real one.

use std::time::Duration;

use serde_json::json;

use crate::common::{app_sandbox, get, message, now, password, request_for, targets};
use crate::support::at_once::at_once;
use crate::support::github::{CLIENT_ID, LoopbackGitHub, Options};
use crate::support::http_server::Response;
use crate::support::keys::{app_key_pem, other_key_pem, pkcs8_pem};
use crate::support::needs::OPENSSL;
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;

type Answer = fn() -> Response;

#[test]
fn a_configured_installation_needs_one_call_and_no_verify_saves_the_trial() {
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
    sandbox.set_env("GITHUB_APP_VERIFY", "off");
    sandbox.helper(&["token"]).run().success();
    assert_eq!(targets(&github), ["POST /api/v3/app/installations/7/access_tokens"]);
}

#[test]
fn every_place_of_the_key_mints() {
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
    sandbox.set_env("GITHUB_APP_ID", "12345");
    sandbox.remove_env("GITHUB_APP_CLIENT_ID");
    let file = sandbox.path().join("app.pem");
    let file = file.to_str().expect("a path in UTF-8");
    let sign = format!("openssl dgst -sha256 -sign '{file}'");
    let mut places = vec![
        ("GITHUB_APP_PRIVATE_KEY", app_key_pem().replace('\n', "\\n")),
        ("GITHUB_APP_PRIVATE_KEY", pkcs8_pem()),
        ("GITHUB_APP_PRIVATE_KEY_COMMAND", format!("cat '{file}'")),
    ];
    if OPENSSL.is_met() {
        let encoded = format!("{sign} | base64 | tr '+/' '-_' | tr -d '=\n'");
        places.extend([("GITHUB_APP_SIGN_COMMAND", sign), ("GITHUB_APP_SIGN_COMMAND", encoded)]);
    }
    for (variable, value) in &places {
        let output =
            sandbox.helper(&["token"]).env_remove("GITHUB_APP_PRIVATE_KEY_FILE").env(variable, value).run();
        assert_eq!(output.success().stderr, "", "{variable}");
    }
    assert_eq!(github.mints(), places.len(), "each place has a cache entry of its own");
}

#[test]
fn each_refusal_of_github_has_a_hint_and_is_remembered_for_some_seconds() {
    let body = |message: &str| json!({ "message": message, "status": "x" });
    for (status, text, hint) in [
        (401, "A JSON web token could not be decoded", "does not belong to App Iv23liTestApp"),
        (401, "'Issuer' claim ('iss') must be an Integer", "GitHub does not know the App"),
        (403, "This installation has been suspended", "unsuspend"),
        (
            403,
            "Although you appear to have the correct authorization credentials, the `o` organization has an IP allow list enabled",
            "IP allow list",
        ),
        (404, "Not Found", "is installed there"),
        (
            422,
            "The permissions requested are not granted to this installation.",
            "accept the App's new permissions",
        ),
        (
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
            "--repository",
        ),
    ] {
        let (github, sandbox) = app_sandbox();
        sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
        github.script_mint(vec![Response::json(status, body(text))]);
        let output = sandbox.helper(&["token"]).run();
        assert_eq!((output.status, output.stdout.as_str()), (4, ""), "{text}");
        assert_eq!(
            message(&output),
            format!("mint a token for installation 7: GitHub answered {status}: {text}")
        );
        assert!(output.stderr.contains(hint), "{text}: {}", output.stderr);
        let again = get(&sandbox, &github, "octo-org/hello");
        assert_eq!((again.status, again.stdout.as_str()), (0, "quit=1\n"));
        assert!(again.stderr.contains("the server is asked again in"), "{}", again.stderr);
        assert_eq!(github.mint_requests(), 1, "remembered");
    }
}

#[test]
fn a_key_of_another_app_is_refused_by_its_signature() {
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", sandbox.write_private("other.pem", other_key_pem()));
    let output = get(&sandbox, &github, "octo-org/hello");
    assert_eq!((output.status, output.stdout.as_str()), (0, "quit=1\n"));
    assert!(output.stderr.contains("A JSON web token could not be decoded"), "{}", output.stderr);
}

#[test]
fn temporary_failures_at_github_end_within_the_timeout() {
    let table: [(&str, Answer); 4] = [
        ("500", || Response::text(500, "<html>")),
        ("cannot reach GitHub", Response::drop_connection),
        ("cannot reach GitHub", Response::hang),
        ("403: You have exceeded a secondary rate limit", || {
            Response::json(403, json!({"message": "You have exceeded a secondary rate limit. Please wait"}))
        }),
    ];
    at_once(table, |(text, response)| {
        let (github, sandbox) = app_sandbox();
        sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
        sandbox.set_env("GITHUB_APP_TIMEOUT", "1s");
        github.script_mint((0..40).map(|_| response()).collect());
        let output = sandbox.helper(&["token"]).limit(Duration::from_secs(10)).run();
        assert_eq!((output.status, output.stdout.as_str()), (5, ""), "{text}: {}", output.stderr);
        assert!(message(&output).contains(text), "{text}: {}", output.stderr);
    });
}

#[test]
fn a_limit_in_whatever_words_is_temporary_says_until_when_and_is_not_remembered_as_a_refusal() {
    let refusal = |message: &str| Response::json(403, json!({ "message": message, "status": "403" }));
    for (response, waited) in [
        (refusal("You have triggered an abuse detection mechanism. Please wait a few minutes"), "60"),
        (refusal("You have exceeded a secondary rate limit and have been temporarily blocked"), "60"),
        (refusal("Forbidden").with_header("Retry-After", "300"), "300"),
        (refusal("Forbidden").with_header("X-RateLimit-Remaining", "0"), "60"),
    ] {
        let (github, sandbox) = app_sandbox();
        github.script_mint(vec![response]);
        let before = now();
        let output = sandbox.helper(&["--owner=octo-org", "--timeout=20s", "token"]).run();
        output.fails_with(5);
        let until = output.stderr.lines().find_map(|line| line.strip_prefix("hint: wait until "));
        let until: jiff::Timestamp = until.expect("a time").parse().expect("a time");
        let waited: i64 = waited.parse().expect("seconds");
        let spent = until.as_second() - before - waited;
        assert!((0..20).contains(&spent), "{spent}: {}", output.stderr);
        assert_eq!(github.mint_requests(), 1, "nobody is asked again before then");
        password(&get(&sandbox, &github, "octo-org/hello"));
    }
}

#[test]
fn a_short_limit_is_waited_for() {
    let (github, sandbox) = app_sandbox();
    let limit = Response::json(403, json!({ "message": "Forbidden" }));
    github.script_mint(vec![
        limit.clone().with_header("Retry-After", "1"),
        limit.with_header("Retry-After", "0"),
    ]);
    sandbox.helper(&["token"]).run().success();
    assert_eq!(github.mint_requests(), 3);
    let times = github.server().requests().len();
    assert!(times < 8, "zero seconds are no reason to ask all the time: {times}");
}

#[test]
fn a_token_that_is_not_known_everywhere_yet_is_held_back_until_it_is() {
    let (github, sandbox) = app_sandbox();
    github.deny_first_uses(1);
    let output = sandbox.helper(&["-v", "get"]).stdin(request_for(&github, "octo-org/hello")).run();
    assert_eq!(github.live_tokens(), [password(&output)]);
    assert_eq!(github.git_requests().len(), 2);
    assert!(output.stderr.contains("does not accept the new token everywhere yet"), "{}", output.stderr);
}

#[test]
fn a_min_life_that_no_token_has_mints_once_and_returns_the_best_token() {
    let (github, sandbox) = app_sandbox();
    let cached = sandbox.helper(&["token"]).run().success().stdout.clone();
    for args in [&["token", "--min-life=2h"][..], &["token", "--json", "--min-life=24h"]] {
        let before = github.mint_requests();
        let output = sandbox.helper(args).run();
        assert_eq!(output.success().stderr, "", "{args:?}");
        assert_eq!(github.mint_requests(), before + 1, "{args:?}");
        assert!(!output.stdout.contains(cached.trim()), "{args:?}: a new one has more life");
    }
    let best = sandbox.helper(&["token"]).run().success().stdout.clone();
    github.script_mint((0..9).map(|_| Response::text(500, "down")).collect());
    sandbox.helper(&["--timeout=1s", "token", "--min-life=2h"]).run().expect(0, &best, "");
}

#[test]
fn a_private_ca_is_trusted_by_ssl_cert_file_and_unknown_ones_are_told_apart() {
    let ca = TestCa::new();
    let github = LoopbackGitHub::start_tls(&ca, Options { classic_tokens: true, ..Options::default() });
    github.add_installation(7, "octo-org");
    github.create_repository("octo-org", "hello");
    let sandbox = Sandbox::new();
    sandbox.set_env("GITHUB_APP_HOST", github.host());
    sandbox.set_env("GITHUB_APP_CLIENT_ID", CLIENT_ID);
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", sandbox.write_private("app.pem", app_key_pem()));
    let unknown = get(&sandbox, &github, "octo-org/hello");
    assert_eq!(unknown.stdout, "quit=1\n");
    assert!(unknown.stderr.contains("--ca-file"), "{}", unknown.stderr);
    sandbox.set_env("SSL_CERT_FILE", ca.ca_pem_path(sandbox.path()));
    assert_eq!(
        password(&get(&sandbox, &github, "octo-org/hello")).len(),
        40,
        "the form of Enterprise Server"
    );
}

#[test]
fn nothing_secret_shows_under_v_or_in_the_cache_beside_the_token() {
    let (github, sandbox) = app_sandbox();
    let output = sandbox.helper(&["-v", "get"]).stdin(request_for(&github, "octo-org/hello")).run();
    let token = password(&output);
    for secret in [token.as_str(), "ghs_", "eyJ", "BEGIN", "Bearer", "Basic"] {
        assert!(!output.stderr.contains(secret), "{secret}: {}", output.stderr);
    }
    assert!(output.stderr.contains("201, request "), "GitHub's request ID is there: {}", output.stderr);
    let dir = sandbox.home().join(".cache/git-credential-github-app");
    for entry in std::fs::read_dir(dir).expect("the cache") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("text");
        assert!(!text.contains("BEGIN") && !text.replace(&token, "").contains("eyJ"));
    }
}

#[test]
fn an_answer_that_is_not_from_github_is_not_a_token() {
    for (status, body, code) in
        [(200, "<html>", 3), (201, "<html>", 3), (201, "{}", 1), (201, r#"{"token":"a\nb"}"#, 1)]
    {
        let (github, sandbox) = app_sandbox();
        sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
        github.script_mint(vec![Response::text(status, body)]);
        let output = sandbox.helper(&["token"]).run();
        assert_eq!((output.status, output.stdout.as_str()), (code, ""), "{status} {body}: {}", output.stderr);
        assert!(output.stderr.contains("mint a token for installation 7: "), "{}", output.stderr);
    }
}
