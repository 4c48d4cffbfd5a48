//! `setup --identity`: the App's bot, who is the same wherever the App is installed.

use std::fs;

use super::{bare, setup};
use crate::common::{Cloud, broker_sandbox, from_now, message};
use crate::support::broker::{FakeBroker, token_response};
use crate::support::github::{BOT_USER_ID, LoopbackGitHub};
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;

/// Asserts the bot's name and its address at a host.
#[track_caller]
fn has_identity(sandbox: &Sandbox, output: &Output, host: &str) {
    let lines = format!(
        "    [user]\n    \tname = test-app[bot]\n    \temail = {BOT_USER_ID}+test-app[bot]@users.noreply.{host}\n"
    );
    assert!(output.stdout.contains(&lines), "{}{}", output.stdout, output.stderr);
    let get = |key: &str| {
        let output = sandbox.command("git", &["config", "--global", key]).run();
        output.success().stdout.trim().to_owned()
    };
    assert_eq!(get("user.name"), "test-app[bot]");
    assert_eq!(get("user.email"), format!("{BOT_USER_ID}+test-app[bot]@users.noreply.{host}"));
}

/// The scheme with which the bot's user was asked for, each time.
fn schemes(github: &LoopbackGitHub) -> Vec<String> {
    let asked =
        github.api_requests().into_iter().filter(|seen| seen.target.ends_with("/users/test-app%5Bbot%5D"));
    let scheme = |value: &str| value.split(' ').next().unwrap_or_default().to_owned();
    asked.map(|seen| seen.header("authorization").map_or_else(|| "none".to_owned(), scheme)).collect()
}

#[test]
fn the_bots_identity_comes_from_github_and_links_its_commits() {
    for host in [None, Some("acme.ghe.com"), Some("ghe.test")] {
        let Cloud { sandbox, github, proxy: _proxy } = &Cloud::at(host);
        let output = sandbox.helper(&["setup", "--identity"]).run();
        assert_eq!(output.success().stderr, "");
        has_identity(sandbox, &output, host.unwrap_or("github.com"));
        assert_eq!(schemes(github), ["Bearer"]);
        sandbox.helper(&["setup", "--undo"]).run().success();
        assert_eq!(fs::read_to_string(sandbox.gitconfig()).expect("a file"), "");
    }
}

#[test]
fn neither_several_owners_nor_a_narrowed_token_prevents_it() {
    let (github, sandbox, options) = bare();
    github.suspend(7, true);
    github.add_installation(8, "other-org");
    github.add_enterprise_installation(9, "acme-inc");
    for args in [&["--identity"][..], &["--identity", "--per-repository"]] {
        let output = setup(&sandbox, &options, args);
        // The host has a port; addresses have none.
        has_identity(&sandbox, &output, "127.0.0.1");
        assert_eq!(output.stderr.matches("nothing says which one is meant").count(), 0, "{}", output.stderr);
        setup(&sandbox, &[], &["--undo"]).success();
    }
    assert_eq!(schemes(&github), ["Bearer", "Bearer"]);
    let minted = github.api_requests().into_iter().filter(|seen| seen.target.ends_with("/access_tokens"));
    for mint in minted {
        assert!(
            mint.target.ends_with("/installations/8/access_tokens"),
            "one that can mint: {}",
            mint.target
        );
        assert_eq!(mint.body, b"{\"permissions\":{\"metadata\":\"read\"}}", "and no more than it needs");
    }
}

#[test]
fn without_a_token_the_bot_is_still_public_on_most_servers() {
    let (github, sandbox, options) = bare();
    github.suspend(7, true);
    for args in [&["--identity"][..], &["--identity", "--owner=octo-org"]] {
        has_identity(&sandbox, &setup(&sandbox, &options, args), "127.0.0.1");
        setup(&sandbox, &[], &["--undo"]).success();
    }
    assert_eq!(schemes(&github), ["none", "none"]);
    let wrong = [&options[0], "--app-id=Iv23unknown", &options[2]].map(str::to_owned);
    let output = setup(&sandbox, &wrong, &["--identity"]);
    output.fails_with(4);
    assert!(message(&output).starts_with("ask GitHub for the name of the App's bot: "), "{}", output.stderr);
    assert_eq!(fs::read_to_string(sandbox.gitconfig()).expect("a file"), "", "nothing is written half");
}

#[test]
fn a_token_from_a_broker_identifies_its_bot() {
    let cloud = Cloud::new();
    let token = cloud.github.mint(7).token;
    let broker = FakeBroker::guarded("bearer", move |_| token_response(&token, &from_now(3600)));
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    for name in ["HTTPS_PROXY", "SSL_CERT_FILE"] {
        sandbox.set_env(name, &cloud.sandbox.env()[std::ffi::OsStr::new(name)]);
    }
    let output = sandbox.helper(&["setup", "--identity", "--per-repository"]).run();
    has_identity(&sandbox, &output, "github.com");
}
