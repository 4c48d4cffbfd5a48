//! Only GitHub's own answer shows that something is absent, refused or gone. Everything else that answers at the API's
//! URL, such as a web page, a login, a gateway or GitHub itself at a wrong path, is "not the API".

use serde_json::json;

use crate::common::{Cloud, app_sandbox, from_now, get, message, password, targets};
use crate::support::broker::broker_token;
use crate::support::github::{CLIENT_ID, LoopbackGitHub};
use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::keys::app_key_pem;
use crate::support::sandbox::Sandbox;

const PAGE: &str = "<!DOCTYPE html><title>secret-page</title>";

fn page(status: u16) -> Response {
    Response::bytes(status, "text/html; charset=utf-8", PAGE.as_bytes().to_vec())
}

/// The same message by `token` and `get`; git stops at it, and it is asked again at once.
#[track_caller]
fn is_not_the_api(sandbox: &Sandbox, host_url: &str, api_url: &str, cause: &str, hints: &[&str]) {
    let wanted = format!("this is not the API: {api_url} {cause}");
    let request = {
        let (protocol, host) = host_url.split_once("://").expect("a URL");
        format!("protocol={protocol}\nhost={host}\npath=octo-org/hello\n")
    };
    for (args, status, stdout) in [
        (&["--owner=octo-org", "token"][..], 3, ""),
        (&["get"], 0, "quit=1\n"),
        (&["get"], 0, "quit=1\n"),
        (&["--on-failure=next", "get"], 3, ""),
    ] {
        let output = sandbox.helper(args).stdin(&request).run();
        assert_eq!((output.status, output.stdout.as_str()), (status, stdout), "{args:?}: {}", output.stderr);
        assert!(message(&output).ends_with(&wanted), "expected {wanted:?}: {}", output.stderr);
        let said: Vec<&str> = output.stderr.lines().skip(1).map(|line| &line["hint: ".len()..]).collect();
        assert_eq!(said, hints, "{args:?}");
        assert!(!output.stderr.contains("secret-page"), "{}", output.stderr);
    }
}

#[test]
fn a_wrong_path_in_the_api_url_is_distinguished_from_an_app_that_is_not_installed() {
    for (path, cause) in [
        ("", "answered 404 with a web page"),
        ("/api", "answered 404 with a web page"),
        ("/api/graphql", "answered 404 with a web page"),
        ("/octo-org/hello", "answered 404 with a web page"),
        ("/api/v3/graphql", "has no API below it"),
        ("/api/v3/app", "has no API below it"),
        ("/api/v3/api/v3", "has no API below it"),
    ] {
        for installation in [None, Some("7")] {
            let (github, sandbox) = app_sandbox();
            let api_url = format!("{}{path}", github.url());
            sandbox.set_env("GITHUB_APP_API_URL", &api_url);
            if let Some(id) = installation {
                sandbox.set_env("GITHUB_APP_INSTALLATION_ID", id);
            }
            let default = format!(
                "the API of {} is {}, which is the default: check --api-url or GITHUB_APP_API_URL",
                github.host(),
                github.api_url()
            );
            let hints = [default.as_str(), "the API URL of Enterprise Server ends in /api/v3"];
            is_not_the_api(&sandbox, &github.url(), &api_url, cause, &hints);
            assert_eq!(github.mints(), 0);
        }
    }
}

#[test]
fn a_correct_configured_api_url_finds_owners_with_and_without_the_app() {
    let (github, sandbox) = app_sandbox();
    // Another spelling than the default.
    let api_url = format!("http://localhost:{}/api/v3/", github.server().port());
    sandbox.set_env("GITHUB_APP_API_URL", api_url);
    password(&get(&sandbox, &github, "octo-org/hello"));
    get(&sandbox, &github, "stranger/repo").expect(0, "", "");
    get(&sandbox, &github, "stranger/repo").expect(0, "", "");
    let asked = targets(&github);
    assert_eq!(
        asked[3..],
        ["GET /api/v3/users/stranger/installation", "GET /api/v3/app"],
        "one more request, and only where something is absent"
    );
}

