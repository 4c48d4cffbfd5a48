//! The owner from the clone: `token`, `exec` and `refresh` take it from the remote `origin` where nothing else names one.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::common::{app_sandbox, message};
use crate::support::github::LoopbackGitHub;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;

/// An App with two owners, and a clone whose `origin` is this URL.
fn clone_of(url: impl Fn(&LoopbackGitHub) -> String) -> (LoopbackGitHub, Sandbox, PathBuf) {
    let (github, sandbox) = app_sandbox();
    github.add_installation(8, "other-org");
    github.create_repository("other-org", "second");
    let work = sandbox.path().join("work");
    for args in [&["init", "-q", "work"][..], &["-C", "work", "remote", "add", "origin", &url(&github)]] {
        sandbox.command("git", args).run().success();
    }
    (github, sandbox, work)
}

fn token(sandbox: &Sandbox, cwd: &PathBuf, args: &[&str]) -> Output {
    sandbox.helper(&[args, &["token", "--json"]].concat()).cwd(cwd).run()
}

fn installation(output: &Output) -> Option<u64> {
    serde_json::from_str::<Value>(&output.success().stdout).expect("JSON")["installation_id"].as_u64()
}

#[test]
fn the_origin_names_the_owner_in_every_form_of_its_url() {
    let host = |github: &LoopbackGitHub| github.host().split(':').next().unwrap_or_default().to_owned();
    let forms: [&dyn Fn(&LoopbackGitHub) -> String; 4] = [
        &|github| github.clone_url("other-org", "second"),
        &|github| github.clone_url("other-org", "second").replace("://", "://me@"),
        &|github| format!("git@{}:other-org/second.git", host(github)),
        &|github| format!("ssh://git@{}:2222/other-org/second", host(github)),
    ];
    for form in forms {
        let (github, sandbox, work) = clone_of(form);
        assert_eq!(installation(&token(&sandbox, &work, &[])), Some(8), "{}", form(&github));
        fs::create_dir(work.join("below")).expect("a new directory");
        let verbose = sandbox.helper(&["-v", "refresh"]).cwd(work.join("below")).run();
        let note = "git-credential-github-app: for other-org/second, the origin of this clone\n";
        assert!(verbose.success().stderr.contains(note), "{}", verbose.stderr);
        let show = ["exec", "--", "sh", "-c", "echo ${#GH_ENTERPRISE_TOKEN}"];
        sandbox.helper(&show).cwd(&work).run().success();
        assert_eq!(github.mints(), 1, "all three ask for the same token");
    }
}

#[test]
fn what_options_and_settings_name_beats_the_clone() {
    let (_github, sandbox, work) = clone_of(|github| github.clone_url("other-org", "second"));
    assert_eq!(installation(&token(&sandbox, &work, &["--owner", "octo-org"])), Some(7));
    assert_eq!(installation(&token(&sandbox, &work, &["--installation-id", "7"])), Some(7));
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    assert_eq!(installation(&token(&sandbox, &work, &[])), Some(7));
}

#[test]
fn another_host_no_clone_and_a_clone_of_another_user_name_no_owner() {
    for url in ["https://github.com/other-org/second", "git@gitlab.com:other-org/second"] {
        let (_github, sandbox, work) = clone_of(|_| url.to_owned());
        let output = token(&sandbox, &work, &[]);
        output.fails_with(3);
        assert!(message(&output).contains("the App is installed for 2 owners"), "{}", output.stderr);
        assert!(output.stderr.contains("--owner"), "{}", output.stderr);
    }
    let (_github, sandbox, work) = clone_of(|github| github.clone_url("other-org", "second"));
    token(&sandbox, &sandbox.path().to_owned(), &[]).fails_with(3);
    // git's own safe.directory decides whether the clone is trusted.
    let foreign = sandbox.helper(&["token"]).cwd(&work).env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1").run();
    foreign.fails_with(3);
    let without_git = sandbox.helper(&["token"]).cwd(&work).env("PATH", "/nowhere").run();
    without_git.fails_with(3);
}

#[test]
fn an_app_with_one_installation_serves_a_clone_of_an_owner_without_it() {
    let (github, sandbox, work) = clone_of(|github| github.clone_url("stranger", "project"));
    github.remove_installation(8);
    assert_eq!(installation(&token(&sandbox, &work, &[])), Some(7));
}

#[test]
fn per_repository_takes_the_repository_from_the_clone_too() {
    let (github, sandbox, work) = clone_of(|github| github.clone_url("other-org", "second"));
    let output = token(&sandbox, &work, &["--per-repository"]);
    let json: Value = serde_json::from_str(&output.success().stdout).expect("JSON");
    assert_eq!(json["repositories"], serde_json::json!(["second"]));
    let outside = sandbox.helper(&["--per-repository", "token"]).run();
    outside.expect(
        3,
        "",
        "git-credential-github-app: per_repository is set, but there is no clone here to name a repository\n\
         hint: name it with --repository, or set --per-repository=false\n",
    );
    assert_eq!(github.mints(), 1);
}
