//! Every git on the machine, through both providers, against git's own smart HTTP server.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::common::{app_sandbox, broker_in_front_of, configure_app, push_submodules};
use crate::support::at_once::at_once;
use crate::support::git::{Git, gits};
use crate::support::github::{LoopbackGitHub, Options};
use crate::support::keys::app_key_pem;
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;

/// Clone, fetch, list, push small and large, clone again; only the first command calls the API.
fn work_with(git: &Git, github: &LoopbackGitHub, sandbox: &Sandbox) {
    sandbox.configure_helper(&github.url(), &[]);
    let url = github.clone_url("octo-org", "hello");
    let run = |cwd: &Path, args: &[&str]| {
        let output = git.command(sandbox, cwd, args);
        output.success();
        assert!(!output.stderr.contains("warning"), "{:?}: {}", git.full_version(), output.stderr);
        output.stdout
    };
    run(sandbox.path(), &["clone", "-q", &url, "work"]);
    let work = sandbox.path().join("work");
    let asked = github.api_requests().len();
    run(&work, &["fetch"]);
    assert!(run(&work, &["ls-remote", &url]).contains("refs/heads/main"));
    for (name, size) in [("small", 10), ("large", 3 << 20)] {
        // Digits of a sequence that does not compress well: the push must exceed http.postBuffer (1 MiB).
        let mut value = 1_u32;
        let content: Vec<u8> = (0..size)
            .map(|_| {
                value = value.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                value.to_be_bytes()[0]
            })
            .collect();
        fs::write(work.join(name), content).expect("a work tree of ours");
        run(&work, &["add", "."]);
        run(&work, &["commit", "-q", "-m", name]);
        run(&work, &["push", "-q", "origin", "HEAD:main"]);
    }
    let head = run(&work, &["rev-parse", "HEAD"]);
    assert_eq!(github.head("octo-org", "hello").as_deref(), Some(head.trim()));
    run(sandbox.path(), &["clone", "-q", &url, "again"]);
    assert_eq!(github.api_requests().len(), asked, "later commands make no call to the API");
}

#[test]
fn git_clones_fetches_and_pushes_with_the_app_key() {
    for git in gits() {
        let (github, sandbox) = app_sandbox();
        work_with(&git, &github, &sandbox);
        assert_eq!(github.mints(), 1, "{}", git.full_version());
    }
}

#[test]
fn git_clones_fetches_and_pushes_with_a_broker() {
    for git in gits() {
        let (github, _) = app_sandbox();
        let (broker, sandbox) = broker_in_front_of(&github);
        work_with(&git, &github, &sandbox);
        assert_eq!(broker.requests().len(), 1, "{}", git.full_version());
    }
}

#[test]
fn git_works_over_tls_with_a_private_ca() {
    let ca = TestCa::new();
    for git in gits() {
        let github = LoopbackGitHub::start_tls(&ca, Options::default());
        github.add_installation(7, "octo-org");
        github.create_repository("octo-org", "hello");
        github.commit_file("octo-org", "hello", "README.md", b"hello\n");
        let sandbox = Sandbox::new();
        configure_app(&sandbox, &github);
        let pem = ca.ca_pem_path(sandbox.path());
        sandbox.set_env("GIT_SSL_CAINFO", &pem);
        sandbox.set_env("SSL_CERT_FILE", &pem);
        work_with(&git, &github, &sandbox);
        assert_eq!(github.mints(), 1);
    }
}

#[test]
fn urls_with_a_placeholder_user_name_are_cloned_and_a_persons_is_left_to_git() {
    for git in gits() {
        let (github, sandbox) = app_sandbox();
        sandbox.configure_helper(&github.url(), &[]);
        let url = |user: &str| github.clone_url("octo-org", "hello").replace("://", &format!("://{user}@"));
        for user in ["git", "oauth2", "x-oauth-basic", "token", "x-access-token", "GIT"] {
            git.command(&sandbox, sandbox.path(), &["clone", "-q", &url(user), user]).success();
            git.command(&sandbox, &sandbox.path().join(user), &["push", "-q", "origin", "HEAD:next"])
                .success();
        }
        assert_eq!(github.mints(), 1, "{}: one token, stored and not erased", git.full_version());
        let output = git.command(&sandbox, sandbox.path(), &["clone", "-q", &url("me"), "mine"]);
        assert!(output.stderr.contains("could not read Password for"), "{}", output.stderr);
    }
}

