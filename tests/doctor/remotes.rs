//! The clone that doctor stands in: which of its URLs git asks the helper for, told without their secrets.

use std::fs;
use std::path::PathBuf;

use super::{append, doctor_in, healthy, hint_helps};
use crate::support::git::gits;
use crate::support::github::LoopbackGitHub;
use crate::support::sandbox::Sandbox;
use crate::support::users::victim_and_attacker;

const NAME: &str = "remotes";

/// A clone with this URL for `origin`.
fn clone(sandbox: &Sandbox, url: &str) -> PathBuf {
    let work = sandbox.path().join("work");
    let _ = fs::remove_dir_all(&work);
    sandbox.command("git", &["init", "-q", "work"]).run().success();
    sandbox.command("git", &["remote", "add", "origin", url]).cwd(&work).run().success();
    work
}

/// A URL of the loopback GitHub with this before its host.
fn with(github: &LoopbackGitHub, user: &str) -> String {
    format!("http://{user}@{}/octo-org/hello", github.host())
}

#[test]
fn a_remote_with_a_token_is_named_without_it_and_put_right_by_the_hint() {
    let (github, sandbox) = healthy();
    for user in [
        "x-access-token:ghs_dead",
        "ghp_0123456789",
        "me:hunter2",
        "x-access-token:",
        "ghs_dead:x-oauth-basic",
    ] {
        let work = clone(&sandbox, &with(&github, user));
        for args in [&[][..], &["--repo=octo-org/hello"]] {
            let found = doctor_in(&sandbox, &work, args);
            found.fails(
                NAME,
                "the URL of origin has a password or token in it",
                "git remote set-url origin http",
            );
            assert_eq!(found.output.status, 3);
            for secret in ["ghs_dead", "ghp_", "hunter2"] {
                assert!(!found.output.stdout.contains(secret), "{}", found.output.stdout);
            }
        }
        hint_helps(&sandbox, &work, "fail", "has a password or token in it");
        doctor_in(&sandbox, &work, &[]).has("ok", NAME, "git asks the helper for origin", "");
    }
}

#[test]
fn every_kind_of_url_in_the_configuration_is_checked() {
    let (github, sandbox) = healthy();
    let (good, bad) = (github.clone_url("octo-org", "hello"), with(&github, "x:s3cret"));
    for (key, what, hint) in [
        ("remote.upstream.url", "upstream", "git remote set-url upstream"),
        ("remote.origin.pushurl", "origin (push)", "git remote set-url --push origin"),
        ("submodule.lib.url", "the submodule lib", "git config submodule.lib.url"),
        ("branch.main.remote", "branch.main.remote", "git config --local branch.main.remote"),
        ("branch.main.pushremote", "branch.main.pushremote", "git config --local"),
        ("remote.pushdefault", "remote.pushdefault", "git config --local remote.pushdefault"),
        ("lfs.url", "lfs.url", "git config --local lfs.url"),
        ("remote.origin.lfsurl", "remote.origin.lfsurl", "git config --local"),
    ] {
        let work = clone(&sandbox, &good);
        sandbox.command("git", &["config", key, &bad]).cwd(&work).run().success();
        let found = doctor_in(&sandbox, &work, &[]);
        found.fails(NAME, &format!("the URL of {what} has"), hint);
        assert!(!found.output.stdout.contains("s3cret"));
        hint_helps(&sandbox, &work, "fail", &format!("the URL of {what} has"));
    }
    let work = clone(&sandbox, "https://x:s3cret@gitlab.example.com/o/r");
    doctor_in(&sandbox, &work, &[]).is_content_with(NAME);
}

