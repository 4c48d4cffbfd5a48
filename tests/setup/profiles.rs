//! A second host or App: `setup` keeps the first one working, and undoes each by itself.

use std::fs;

use super::{bare, setup};
use crate::common::{get, message, password};
use crate::support::github::{CLIENT_ID, LoopbackGitHub, Options};
use crate::support::sandbox::Sandbox;

fn settings(sandbox: &Sandbox) -> String {
    let file = sandbox.home().join(".config/git-credential-github-app/config.toml");
    fs::read_to_string(file).unwrap_or_default()
}

/// A second host with the App.
fn second() -> (LoopbackGitHub, Vec<String>) {
    let github = LoopbackGitHub::start(Options::default());
    github.add_installation(9, "gamma");
    github.create_repository("gamma", "hello");
    github.grant(9, &[("contents", "write"), ("workflows", "write"), ("metadata", "read")]);
    let options = vec![
        format!("--host={}", github.url()),
        format!("--app-id={CLIENT_ID}"),
        "--private-key-file=app.pem".to_owned(),
    ];
    (github, options)
}

#[test]
fn a_second_host_becomes_a_profile_and_the_first_keeps_working() {
    let (first, sandbox, options) = bare();
    let (second, more) = second();
    setup(&sandbox, &options, &[]).success();
    let before = settings(&sandbox);
    // Without a name, what is there stays as it is.
    let refused = setup(&sandbox, &more, &[]);
    refused.fails_with(3);
    assert!(message(&refused).contains("is already for host "), "{}", refused.stderr);
    assert!(refused.stderr.contains("setup --profile NAME\n"), "{}", refused.stderr);
    assert_eq!(settings(&sandbox), before);
    setup(&sandbox, &more, &["--profile", "second"]).success();
    let text = settings(&sandbox);
    assert!(text.contains("[profile.default]\n") && text.contains("[profile.second]\n"), "{text}");
    password(&get(&sandbox, &first, "octo-org/hello"));
    password(&get(&sandbox, &second, "gamma/hello"));
    assert_eq!(
        setup(&sandbox, &more, &["--profile", "second"]).success().stdout.lines().next(),
        Some("everything is already set up")
    );
    // Each can be undone by itself, whichever came first.
    let undone = sandbox.helper(&["setup", "--undo", "--profile", "second"]).run();
    assert!(undone.success().stdout.contains("for profile second\n"), "{}", undone.stdout);
    assert!(!settings(&sandbox).contains("second") && !sandbox_git(&sandbox).contains(&second.url()));
    password(&get(&sandbox, &first, "octo-org/hello"));
}

#[test]
fn the_first_can_be_undone_and_the_second_keeps_working() {
    let (first, sandbox, options) = bare();
    let (second, more) = second();
    setup(&sandbox, &options, &[]).success();
    setup(&sandbox, &more, &["--profile", "second"]).success();
    let undone = sandbox.helper(&["setup", "--undo", "--host", &first.url()]).run();
    assert!(undone.success().stdout.contains("undid "), "{}", undone.stdout);
    let text = settings(&sandbox);
    assert!(!text.contains("default") && text.contains("[profile.second]\n"), "{text}");
    password(&get(&sandbox, &second, "gamma/hello"));
    sandbox.helper(&["setup", "--undo", "--profile", "second"]).run().success();
    assert_eq!((settings(&sandbox).as_str(), sandbox_git(&sandbox).as_str()), ("", ""));
}

#[test]
fn of_several_profiles_one_is_named() {
    let (_first, sandbox, options) = bare();
    let (_second, more) = second();
    setup(&sandbox, &options, &[]).success();
    setup(&sandbox, &more, &["--profile", "second"]).success();
    setup(&sandbox, &["--margin=5m".to_owned()], &[]).expect(
        3,
        "",
        "git-credential-github-app: the settings file has several profiles\n\
         hint: name one with --profile: default, second\n",
    );
    setup(&sandbox, &["--margin=5m".to_owned()], &["--profile", "second"]).success();
    assert!(settings(&sandbox).ends_with("margin = \"5m\"\n"), "{}", settings(&sandbox));
    let bad = setup(&sandbox, &more, &["--profile", "a b"]);
    assert!(bad.fails_with(2).stderr.contains("bad profile name \"a b\""), "{}", bad.stderr);
}

#[test]
fn doctor_shows_the_command_for_each_of_several_profiles_and_it_works() {
    let (first, sandbox, options) = bare();
    let (second, more) = second();
    setup(&sandbox, &options, &[]).success();
    setup(&sandbox, &more, &["--profile", "second"]).success();
    fs::write(sandbox.gitconfig(), "").expect("a file");
    let doctor = sandbox.helper(&["doctor"]).run();
    for (github, name, owner) in [(&first, "default", "octo-org"), (&second, "second", "gamma")] {
        let command = format!(" setup --profile {name}\n");
        assert!(doctor.stdout.contains(&command), "{}", doctor.stdout);
        sandbox.helper(&command.split_whitespace().collect::<Vec<_>>()).run().success();
        password(&get(&sandbox, github, &format!("{owner}/hello")));
    }
}

fn sandbox_git(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.gitconfig()).unwrap_or_default()
}