/// An App's settings for whatever is at this URL.
fn sandbox_at(url: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.set_env("GITHUB_APP_HOST", url);
    sandbox.set_env("GITHUB_APP_CLIENT_ID", CLIENT_ID);
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", sandbox.write_private("app.pem", app_key_pem()));
    sandbox
}

type Answer = fn(&Request) -> Response;

#[test]
fn pages_logins_and_gateways_are_not_the_api() {
    let table: [(Answer, &str); 12] = [
        (|_| page(404), "answered 404 with a web page"),
        (|_| page(200), "answered 200 with a web page"),
        (|_| page(401), "answered 401 with a web page"),
        (|_| page(403), "answered 403 with a web page"),
        (|_| Response::text(404, " <html>"), "answered 404 with a web page"),
        (|_| Response::text(404, "404 page not found"), "answered 404, but not in GitHub's form"),
        (|_| Response::empty(404), "answered 404, but not in GitHub's form"),
        (|_| Response::text(403, "secret-page"), "answered 403, but not in GitHub's form"),
        // Two gateways' own words for a route that they do not know.
        (
            |_| Response::json(404, json!({ "message": "no Route matched with those values" })),
            "answered 404, but not in GitHub's form",
        ),
        (
            |_| Response::json(404, json!({ "message": "Not Found" })).with_header("x-amzn-requestid", "1"),
            "answered 404, but not in GitHub's form",
        ),
        (
            |_| Response::empty(302).with_header("Location", "https://login.example.com/?secret-page"),
            "redirects elsewhere, as login pages do",
        ),
        (
            |request| match request.path.as_str() {
                "/login" => page(200),
                _ => Response::empty(302).with_header("Location", "/login"),
            },
            "answered 200 with a web page",
        ),
    ];
    for (answer, cause) in table {
        for installation in [None, Some("7")] {
            let server = HttpServer::start(answer);
            let sandbox = sandbox_at(&server.url());
            if let Some(id) = installation {
                sandbox.set_env("GITHUB_APP_INSTALLATION_ID", id);
            }
            let api_url = format!("{}/api/v3", server.url());
            let hint = format!(
                "check that {} is GitHub Enterprise Server, and that no proxy or login page answers in its place",
                server.authority()
            );
            is_not_the_api(&sandbox, &server.url(), &api_url, cause, &[&hint]);
        }
    }
}

#[test]
fn each_of_githubs_marks_is_enough_for_an_app_that_is_not_installed() {
    for mark in ["X-GitHub-Request-Id", "X-GitHub-Media-Type"] {
        let server = HttpServer::start(move |_| {
            Response::json(404, json!({ "message": "Not Found", "status": "404" })).with_header(mark, "x")
        });
        let sandbox = sandbox_at(&server.url());
        let request = format!("protocol=http\nhost={}\npath=octo-org/hello\n", server.authority());
        sandbox.helper(&["get"]).stdin(request).run().expect(0, "", "");
    }
}

#[test]
fn a_page_in_place_of_a_mint_does_not_make_a_known_installation_forgotten() {
    let (github, sandbox) = app_sandbox();
    password(&get(&sandbox, &github, "octo-org/hello"));
    sandbox.helper(&["revoke", "--local"]).run().expect(0, "", "");
    github.script_mint(vec![page(404)]);
    let output = get(&sandbox, &github, "octo-org/hello");
    assert!(message(&output).contains("this is not the API"), "{}", output.stderr);
    password(&get(&sandbox, &github, "octo-org/hello"));
    let look_ups = targets(&github).iter().filter(|target| target.ends_with("/installation")).count();
    assert_eq!(look_ups, 1, "remembered all along");
}

/// Mints like GitHub, and answers all else with a page.
fn minting_only(status: u16) -> HttpServer {
    HttpServer::start(move |request| match request.path.rsplit('/').next() {
        Some("access_tokens") => {
            Response::json(201, json!({ "token": broker_token(), "expires_at": from_now(3600) }))
        }
        _ => page(status),
    })
}