/// A repository of one owner with a submodule of another, made and cloned again with the sandbox's settings.
fn work_with_submodules(git: &Git, github: &LoopbackGitHub, sandbox: &Sandbox) {
    github.add_installation(8, "other-org");
    github.create_repository("other-org", "library");
    github.commit_file("other-org", "library", "lib.txt", b"lib\n");
    push_submodules(git, github, sandbox, &[("library", "other-org", "library")]);
    let url = github.clone_url("octo-org", "hello");
    let again = ["clone", "-q", "--recurse-submodules", &url, "again"];
    git.command(sandbox, sandbox.path(), &again).success();
    assert_eq!(
        fs::read(sandbox.path().join("again/library/lib.txt")).expect("the submodule's file"),
        b"lib\n"
    );
    assert_eq!(github.mints(), 2, "{}", git.full_version());
}

#[test]
fn submodules_of_two_owners_get_tokens_of_two_installations() {
    for git in gits() {
        let (github, sandbox) = app_sandbox();
        work_with_submodules(&git, &github, &sandbox);
    }
}

#[test]
fn submodules_of_two_owners_are_served_by_a_broker_that_is_told_the_repository() {
    for git in gits() {
        let (github, _) = app_sandbox();
        let (broker, sandbox) = broker_in_front_of(&github);
        sandbox.set_env("GITHUB_APP_PER_REPOSITORY", "1");
        work_with_submodules(&git, &github, &sandbox);
        assert!(
            broker
                .requests()
                .iter()
                .any(|request| request.target.ends_with("?owner=other-org&repository=library"))
        );
    }
}

#[test]
fn a_revoked_cached_token_is_replaced_in_the_same_command_or_the_next() {
    for git in gits() {
        let (github, sandbox) = app_sandbox();
        sandbox.configure_helper(&github.url(), &[]);
        let url = github.clone_url("octo-org", "hello");
        git.command(&sandbox, sandbox.path(), &["clone", "-q", &url, "work"]).success();
        let work = sandbox.path().join("work");
        github.kill_tokens();
        let first = git.command(&sandbox, &work, &["fetch"]);
        if git.has_continue() {
            first.success();
        } else {
            assert_ne!(first.status, 0, "git {} dies once", git.full_version());
            git.command(&sandbox, &work, &["fetch"]).success();
        }
        assert_eq!(github.mints(), 2, "{}", git.full_version());
        git.command(&sandbox, &work, &["push", "-q", "origin", "HEAD:refs/heads/next"]).success();
        assert_eq!(github.mints(), 2);
    }
}

#[test]
fn two_revoked_tokens_in_a_row_end_the_command_and_do_not_loop() {
    for git in gits() {
        let (github, sandbox) = app_sandbox();
        sandbox.set_env("GITHUB_APP_VERIFY", "no");
        sandbox.configure_helper(&github.url(), &[]);
        let url = github.clone_url("octo-org", "hello");
        // An old header beats every credential, so git finds good tokens refused.
        let header = "http.extraHeader=Authorization: Basic c3RhbGU6c3RhbGU=";
        for _ in 0..4 {
            let output = git.command(&sandbox, sandbox.path(), &["-c", header, "ls-remote", &url]);
            assert_ne!(output.status, 0);
        }
        assert_eq!(github.mints(), 2, "{}", git.full_version());
        let last = git.command(&sandbox, sandbox.path(), &["-c", header, "ls-remote", &url]);
        assert!(
            last.stderr.contains("extraHeader") && last.stderr.contains("told us to quit"),
            "{}",
            last.stderr
        );
    }
}

#[test]
fn a_refusal_stops_git_at_our_message() {
    for git in gits() {
        let (github, sandbox) = app_sandbox();
        github.suspend(7, true);
        sandbox.configure_helper(&github.url(), &[]);
        let url = github.clone_url("octo-org", "hello");
        let output = git.command(&sandbox, sandbox.path(), &["clone", "-q", &url, "work"]);
        assert_ne!(output.status, 0);
        assert!(output.stderr.contains("This installation has been suspended"), "{}", output.stderr);
        assert!(output.stderr.contains("told us to quit"), "{}", output.stderr);
        assert!(!output.stderr.contains("BEGIN") && !app_key_pem().is_empty());
    }
}

#[test]
fn a_token_that_the_server_denies_for_two_seconds_is_held_back_until_it_works() {
    at_once(gits(), |git| {
        let (github, sandbox) = app_sandbox();
        github.deny_new_tokens_for(Duration::from_secs(2));
        sandbox.configure_helper(&github.url(), &[]);
        let url = github.clone_url("octo-org", "hello");
        git.command(&sandbox, sandbox.path(), &["clone", "-q", &url, "work"]).success();
        assert_eq!(github.mints(), 1);

        let (github, sandbox) = app_sandbox();
        github.deny_new_tokens_for(Duration::from_secs(2));
        sandbox.configure_helper(&github.url(), &["--no-verify"]);
        let url = github.clone_url("octo-org", "hello");
        let output = git.command(&sandbox, sandbox.path(), &["clone", "-q", &url, "work"]);
        assert!(output.status != 0 && output.stderr.contains("not found"), "{}", output.stderr);
    });
}
