//! What GitHub grants is held against what was asked for: more is refused and revoked, less is said.

use serde_json::{Value, json};

use crate::common::{app_sandbox, attribute, configure_app, get, password, targets};
use crate::serve::{ADMIN, Server};
use crate::support::github::{LoopbackGitHub, Options};
use crate::support::http_client;
use crate::support::http_server::Response;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;

/// A GitHub that says of each token what this has made of its answer, and a sandbox that asks for `contents=read` on
/// `hello`.
fn narrow(alter: Alter) -> (LoopbackGitHub, Sandbox) {
    let (github, sandbox) = app_sandbox();
    github.alter_mints(alter);
    sandbox.write("config.toml", "repository = [\"hello\"]\npermission = [\"contents=read\"]\n");
    sandbox.set_env("GITHUB_APP_CONFIG", sandbox.path().join("config.toml"));
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    (github, sandbox)
}

const WARNING: &str = "git-credential-github-app: warning: GitHub granted less than was asked for; missing: ";
const LESS: &str = "hint: compare --repository and --permission with what the App's installation includes\n";
const ODD: &str = "hint: GitHub grants no more than is asked for: check the API URL, and that no proxy answers in its place\n";

#[track_caller]
fn refused(output: &Output, what: &str) {
    let line = "git-credential-github-app: mint a token for installation 7: ";
    output.expect(1, "", &format!("{line}{what}; the token was revoked\n{ODD}"));
}

/// What is changed in an answer.
type Alter = fn(&mut Value);

/// What is more than was asked for, and how it is named.
const MORE: [(Alter, &str); 6] = [
    (
        |body| {
            body["permissions"] = json!({"administration": "write", "contents": "read", "secrets": "write"});
        },
        "GitHub granted more than was asked for: administration=write (not asked for), secrets=write (not asked for)",
    ),
    (
        |body| body["permissions"]["contents"] = "write".into(),
        "GitHub granted more than was asked for: contents=write (asked for: read)",
    ),
    (
        |body| {
            let other = json!({"id": 99, "name": "secret", "full_name": "octo-org/secret"});
            body["repositories"].as_array_mut().into_iter().for_each(|list| list.push(other.clone()));
        },
        "GitHub granted more than was asked for: the repository secret",
    ),
    (
        |body| body["repository_selection"] = "all".into(),
        "GitHub granted more than was asked for: all repositories",
    ),
    (|body| body["permissions"] = Value::Null, "GitHub does not say which permissions it granted"),
    (|body| body["repositories"] = Value::Null, "GitHub does not say which repositories it granted"),
];

#[test]
fn more_than_was_asked_for_is_refused_revoked_and_not_kept() {
    for (alter, what) in MORE {
        let (github, sandbox) = narrow(alter);
        for mints in 1..=2 {
            refused(&sandbox.helper(&["token"]).run(), what);
            assert_eq!((github.mints(), github.live_tokens()), (mints, vec![]), "{what}");
        }
        let output = get(&sandbox, &github, "octo-org/hello");
        assert_eq!((output.status, output.stdout.as_str()), (0, "quit=1\n"), "{}", output.stderr);
        assert!(output.stderr.contains(what), "{}", output.stderr);
        assert_eq!(github.live_tokens(), [] as [String; 0]);
        // Where all is asked for, there is nothing that could be more.
        sandbox.set_env("GITHUB_APP_CONFIG", "/dev/null");
        assert_eq!(sandbox.helper(&["token"]).run().success().stderr, "", "{what}");
    }
}

#[test]
fn less_than_was_asked_for_is_handed_out_with_a_warning_that_names_it() {
    for (alter, missing) in [
        ((|body| body["permissions"] = json!({"metadata": "read"})) as Alter, "contents=read (not granted)"),
        (|body| body["repositories"] = json!([]), "the repository hello"),
    ] {
        let (github, sandbox) = narrow(alter);
        sandbox.set_env("GITHUB_APP_VERIFY", "0");
        let output = sandbox.helper(&["token"]).run();
        let token = github.live_tokens().concat();
        output.expect(0, &format!("{token}\n"), &format!("{WARNING}{missing}\n{LESS}"));
        assert_eq!(sandbox.helper(&["token"]).run().success().stderr, "", "said once");
        assert_eq!(github.mints(), 1);
    }
}

