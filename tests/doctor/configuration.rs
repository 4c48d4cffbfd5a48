//! What git's configuration means for the host: helpers in the wrong order, reset lines, and what beats them all.

use std::fs;

use super::{append, doctor, doctor_in, healthy, hint_helps};
use crate::common::{app_sandbox, get};
use crate::support::sandbox::Sandbox;

const NAME: &str = "git configuration";

fn config(sandbox: &Sandbox, args: &[&str]) {
    sandbox.command("git", &[&["config"], args].concat()).run().success();
}

/// A clone without a remote, below the sandbox.
fn clone(sandbox: &Sandbox) -> std::path::PathBuf {
    let work = sandbox.path().join("work");
    sandbox.command("git", &["init", "-q", "work"]).run().success();
    work
}

#[test]
fn a_helper_that_is_missing_shadowed_or_reset_is_put_right_by_the_hint() {
    let (github, sandbox) = app_sandbox();
    let (url, here, own) = (github.url(), sandbox.path().to_owned(), sandbox.binary().display().to_string());
    let section = format!("[credential \"{url}\"]\n\tuseHttpPath = true\n");
    for (lines, state, message) in [
        (section.clone(), "fail", "the helper is not configured for http://"),
        (
            format!("[credential]\n\thelper = store\n{section}\thelper = {own}\n"),
            "fail",
            "the helper store (/",
        ),
        (format!("{section}\thelper = {own}\n[credential]\n\thelper =\n"), "fail", "cancels ours"),
        (
            format!("{section}\thelper = {own}\n\thelper =\n\thelper = !/usr/bin/gh auth git-credential\n"),
            "fail",
            "gh auth setup-git has replaced the helper",
        ),
        (
            format!("{section}\thelper =\n\thelper = {own}\n[credential]\n\thelper = cache --timeout 9\n"),
            "warn",
            "the helper cache comes after ours and gets a copy",
        ),
        (
            format!("[credential]\n\thelper =\n\thelper = {own}\n[credential \"{url}\"]\n\tusername = me\n"),
            "fail",
            "git sends a user name of its own",
        ),
        (
            format!(
                "{section}\thelper =\n\thelper = {own}\n[http]\n\textraHeader = Authorization: Basic eDp4\n"
            ),
            "fail",
            "an http.extraHeader with Authorization",
        ),
        (
            format!("{section}\thelper = {own}\n[url \"git@github.com:\"]\n\tinsteadOf = {url}/\n"),
            "warn",
            "leads all URLs of 127.0.0.1",
        ),
        (
            format!("{section}\thelper = {own}\n[url \"git@127.0.0.1:\"]\n\tinsteadOf = {url}/octo-org/\n"),
            "fail",
            "leads some URLs of 127.0.0.1",
        ),
        (
            format!("{section}\thelper = {own}\n[url \"git@127.0.0.1:\"]\n\tpushInsteadOf = {url}/\n"),
            "warn",
            "a pushInsteadOf rule in /",
        ),
        (
            format!(
                "{section}\thelper = {own}\n[url \"http://me@{}/\"]\n\tinsteadOf = {url}/\n",
                github.host()
            ),
            "fail",
            "puts the user me into all URLs",
        ),
    ] {
        fs::write(sandbox.gitconfig(), lines).expect("a file of ours");
        hint_helps(&sandbox, &here, state, message);
    }
    get(&sandbox, &github, "octo-org/hello").success();
}

#[test]
fn a_header_and_a_rule_with_a_token_are_named_without_it() {
    let (github, sandbox) = healthy();
    append(&sandbox, "[http]\n\textraHeader = Authorization: Basic c2VjcmV0\n");
    append(
        &sandbox,
        &format!("[url \"http://x:s3cret@{}/\"]\n\tinsteadOf = {}/\n", github.host(), github.url()),
    );
    let found = doctor(&sandbox, &[]);
    found.fails(NAME, "overrides every helper", "--unset-all http.extraheader");
    found.fails(NAME, "puts a password or token into all URLs", "--edit");
    assert!(!found.output.stdout.contains("c2VjcmV0") && !found.output.stdout.contains("s3cret"));
    append(&sandbox, "[credential\n");
    doctor(&sandbox, &[]).fails("git", "bad config line", "by hand");
}

#[test]
fn lines_in_the_clone_count_and_are_changed_there() {
    let (github, sandbox) = healthy();
    let work = clone(&sandbox);
    let url = github.url();
    for (key, value, message) in [
        (format!("credential.{url}.helper"), String::new(), "cancels ours"),
        (format!("credential.{url}.useHttpPath"), "false".to_owned(), "useHttpPath is off"),
        ("credential.username".to_owned(), "me".to_owned(), "a user name of its own"),
        (
            format!("http.{url}/.extraheader"),
            "AUTHORIZATION: basic eA==".to_owned(),
            "overrides every helper",
        ),
    ] {
        let local = |args: &[&str]| sandbox.command("git", args).cwd(&work).run();
        local(&["config", "--local", "--add", &key, &value]).success();
        doctor(&sandbox, &[]).is_content_with(NAME);
        let state = if value == "false" { "warn" } else { "fail" };
        let found = doctor_in(&sandbox, &work, &[]);
        found.has(state, NAME, message, "git config --local ");
        let below = work.join("below");
        fs::create_dir_all(&below).expect("a directory of ours");
        hint_helps(&sandbox, &below, state, message);
    }
    // A line for a part of the host is one for the clone of that part.
    let part = format!("credential.{url}/octo-org.username");
    config(&sandbox, &["--global", &part, "me"]);
    doctor_in(&sandbox, &work, &[]).is_content_with(NAME);
    sandbox
        .command("git", &["remote", "add", "origin", &github.clone_url("octo-org", "hello")])
        .cwd(&work)
        .run()
        .success();
    hint_helps(&sandbox, &work, "fail", "a user name of its own");
    for placeholder in ["x-access-token", "Git", "oauth2", "x-oauth-basic", "token"] {
        config(&sandbox, &["--global", "credential.username", placeholder]);
        doctor_in(&sandbox, &work, &[]).is_content_with(NAME);
    }
}

#[test]
fn several_owners_need_the_path_with_and_without_a_named_repository() {
    let (github, sandbox) = app_sandbox();
    github.add_installation(8, "other-org");
    let line = format!("credential.{}.helper", github.url());
    config(&sandbox, &["--global", &line, &sandbox.binary().to_string_lossy()]);
    for args in [&[][..], &["--repo=octo-org/hello"]] {
        let found = doctor(&sandbox, args);
        found.fails(NAME, "useHttpPath is off", "useHttpPath true");
    }
    let url = format!("credential.{}.useHttpPath", github.url());
    config(&sandbox, &["--global", &url, "true"]);
    assert_eq!(doctor(&sandbox, &[]).output.status, 0);
    github.remove_installation(8);
    config(&sandbox, &["--global", &url, "false"]);
    doctor(&sandbox, &[]).has("warn", NAME, "useHttpPath is off", "usehttppath true");
    config(&sandbox, &["--global", &url, ""]);
    doctor(&sandbox, &[]).has("warn", NAME, "useHttpPath is off", "usehttppath true");
}