#[test]
fn a_token_is_not_taken_for_revoked_nor_gone_from_the_cache_by_a_pages_401() {
    let server = minting_only(401);
    let sandbox = sandbox_at(&server.url());
    sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
    let token = sandbox.helper(&["--no-verify", "token"]).run().success().stdout.clone();
    let output = sandbox.helper(&["revoke"]).run();
    output.fails_with(3);
    let cause = format!("this is not the API: {}/api/v3 answered 401 with a web page", server.url());
    assert!(message(&output).ends_with(&cause), "{}", output.stderr);
    assert!(output.stderr.contains("hint: --local evicts it without asking GitHub"), "{}", output.stderr);
    sandbox.helper(&["--no-verify", "token"]).run().expect(0, &token, "");
}

#[test]
fn doctor_and_the_bots_identity_tell_a_page_from_a_refusal() {
    let server = minting_only(200);
    let sandbox = sandbox_at(&server.url());
    sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
    sandbox.set_env("GITHUB_APP_VERIFY", "false");
    sandbox.set_env("GH_ENTERPRISE_TOKEN", "ghs_another");
    let cause = format!("this is not the API: {}/api/v3 answered 200 with a web page", server.url());
    let doctor = sandbox.helper(&["doctor"]).run();
    assert!(doctor.stdout.contains(&format!("fail  App: {cause}\n")), "{}", doctor.stdout);
    let setup = sandbox.helper(&["setup", "--identity", "--print"]).run();
    setup.fails_with(3);
    assert!(message(&setup).ends_with(&cause), "{}", setup.stderr);

    let server = minting_only(401);
    sandbox.set_env("GITHUB_APP_HOST", server.url());
    let doctor = sandbox.helper(&["doctor"]).run();
    assert!(!doctor.stdout.contains("dead token"), "a page says nothing of a token: {}", doctor.stdout);
}

#[test]
fn hints_about_enterprise_server_are_for_enterprise_server() {
    let issuer = "'Issuer' claim ('iss') must be an Integer";
    let refuse = |github: &LoopbackGitHub, sandbox: &Sandbox| {
        github.script_mint(vec![
            Response::json(401, json!({ "message": issuer })),
            Response::text(201, "nonsense"),
            Response::json(400, json!({ "message": "Problems parsing JSON" })),
        ]);
        let run = || sandbox.helper(&["--no-cache", "--installation-id=7", "token"]).run();
        [run(), run(), run()].map(|output| output.stderr).concat()
    };
    for (host, is_server) in [(None, false), (Some("acme.ghe.com"), false), (Some("ghe.test"), true)] {
        let Cloud { github, proxy, sandbox } = Cloud::at(host);
        let said = refuse(&github, &sandbox);
        assert_eq!(said.matches("GitHub does not know the App").count(), 1, "{said}");
        assert_eq!(said.contains("hint: Enterprise Server up to 3.13"), is_server, "{host:?}: {said}");
        assert_eq!(
            said.matches("Enterprise Server ends in /api/v3").count(),
            2 * usize::from(is_server),
            "{said}"
        );
        assert_eq!(said.contains("Enterprise Server"), is_server, "{host:?}: {said}");
        drop(proxy);
    }
    // A web page at github.com's API, and its GraphQL.
    let Cloud { github, proxy, sandbox } = Cloud::new();
    for url in ["https://api.github.com/graphql", "https://api.github.com/api/v3"] {
        let output = sandbox.helper(&["--api-url", url, "--owner=octo-org", "token"]).run();
        output.expect(
            3,
            "",
            &format!(
                "git-credential-github-app: look up the App's installation for octo-org: this is not the API: {url} has no API below it\n\
                 hint: the API of github.com is https://api.github.com, which is the default: check --api-url or GITHUB_APP_API_URL\n"
            ),
        );
    }
    drop((github, proxy));
}