#[test]
fn the_url_that_git_would_use_is_checked() {
    for git in gits() {
        let (github, sandbox) = healthy();
        let host = github.host();
        let name = host.split(':').next().expect("a name");
        let url = github.url();
        let directory = git.path().parent().expect("an absolute path").display();
        sandbox.set_env("PATH", format!("{directory}:{}", std::env::var("PATH").expect("PATH")));
        let base = fs::read_to_string(sandbox.gitconfig()).expect("a file of ours");
        for (rules, origin) in [
            (String::new(), format!("git@{name}:octo-org/hello")),
            (String::new(), format!("ssh://git@{name}:2222/octo-org/hello")),
            (format!("[url \"{url}/\"]\n\tinsteadOf = git@{name}:\n"), format!("git@{name}:octo-org/hello")),
            (format!("[url \"git@{name}:\"]\n\tinsteadOf = gh:\n"), "gh:octo-org/hello".to_owned()),
            (format!("[url \"{url}/\"]\n\tinsteadOf = gh:\n"), "gh:octo-org/hello".to_owned()),
            (
                format!("[url \"{url}/\"]\n\tinsteadOf = gh:\n[url \"git@{name}:x\"]\n\tinsteadOf = gh:o\n"),
                "gh:octo-org/hello".to_owned(),
            ),
            (
                format!("[url \"git@{name}:\"]\n\tinsteadOf = gh:\n[url \"{url}/\"]\n\tinsteadOf = gh:\n"),
                "gh:octo-org/hello".to_owned(),
            ),
            (
                format!("[url \"{url}/\"]\n\tinsteadOf = gh:\n[url \"git@{name}:\"]\n\tinsteadOf = gh:\n"),
                "gh:octo-org/hello".to_owned(),
            ),
            (format!("[url \"git@{name}:\"]\n\tpushInsteadOf = gh:\n"), format!("{url}/octo-org/hello")),
        ] {
            fs::write(sandbox.gitconfig(), format!("{base}{rules}")).expect("a file of ours");
            let work = clone(&sandbox, &origin);
            let shown = sandbox.command(git.path(), &["remote", "-v"]).cwd(&work).run().stdout;
            let by_ssh = shown.contains("\tgit@") || shown.contains("\tssh://");
            let found = doctor_in(&sandbox, &work, &[]);
            if by_ssh {
                found.has(
                    "warn",
                    NAME,
                    "origin uses ssh, so git does not ask the helper",
                    "git remote set-url origin",
                );
                hint_helps(&sandbox, &work, "warn", "origin uses ssh");
            } else {
                found.has("ok", NAME, "git asks the helper for origin", "");
            }
        }
    }
}

#[test]
fn urls_that_never_reach_the_helper_are_reported_and_others_are_not() {
    let (github, sandbox) = healthy();
    let name = github.host().split(':').next().expect("a name").to_owned();
    for (origin, message) in [
        (with(&github, "me"), "the URL of origin names the user me, so the helper does not answer"),
        (with(&github, "m%65"), "names the user me"),
        (github.clone_url("octo-org", "hello").replace("http:", "https:"), "origin uses https"),
        (format!("git://{name}/octo-org/hello"), "origin uses git"),
        (format!("git@{name}-work:octo-org/hello.git"), "origin uses ssh"),
    ] {
        let work = clone(&sandbox, &origin);
        let found = doctor_in(&sandbox, &work, &[]);
        found.has("warn", NAME, message, "git remote set-url origin http");
        assert_eq!(found.output.status, 0);
        hint_helps(&sandbox, &work, "warn", message);
    }
    for user in ["git", "OAuth2", "x-oauth-basic", "token", "x-access-token", ""] {
        let work = clone(&sandbox, &with(&github, user));
        doctor_in(&sandbox, &work, &[])
            .has("ok", NAME, "git asks the helper for origin", "")
            .is_content_with(NAME);
    }
    for other in
        ["git@gitlab.example.com:o/r", "https://me@github.com.evil.example/o/r", "../other", "/srv/r.git"]
    {
        let work = clone(&sandbox, other);
        doctor_in(&sandbox, &work, &[]).is_content_with(NAME);
    }
    let work = clone(&sandbox, &format!("git@{name}:octo-org/hello"));
    doctor_in(&sandbox, &work, &[]).has("warn", NAME, "origin uses ssh", "setup --insteadof");
}

#[test]
fn the_helper_is_silent_for_a_clone_of_an_owner_without_the_app() {
    let (github, sandbox) = healthy();
    for (owner, silent) in [("octo-org", false), ("Octo-Org", false), ("stranger", true)] {
        let work = clone(&sandbox, &github.clone_url(owner, "hello"));
        let found = doctor_in(&sandbox, &work, &[]);
        if silent {
            let message = "the App is not installed for stranger, the owner of this clone";
            found.has("warn", "installation", message, "install it");
        } else {
            found.is_content_with("installation");
        }
        assert_eq!(found.output.status, 0);
    }
}