#[test]
fn case_and_what_comes_with_every_set_make_no_difference() {
    let (github, sandbox) = narrow(|body| {
        body["repositories"][0]["name"] = "HELLO".into();
        body["permissions"] = json!({"contents": "read", "metadata": "read"});
    });
    assert_eq!(sandbox.helper(&["token"]).run().success().stderr, "");
    assert_eq!(github.live_tokens().len(), 1);
}

#[test]
fn a_repository_that_was_renamed_is_known_by_its_number_or_by_where_its_old_name_leads() {
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_PER_REPOSITORY", "1");
    github.move_repository(("octo-org", "hello"), ("octo-org", "renamed"));
    let output = get(&sandbox, &github, "octo-org/hello");
    assert_eq!((output.stderr.as_str(), password(&output)), ("", github.live_tokens().concat()));
    // A GitHub that takes the old name, and answers with the new one.
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    sandbox.set_env("GITHUB_APP_VERIFY", "0");
    let token = |name: &str| sandbox.helper(&["--no-cache", &format!("--repository={name}"), "token"]).run();
    for (asked, outcome) in
        [("hello", None), ("other", Some("GitHub granted more than was asked for: the repository renamed"))]
    {
        let minted = github.mint(7);
        github.script_mint(vec![Response::json(
            201,
            json!({
                "token": minted.token,
                "expires_at": minted.expires_at_text(),
                "repositories": [{"id": 1, "name": "renamed", "full_name": "octo-org/renamed"}],
            }),
        )]);
        match outcome {
            None => token(asked).expect(0, &format!("{}\n", minted.token), ""),
            Some(what) => refused(&token(asked), what),
        }
    }
}

#[test]
fn a_token_that_github_does_not_know_yet_is_revoked_all_the_same() {
    let (github, sandbox) = narrow(|body| body["repository_selection"] = "all".into());
    github.deny_first_uses(2);
    refused(&sandbox.helper(&["token"]).run(), "GitHub granted more than was asked for: all repositories");
    assert_eq!(github.live_tokens(), [] as [String; 0]);
    let revocations = targets(&github).iter().filter(|seen| seen.starts_with("DELETE ")).count();
    assert_eq!(revocations, 3);
}

#[test]
fn a_token_that_cannot_be_revoked_is_not_handed_out_and_its_expiry_is_named() {
    let (github, sandbox) = narrow(|body| body["repository_selection"] = "all".into());
    github.deny_first_uses(usize::MAX);
    let output = sandbox.helper(&["--timeout=1s", "token"]).run();
    assert_eq!((output.status, output.stdout.as_str()), (1, ""));
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert!(
        lines[0].ends_with("; the token could not be revoked (GitHub answered 401: Bad credentials)"),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("hint: it was not handed out, but it is valid until 2"), "{lines:?}");
    assert_eq!(github.live_tokens().len(), 1);
}

#[test]
fn the_broker_hands_out_no_more_than_its_bearer_may_have() {
    for (alter, what) in MORE {
        let limits = "owner=octo-org repository=hello permission=contents=read";
        let mut server = Server::start_with(&[("narrow", limits)], &[]);
        server.github.alter_mints(alter);
        let answer = http_client::get(server.port, ADMIN, "narrow", "");
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (500, "{\"error\":\"token refresh failed\",\"retry\":false}"),
            "{what}"
        );
        server.running.wait_for_stderr(what);
        server.running.wait_for_stderr("; the token was revoked");
        assert_eq!((server.github.mints(), server.github.live_tokens()), (1, vec![]), "{what}");
    }
}

#[test]
fn refresh_and_exec_have_no_use_either_for_a_token_that_may_do_too_much() {
    let github = LoopbackGitHub::start(Options::default());
    github.add_installation(7, "octo-org");
    github.create_repository("octo-org", "hello");
    github.alter_mints(|body| body["permissions"]["contents"] = "admin".into());
    let sandbox = Sandbox::new();
    configure_app(&sandbox, &github);
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    for command in [&["refresh"][..], &["exec", "--", "true"]] {
        let output = sandbox.helper(&[&["--permission=contents=write"], command].concat()).run();
        refused(&output, "GitHub granted more than was asked for: contents=admin (asked for: write)");
    }
    assert_eq!(
        (github.live_tokens(), attribute(&get(&sandbox, &github, "octo-org/hello"), "quit")),
        (vec![], None)
    );
}
