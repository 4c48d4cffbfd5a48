//! `git credential reject` without a path, which people are told to run where a credential is bad: the host's tokens
//! are gone, whatever they are for, and no other host's.

use crate::common::{
    app_sandbox, broker_sandbox, cache_entries, configure_app, fresh_tokens, password, request_for,
};
use crate::support::broker::FakeBroker;
use crate::support::git::gits;
use crate::support::github::{LoopbackGitHub, Options};
use crate::support::keys::app_key_pem;
use crate::support::sandbox::Sandbox;

/// One host with tokens for owners, scopes and Apps, and another host with one.
struct Site {
    github: LoopbackGitHub,
    other: LoopbackGitHub,
    broker: FakeBroker,
    sandbox: Sandbox,
    second_key: String,
}

impl Site {
    fn new() -> Self {
        let (github, sandbox) = app_sandbox();
        let other = LoopbackGitHub::start(Options::default());
        for (github, id, owner) in [(&github, 8, "other-org"), (&other, 7, "octo-org")] {
            github.add_installation(id, owner);
            github.create_repository(owner, "hello");
        }
        let broker = FakeBroker::in_front_of(&github, "bearer");
        // What an App is to the cache: another key is another App's.
        let second_key = sandbox.write_private("second.pem", app_key_pem()).to_string_lossy().into_owned();
        Self { github, other, broker, sandbox, second_key }
    }

    /// Asks for each token of the host in turn.
    fn tokens(&self) -> Vec<String> {
        let run = |args: &[&str], path: &str| {
            password(&self.sandbox.helper(args).stdin(request_for(&self.github, path)).run())
        };
        let mut found = vec![run(&["get"], "octo-org/hello"), run(&["get"], "other-org/hello")];
        for args in [
            &["--permission=contents=read", "get"][..],
            &["--per-repository", "get"],
            &["--private-key-file", &self.second_key, "get"],
            &["--app-id=12345", "get"],
            &["--installation-id=7", "get"],
        ] {
            found.push(run(args, "octo-org/hello"));
        }
        let broker =
            self.sandbox.helper(&["--source=broker", "get"]).env("GITHUB_APP_BROKER_URL", self.broker.url());
        let broker = broker.env("GITHUB_APP_BROKER_TOKEN", "bearer");
        found.push(password(&broker.stdin(request_for(&self.github, "octo-org/hello")).run()));
        found
    }

    fn token_of_the_other_host(&self) -> String {
        let get = self.sandbox.helper(&["get"]).env("GITHUB_APP_HOST", self.other.url());
        password(&get.stdin(request_for(&self.other, "octo-org/hello")).run())
    }
}

#[test]
fn git_credential_reject_without_a_path_takes_all_tokens_of_the_host_and_no_others() {
    for git in gits() {
        let site = Site::new();
        site.sandbox.configure_helper(&site.github.url(), &[]);
        let other = site.token_of_the_other_host();
        let mut before = site.tokens();
        assert_eq!(site.tokens(), before, "cached");
        for url in [site.github.url(), site.github.url().replace("://", "://git@")] {
            let reject = git.prepare(&site.sandbox, site.sandbox.path(), &["credential", "reject"]);
            reject.stdin(format!("url={url}\n")).run().expect(0, "", "");
            let after = site.tokens();
            for (one, two) in before.iter().zip(&after) {
                assert_ne!(one, two, "{url}, {}", git.full_version());
            }
            assert!(before.iter().all(|token| !after.contains(token)));
            before = after;
        }
        assert_eq!(site.token_of_the_other_host(), other);
    }
}

#[test]
fn a_password_without_a_path_takes_the_tokens_that_match_it() {
    let site = Site::new();
    let host = format!("protocol=http\nhost={}\n", site.github.host());
    let erase = |password: &str| {
        let input = format!("{host}username=x-access-token\npassword={password}\n");
        site.sandbox.helper(&["erase"]).stdin(input).run().expect(0, "", "");
    };
    let before = site.tokens();
    erase("another");
    assert_eq!(site.tokens(), before);
    for index in [1, 3, 7] {
        erase(&before[index]);
    }
    for (index, (one, two)) in before.iter().zip(site.tokens()).enumerate() {
        assert_eq!(*one != two, [1, 3, 7].contains(&index), "token {index}");
    }
}

#[test]
fn two_fresh_tokens_erased_without_a_path_stop_minting_like_any_others() {
    let (github, sandbox) = app_sandbox();
    let get = || sandbox.helper(&["get"]).stdin(request_for(&github, "octo-org/hello")).run();
    for _ in 0..2 {
        let input = format!("protocol=http\nhost={}\npassword={}\n", github.host(), password(&get()));
        sandbox.helper(&["erase"]).stdin(input).run().expect(0, "", "");
    }
    assert_eq!(get().stdout, "quit=1\n");
    assert_eq!(github.mints(), 2);
}

#[test]
fn a_token_that_a_broker_repeats_is_not_in_the_cache_after_first_aid() {
    let broker = FakeBroker::serving("bearer", "ghs_the-same-again", &crate::common::from_now(3600));
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let get =
        || password(&sandbox.helper(&["get"]).stdin("protocol=https\nhost=github.com\npath=o/r\n").run());
    get();
    sandbox.helper(&["erase"]).stdin("protocol=https\nhost=github.com\n").run().expect(0, "", "");
    for asked in [2, 3] {
        get();
        assert_eq!(broker.requests().len(), asked, "never again from the cache");
    }
}

#[test]
fn first_aid_needs_no_token_source_no_cache_and_makes_nothing() {
    let (github, sandbox) = app_sandbox();
    let erase = || sandbox.helper(&["erase"]).stdin(format!("url={}\n", github.url())).run();
    erase().expect(0, "", "");
    assert!(cache_entries(&sandbox).is_empty() && !sandbox.home().join(".cache").exists());
    let get = || password(&sandbox.helper(&["get"]).stdin(request_for(&github, "octo-org/hello")).run());
    let before = get();
    sandbox.remove_env("GITHUB_APP_CLIENT_ID");
    sandbox.remove_env("GITHUB_APP_PRIVATE_KEY_FILE");
    erase().expect(0, "", "");
    configure_app(&sandbox, &github);
    assert_ne!(get(), before);
}

#[test]
fn with_a_path_only_that_paths_token_is_removed() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    sandbox.set_env("GITHUB_APP_PER_REPOSITORY", "1");
    let request = |path: &str| format!("protocol=https\nhost=github.com\npath={path}\n");
    let get = |path: &str| password(&sandbox.helper(&["get"]).stdin(request(path)).run());
    let (one, two) = (get("o/one"), get("o/two"));
    sandbox.helper(&["erase"]).stdin(request("o/one")).run().expect(0, "", "");
    assert_ne!(get("o/one"), one);
    assert_eq!(get("o/two"), two);
}
