//! The trial of a new token: what time changes is waited for, what it does not ends the wait at once and is said.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::common::{app_sandbox, from_now, get, password, request_for, targets};
use crate::support::at_once::at_once;
use crate::support::broker::broker_token;
use crate::support::git::gits;
use crate::support::github::{CLIENT_ID, LoopbackGitHub};
use crate::support::http_server::{HttpServer, Response};
use crate::support::keys::app_key_pem;
use crate::support::sandbox::Sandbox;

const ALLOW_LIST: &str = "The repository owner has an IP allow list enabled, and 192.0.2.1 is not permitted to access this repository.";

fn trials(github: &LoopbackGitHub) -> usize {
    github.git_requests().iter().filter(|seen| seen.target.contains("/info/refs")).count()
}

#[test]
fn a_refusal_by_policy_is_reported_at_once_in_githubs_words_and_the_token_is_handed_out() {
    for (status, sentence, hint) in [
        (403, ALLOW_LIST, "an owner must add this machine's address to the organisation's IP allow list"),
        (
            403,
            "The `octo-org' organization has enabled or enforced SAML SSO. To access this repository, you must re-authorize.",
            "an owner must let the App through the organisation's single sign-on",
        ),
        (
            403,
            "This installation has been suspended",
            "an owner of the account must unsuspend the App's installation under Settings, Applications",
        ),
        (
            401,
            "Although you appear to have the correct authorization credentials, the organization has restricted access.",
            "check the App's installation and the policies of its owner",
        ),
    ] {
        let (github, sandbox) = app_sandbox();
        github.refuse_git(Response::text(status, &format!("{sentence}\nsecret-line")));
        let started = Instant::now();
        let output = get(&sandbox, &github, "octo-org/hello");
        assert!(started.elapsed() < Duration::from_secs(4), "{sentence}: {:?}", started.elapsed());
        assert_eq!((github.live_tokens(), trials(&github)), (vec![password(&output)], 1));
        assert_eq!(
            output.stderr,
            format!(
                "git-credential-github-app: warning: GitHub refuses the new token for octo-org/hello: {sentence}\nhint: {hint}\n"
            )
        );
        get(&sandbox, &github, "octo-org/hello").expect(0, &output.stdout, "");
    }
}

#[test]
fn a_policy_that_quotes_the_token_is_shown_without_it() {
    let (github, sandbox) = app_sandbox();
    let server = HttpServer::start(|request| {
        let sent = request.header("authorization").unwrap_or_default().to_owned();
        let token = sent.strip_prefix("Basic ").and_then(|basic| STANDARD.decode(basic).ok());
        let token = String::from_utf8(token.unwrap_or_default()).expect("text");
        let sentence = format!("suspended\u{1b}[2J: {sent}, {token}");
        Response::text(403, &sentence).with_header("X-GitHub-Request-Id", "x")
    });
    // The API is GitHub's, and git's host is another.
    sandbox.set_env("GITHUB_APP_API_URL", github.api_url());
    sandbox.set_env("GITHUB_APP_HOST", server.url());
    let request = format!("protocol=http\nhost={}\npath=octo-org/hello\n", server.authority());
    let output = sandbox.helper(&["-v", "get"]).stdin(request).run();
    let token = password(&output);
    assert!(output.stderr.contains("warning: GitHub refuses the new token"), "{}", output.stderr);
    let basic = STANDARD.encode(format!("x-access-token:{token}"));
    for secret in [&token, &basic, &token[..60], &basic[40..100], "\u{1b}"] {
        assert!(!output.stderr.contains(secret), "{}", output.stderr);
    }
}

