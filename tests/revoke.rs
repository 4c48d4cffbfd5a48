//! `revoke`: one token, all of them, or only here; it is not an error if a token has expired or was already revoked.

use crate::common::{app_sandbox, broker_sandbox, from_now, get, message, password, targets};
use crate::support::broker::{ADMIN_PATH, FakeBroker, token_response};
use crate::support::github::LoopbackGitHub;
use crate::support::http_server::Response;
use crate::support::sandbox::Sandbox;

/// The tokens of three owners in one cache.
fn three_tokens() -> (LoopbackGitHub, Sandbox) {
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_VERIFY", "0");
    for (id, owner) in [(8, "other-org"), (9, "a-user")] {
        github.add_installation(id, owner);
    }
    for owner in ["octo-org", "other-org", "a-user"] {
        password(&get(&sandbox, &github, &format!("{owner}/hello")));
    }
    (github, sandbox)
}

fn revocations(github: &LoopbackGitHub) -> usize {
    targets(github).iter().filter(|target| *target == "DELETE /api/v3/installation/token").count()
}

#[test]
fn the_only_token_is_revoked_at_github_and_gone_from_the_cache() {
    let (github, sandbox) = app_sandbox();
    let first = password(&get(&sandbox, &github, "octo-org/hello"));
    sandbox.helper(&["revoke"]).run().expect(0, "", "");
    assert_eq!((revocations(&github), github.live_tokens().len()), (1, 0));
    assert_ne!(password(&get(&sandbox, &github, "octo-org/hello")), first);
    sandbox.helper(&["revoke"]).run().expect(0, "", "");
    sandbox.helper(&["revoke"]).run().expect(0, "", "");
    assert_eq!(revocations(&github), 2, "without a token there is nothing to revoke");
}

#[test]
fn of_several_tokens_the_settings_choose_one_or_all_go() {
    let (github, sandbox) = three_tokens();
    let output = sandbox.helper(&["revoke"]).run();
    output.fails_with(3);
    assert_eq!(message(&output), "3 cached tokens match, and nothing says which one to revoke");
    assert!(output.stderr.contains("a-user at 127.0.0.1:"), "{}", output.stderr);
    assert_eq!(github.live_tokens().len(), 3);
    let verbose = sandbox.helper(&["-v", "revoke", "--owner=Other-Org"]).run();
    assert!(verbose.success().stderr.contains("revoked the token of other-org at 127.0.0.1:"));
    assert_eq!(github.live_tokens().len(), 2);
    sandbox.helper(&["revoke", "--all"]).run().expect(0, "", "");
    assert_eq!((revocations(&github), github.live_tokens().len()), (3, 0));
}

#[test]
fn local_evicts_without_a_word_to_github() {
    let (github, sandbox) = three_tokens();
    sandbox.helper(&["revoke", "--local", "--all"]).run().expect(0, "", "");
    assert_eq!((revocations(&github), github.live_tokens().len()), (0, 3), "they live until they expire");
    password(&get(&sandbox, &github, "octo-org/hello"));
    assert_eq!(github.mints(), 4);
}

#[test]
fn revoking_a_token_that_is_no_longer_valid_is_quiet() {
    let (github, sandbox) = three_tokens();
    github.kill_tokens();
    sandbox.helper(&["revoke", "--all"]).run().expect(0, "", "");
    sandbox.helper(&["revoke", "--all"]).run().expect(0, "", "");
    assert_eq!(revocations(&github), 3);
}

#[test]
fn what_cannot_be_revoked_stays_and_does_not_keep_the_others() {
    let (github, sandbox) = three_tokens();
    github.suspend(7, true);
    let output = sandbox.helper(&["revoke", "--all"]).run();
    output.fails_with(4);
    let text = "revoke the token of octo-org at ";
    assert!(message(&output).starts_with(text), "{}", output.stderr);
    assert!(
        output.stderr.contains("hint: --local evicts it without asking GitHub; it expires by itself in ")
    );
    github.suspend(7, false);
    assert_eq!(github.live_tokens().len(), 1);
    sandbox.helper(&["revoke", "--all"]).run().expect(0, "", "");
    assert_eq!(github.live_tokens().len(), 0);
}