#[test]
fn submodules_are_put_right_where_their_url_comes_from() {
    let (github, sandbox) = healthy();
    let (good, bad) = (github.clone_url("octo-org", "hello"), with(&github, "x:s3cret"));
    let work = clone(&sandbox, &bad);
    let modules = format!(
        "[submodule \"relative\"]\n\tpath = libs/relative\n\turl = ../relative\n\
         [submodule \"a b\"]\n\tpath = libs/a b\n\turl = {bad}\n\
         [submodule \"good\"]\n\tpath = libs/good\n\turl = {good}\n\
         [include]\n\tpath = included\n"
    );
    fs::write(work.join(".gitmodules"), modules).expect("a file of ours");
    fs::write(work.join("included"), format!("[submodule \"other\"]\n\turl = {bad}\n"))
        .expect("a file of ours");
    let config = |args: &[&str]| {
        sandbox.command("git", &[&["config"], args].concat()).cwd(&work).run().success();
    };
    config(&["submodule.relative.url", &bad.replace("hello", "relative")]);
    let found = doctor_in(&sandbox, &work, &[]);
    found.fails(NAME, "the URL of the submodule relative", "git submodule sync --recursive");
    found.fails(NAME, "the URL of the submodule a b", "git submodule set-url 'libs/a b' http");
    assert!(!found.output.stdout.contains("s3cret") && !found.output.stdout.contains("other"));
    hint_helps(&sandbox, &work, "fail", "the URL of origin has");
    hint_helps(&sandbox, &work, "fail", "the submodule a b has");
}

#[test]
fn worktrees_and_submodules_are_clones_and_other_directories_are_not() {
    let (github, sandbox) = healthy();
    let work = clone(&sandbox, &with(&github, "x:s3cret"));
    let git = |args: &[&str]| {
        sandbox
            .command("git", &[&["-c", "user.name=A", "-c", "user.email=a@b"], args].concat())
            .cwd(&work)
            .run()
            .success();
    };
    git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    git(&["worktree", "add", "-q", "../tree"]);
    git(&["init", "-q", "--bare", "../bare"]);
    let tree = sandbox.path().join("tree");
    for dir in [&tree, &work.join(".git")] {
        doctor_in(&sandbox, dir, &[]).fails(NAME, "the URL of origin has", "git remote set-url origin");
    }
    doctor_in(&sandbox, &sandbox.path().join("bare"), &[]).is_content_with(NAME);
    sandbox.set_env("GIT_DIR", work.join(".git"));
    doctor_in(&sandbox, &sandbox.home(), &[]).fails(
        NAME,
        "the URL of origin has",
        "git remote set-url origin",
    );
    sandbox.remove_env("GIT_DIR");
    doctor_in(&sandbox, &sandbox.home(), &[]).is_content_with(NAME);
    hint_helps(&sandbox, &tree, "fail", "the URL of origin has");
}

#[test]
fn git_refuses_a_clone_of_another_user() {
    let Some((_, other)) = victim_and_attacker() else { return };
    let (github, sandbox) = healthy();
    let work = clone(&sandbox, &with(&github, "x:s3cret"));
    other.own(&work);
    let message = "which belongs to another user";
    let found = doctor_in(&sandbox, &work, &[]);
    found.has("warn", NAME, message, "git config --global --add safe.directory /");
    hint_helps(&sandbox, &work, "warn", message);
    doctor_in(&sandbox, &work, &[]).fails(NAME, "the URL of origin has", "set-url");
}

#[test]
fn names_in_a_clone_cannot_write_to_the_terminal() {
    let (github, sandbox) = healthy();
    let work = clone(&sandbox, &github.clone_url("octo-org", "hello"));
    let bad = with(&github, "x:s3cret");
    let modules = format!("[submodule \"a\u{1b}[31mb\"]\n\tpath = \"c\u{202e}; d\"\n\turl = {bad}\n");
    fs::write(work.join(".gitmodules"), modules).expect("a file of ours");
    let lines = format!("[remote \"e\u{1b}[2J\"]\n\turl = http://\u{1b}[31m@{}/o/r\n", github.host());
    fs::write(work.join(".git/config"), lines).expect("a file of ours");
    let text = sandbox.helper(&["doctor"]).cwd(&work).run().stdout;
    assert!(text.contains("the submodule a\\u{1b}[31mb has") && text.contains("'c\\u{202e}; d'"), "{text}");
    assert!(text.contains("set-url 'e\\u{1b}[2J'") && text.contains("the user \\u{1b}[31m"), "{text}");
    assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{text}");
}

#[test]
fn many_urls_make_a_short_report() {
    let (github, sandbox) = healthy();
    let work = clone(&sandbox, &github.clone_url("octo-org", "hello"));
    for index in 0..60 {
        let lines = format!(
            "[remote \"r{index}\"]\n\turl = {}\n",
            with(&github, if index < 30 { "me" } else { "git" })
        );
        append(&sandbox, &lines);
    }
    let found = doctor_in(&sandbox, &work, &[]);
    found.has("ok", NAME, "git asks the helper for 31 URLs", "");
    found.has("warn", NAME, "10 more URLs are like these", "git remote -v");
}