#[test]
fn git_shows_githubs_sentence_without_a_wait() {
    for git in gits() {
        let (github, sandbox) = app_sandbox();
        github.refuse_git(Response::text(403, ALLOW_LIST));
        sandbox.configure_helper(&github.url(), &[]);
        let started = Instant::now();
        let url = github.clone_url("octo-org", "hello");
        let output = git.command(&sandbox, sandbox.path(), &["clone", "-q", &url, "work"]);
        output.fails_with(128);
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        assert!(output.stderr.contains(&format!("remote: {ALLOW_LIST}")), "{}", output.stderr);
        assert!(output.stderr.contains("warning: GitHub refuses the new token"), "{}", output.stderr);
    }
}

#[test]
fn a_repository_outside_the_installation_is_distinguished_from_a_token_that_is_not_known_yet() {
    let (github, sandbox) = app_sandbox();
    github.create_repository("octo-org", "private");
    github.select_repositories(7, &["hello"]);
    let started = Instant::now();
    let output = get(&sandbox, &github, "octo-org/private");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert_eq!(github.live_tokens(), [password(&output)]);
    assert_eq!(
        output.stderr,
        "git-credential-github-app: warning: the App's installation does not include octo-org/private, or there is no such repository\n\
         hint: an owner can add it to the installation under Settings, Applications\n"
    );
    assert_eq!(
        targets(&github)[2..],
        [
            "GET /octo-org/private.git/info/refs?service=git-upload-pack",
            "GET /api/v3/repos/octo-org/private/installation",
        ]
    );
    let request = request_for(&github, "octo-org/private");
    let quiet = sandbox.helper(&["-q", "--no-cache", "get"]).stdin(request).run();
    assert_eq!(quiet.success().stderr, "");

    // In the installation: worth the wait, and GitHub is asked once whether it is.
    let (github, sandbox) = app_sandbox();
    github.select_repositories(7, &["hello"]);
    github.deny_first_uses(2);
    let output = get(&sandbox, &github, "octo-org/hello");
    assert_eq!((github.live_tokens(), output.stderr.as_str()), (vec![password(&output)], ""));
    let asked = targets(&github);
    assert_eq!(asked.iter().filter(|target| target.ends_with("/hello/installation")).count(), 1, "{asked:?}");
    assert_eq!(trials(&github), 3);
}

#[test]
fn a_limit_or_a_page_ends_the_wait_silently_and_other_refusals_do_not() {
    let page = Response::bytes(403, "text/html", b"<html>secret-line".to_vec());
    let cases = [
        (Response::text(403, "You have triggered an abuse detection mechanism."), true, false),
        (Response::text(403, "Forbidden").with_header("Retry-After", "60"), true, false),
        (page.clone(), false, false),
        // The origin of this text is unknown, so it is not shown.
        (Response::text(403, ALLOW_LIST), false, true),
        (Response::text(403, "Forbidden"), true, true),
        (page, true, true),
    ];
    at_once(cases, |(answer, marked, waits)| {
        let shown = String::from_utf8_lossy(&answer.body).into_owned();
        let server = HttpServer::start(move |request| match request.path.rsplit('/').next() {
            Some("access_tokens") => {
                Response::json(201, json!({ "token": broker_token(), "expires_at": from_now(3600) }))
            }
            _ if marked => answer.clone().with_header("X-GitHub-Request-Id", "x"),
            _ => answer.clone(),
        });
        let sandbox = Sandbox::new();
        sandbox.set_env("GITHUB_APP_HOST", server.url());
        sandbox.set_env("GITHUB_APP_CLIENT_ID", CLIENT_ID);
        sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", sandbox.write_private("app.pem", app_key_pem()));
        sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
        sandbox.set_env("GITHUB_APP_TIMEOUT", "3s");
        let request = format!("protocol=http\nhost={}\npath=octo-org/hello\n", server.authority());
        let output = sandbox.helper(&["get"]).stdin(request).run();
        password(&output);
        assert_eq!(output.stderr, "", "{shown}");
        let seen = server.requests().iter().filter(|seen| seen.target.contains("/info/refs")).count();
        assert_eq!(seen > 1, waits, "{shown}");
    });
}