#[test]
fn a_github_that_is_away_is_a_temporary_failure_and_the_token_stays() {
    let (github, sandbox) = app_sandbox();
    password(&get(&sandbox, &github, "octo-org/hello"));
    let url = github.url();
    drop(github);
    let output = sandbox.helper(&["--timeout=300ms", "revoke"]).run();
    output.fails_with(5);
    assert!(message(&output).contains("cannot reach GitHub"), "{}", output.stderr);
    let status = sandbox.helper(&["status"]).run();
    assert!(status.success().stdout.contains(&format!("octo-org at {}", url.trim_start_matches("http://"))));
}

#[test]
fn no_source_is_needed_to_revoke_all_and_a_cache_that_is_not_private_is_not_touched() {
    let (github, sandbox) = three_tokens();
    for name in ["GITHUB_APP_CLIENT_ID", "GITHUB_APP_PRIVATE_KEY_FILE", "GITHUB_APP_HOST"] {
        sandbox.remove_env(name);
    }
    let cache = sandbox.home().join(".cache/git-credential-github-app");
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(&cache, mode(0o755)).expect("a directory of ours");
    let output = sandbox.helper(&["revoke", "--all"]).run();
    output.fails_with(1);
    assert!(message(&output).contains("others may access it"), "{}", output.stderr);
    std::fs::set_permissions(&cache, mode(0o700)).expect("a directory of ours");
    sandbox.helper(&["revoke", "--all"]).run().expect(0, "", "");
    assert_eq!(github.live_tokens().len(), 0);
    Sandbox::new().helper(&["revoke", "--all"]).run().expect(0, "", "");
}

#[test]
fn a_token_from_a_broker_is_the_brokers_to_end() {
    let (github, sandbox) = app_sandbox();
    let state = github.mint(7);
    let expiry = from_now(3600);
    let token = state.token.clone();
    for (status, note) in [
        (204, "asked the broker to end the token of "),
        (404, "the broker cannot revoke tokens: the token of "),
        (405, "the broker cannot revoke tokens: the token of "),
    ] {
        let (token, expiry) = (token.clone(), expiry.clone());
        let broker = FakeBroker::start(move |request| match request.method.as_str() {
            "DELETE" => Response::text(status, ""),
            _ => token_response(&token, &expiry),
        });
        sandbox.remove_env("GITHUB_APP_CLIENT_ID");
        sandbox.set_env("GITHUB_APP_BROKER_URL", broker.url());
        sandbox.set_env("GITHUB_APP_BROKER_TOKEN", "bearer-of-this-workspace");
        sandbox.helper(&["token"]).run().success();
        let output = sandbox.helper(&["-v", "revoke"]).run();
        assert!(output.success().stderr.contains(note), "{status}: {}", output.stderr);
        let asked = broker.requests();
        let [_, delete] = asked.as_slice() else { panic!("{} requests", asked.len()) };
        assert_eq!((delete.method.as_str(), delete.target.as_str()), ("DELETE", ADMIN_PATH));
        assert_eq!(delete.header("authorization"), Some("Bearer bearer-of-this-workspace"));
        sandbox.helper(&["token"]).run().success();
        assert_eq!(broker.requests().len(), 3, "it is gone from the cache");
        sandbox.helper(&["revoke", "--local"]).run().expect(0, "", "");
        assert_eq!(broker.requests().len(), 3);
    }
    assert_eq!((revocations(&github), github.live_tokens().len()), (0, 1), "others may hold it");
}

#[test]
fn a_broker_that_fails_leaves_the_token_where_it_is() {
    let broker = FakeBroker::start(|request| match request.method.as_str() {
        "DELETE" => Response::text(401, ""),
        _ => token_response("t", &from_now(3600)),
    });
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    sandbox.helper(&["token"]).run().success();
    let output = sandbox.helper(&["revoke"]).run();
    output.fails_with(4);
    assert!(
        output.stderr.contains("hint: --local evicts it without asking the broker\n"),
        "{}",
        output.stderr
    );
    sandbox.helper(&["token"]).run().expect(0, "t\n", "");
    // A broker that the settings do not know any more cannot be asked.
    sandbox.set_env("GITHUB_APP_BROKER_URL", "http://127.0.0.1:1");
    let forgotten = sandbox.helper(&["-v", "revoke", "--all"]).run();
    assert!(
        forgotten.success().stderr.contains("the settings do not name the broker"),
        "{}",
        forgotten.stderr
    );
}
