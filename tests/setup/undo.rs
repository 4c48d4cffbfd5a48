//! `setup --undo` removes its own lines, whatever others have written between them since.

use std::fs;

use super::{bare, setup, word};
use crate::common::Cloud;
use crate::support::at_once::at_once;
use crate::support::gh::{Gh, ghs};
use crate::support::git::gits;
use crate::support::github::LoopbackGitHub;
use crate::support::sandbox::Sandbox;
use crate::support::strace::{Tracer, can_watch};

#[test]
fn files_of_every_shape_are_changed_by_git_and_restored_to_the_byte() {
    for git in gits() {
        let (github, sandbox, options) = bare();
        let url = github.url();
        let path = format!(
            "{}:{}",
            git.path().parent().expect("a directory").display(),
            std::env::var("PATH").expect("PATH")
        );
        sandbox.set_env("PATH", path);
        sandbox.write("included", "[alias]\n\tst = status\n");
        for text in [
            String::new(),
            "[user]\n\tname = A B\n".to_owned(),
            "# a comment\n[credential]\n        helper = store   ; why\n\n\n[core] bare = false\n".to_owned(),
            "[user]\n\tname = no line end".to_owned(),
            format!("[credential \"{url}\"]\n\tusername = git\n# after\n[alias]\n\tx = y\n"),
            format!("[credential \"{url}\"]\n\thelper = cache\n\thelper = store\n"),
            format!(
                "[include]\n\tpath = {}\n[credential \"https://other\"]\n\thelper = x\n",
                sandbox.path().join("included").display()
            ),
            "\u{feff}[user]\n\temail = e\n".to_owned(),
            "[user]\r\n\tname = crlf\r\n".to_owned(),
        ] {
            fs::write(sandbox.gitconfig(), &text).expect("a file of ours");
            let output = setup(&sandbox, &options, &[]);
            output.success();
            assert!(output.stdout.contains("the helper is asked first"), "{text:?}: {}", output.stdout);
            let once = fs::read(sandbox.gitconfig()).expect("a file");
            setup(&sandbox, &options, &[]).success();
            assert_eq!(fs::read(sandbox.gitconfig()).expect("a file"), once, "twice is once: {text:?}");
            setup(&sandbox, &[], &["--undo"]).success();
            assert_eq!(fs::read_to_string(sandbox.gitconfig()).expect("a file"), text);
        }
    }
}

#[test]
fn git_configuration_is_on_the_disk_before_it_takes_the_old_ones_place() {
    let (_github, sandbox, options) = bare();
    if !can_watch(&sandbox) {
        return;
    }
    fs::write(sandbox.gitconfig(), "[user]\n\tname = A\n").expect("a file of ours");
    setup(&sandbox, &options, &[]).success();
    let beside = sandbox.gitconfig().with_extension("lock");
    let tracer = Tracer::new(&sandbox, vec![beside]);
    tracer.helper(None, &["setup", "--undo"]).run().success();
    let calls = tracer.calls();
    let order = ["write", "fsync", "rename"].map(|name| calls.iter().position(|call| call.starts_with(name)));
    assert!(order.is_sorted() && order[0].is_some(), "{calls:?}");
}

#[test]
fn what_others_write_in_between_stays() {
    let (github, sandbox, options) = bare();
    fs::write(sandbox.gitconfig(), "[user]\n\tname = A\n").expect("a file of ours");
    setup(&sandbox, &options, &[]).success();
    let config = |args: &[&str]| {
        sandbox.command("git", &[&["config", "--global"], args].concat()).run().success();
    };
    config(&["user.email", "e@example.invalid"]);
    config(&[&format!("credential.{}.username", github.url()), "x-access-token"]);
    config(&["alias.last", "log"]);
    let settings = sandbox.home().join(".config/git-credential-github-app/config.toml");
    let text = fs::read_to_string(&settings).expect("settings") + "# mine\nmargin = \"5m\"\n";
    fs::write(&settings, text).expect("a file of ours");
    setup(&sandbox, &[], &["--undo"]).success();
    assert_eq!(
        fs::read_to_string(sandbox.gitconfig()).expect("a file"),
        format!(
            "[user]\n\tname = A\n\temail = e@example.invalid\n[credential \"{}\"]\n\tusername = x-access-token\n[alias]\n\tlast = log\n",
            github.url()
        )
    );
    assert_eq!(fs::read_to_string(&settings).expect("settings"), "# mine\nmargin = \"5m\"\n");

    // Lines that were changed are not removed; the others are still ours.
    let before = fs::read_to_string(sandbox.gitconfig()).expect("a file");
    setup(&sandbox, &options, &[]).success();
    config(&["--replace-all", &format!("credential.{}.helper", github.url()), "other"]);
    let output = setup(&sandbox, &[], &["--undo"]);
    assert_eq!(output.success().stderr, "");
    let gone = format!("no longer as setup wrote it in {}:\n", sandbox.gitconfig().display());
    assert!(output.stdout.starts_with(&gone), "{}", output.stdout);
    let mine = "username = x-access-token\n";
    assert_eq!(
        fs::read_to_string(sandbox.gitconfig()).expect("a file"),
        before.replace(mine, &format!("{mine}\thelper = other\n"))
    );
}

/// gh's own command that makes it git's helper for github.com.
fn gh_setup_git(sandbox: &Sandbox, gh: &Gh) {
    let run = sandbox.command(&gh.path, &["auth", "setup-git", "--hostname", "github.com"]);
    run.env("GH_TOKEN", "not-used").env("GH_TELEMETRY", "false").run().success();
}

#[test]
fn after_gh_auth_setup_git_our_lines_go_and_those_of_gh_stay() {
    // Each gh and each git once; what gh writes does not depend on the git that writes it.
    let (ghs, gits) = (ghs(), gits());
    let count = if ghs.is_empty() { 0 } else { ghs.len().max(gits.len()) };
    let pairs = ghs.iter().cycle().zip(gits.iter().cycle()).take(count);
    at_once(pairs, |(gh, git)| {
        let path = git.path().parent().expect("a directory").display().to_string();
        let path = format!("{path}:{}", std::env::var("PATH").expect("PATH"));
        let alone = Cloud::new();
        alone.sandbox.set_env("PATH", &path);
        gh_setup_git(&alone.sandbox, gh);
        let by_gh = fs::read_to_string(alone.sandbox.gitconfig()).expect("a file");
        assert!(by_gh.contains("auth git-credential"), "{by_gh}");
        // What is done before setup is undone: G gh auth setup-git, S setup, C lines that a person writes.
        for order in ["SG", "GS", "SGS", "SGSG", "GSG", "SGC", "SCGS", "SS"] {
            let Cloud { sandbox, github, proxy: _proxy } = &Cloud::new();
            sandbox.set_env("PATH", &path);
            github.grant(7, &[("contents", "write"), ("workflows", "write"), ("metadata", "read")]);
            let mut by_hand = String::new();
            for step in order.chars() {
                match step {
                    'S' => drop(sandbox.helper(&["setup"]).run().success()),
                    'G' => gh_setup_git(sandbox, gh),
                    _ => {
                        let config = |args: &[&str]| {
                            sandbox.command("git", &[&["config", "--global"], args].concat()).run().success();
                        };
                        config(&["alias.st", "status"]);
                        config(&["credential.https://github.com.username", "x-access-token"]);
                        by_hand =
                            "alias.st=status\ncredential.https://github.com.username=x-access-token\n".into();
                    }
                }
            }
            let undo = sandbox.helper(&["setup", "--undo"]).run();
            assert_eq!(undo.success().stderr, "", "{order}");
            let list = |sandbox: &Sandbox| {
                let output = sandbox.command("git", &["config", "--global", "--list"]).run();
                let mut lines: Vec<String> = output.success().stdout.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            let mut left = if order.contains('G') { list(&alone.sandbox) } else { Vec::new() };
            left.extend(by_hand.lines().map(str::to_owned));
            left.sort();
            let text = fs::read_to_string(sandbox.gitconfig()).expect("a file");
            let versions = (&gh.version, git.full_version());
            assert_eq!(list(sandbox), left, "{order} {versions:?}: {text}");
            if order.contains('G') {
                let pair = "\thelper = \n\thelper = !";
                assert!(text.contains(pair), "gh's empty line is still before its helper: {order} {text}");
            } else {
                assert_eq!(text, "");
            }
        }
    });
}

#[test]
fn our_empty_section_is_removed_unless_the_user_wrote_in_it() {
    let (github, sandbox, options) = bare();
    let mine = "[user]\n\tname = A\n";
    for (edit, left) in [
        ("[alias]\n\tst = status\n", "[user]\n\tname = A\n[alias]\n\tst = status\n".to_owned()),
        (
            "# why we need it\n[alias] st = status\n",
            format!(
                "[user]\n\tname = A\n[credential \"{}\"]\n# why we need it\n[alias] st = status\n",
                github.url()
            ),
        ),
    ] {
        fs::write(sandbox.gitconfig(), mine).expect("a file of ours");
        setup(&sandbox, &options, &[]).success();
        let text = fs::read_to_string(sandbox.gitconfig()).expect("a file") + edit;
        fs::write(sandbox.gitconfig(), text).expect("a file of ours");
        setup(&sandbox, &[], &["--undo"]).success();
        assert_eq!(fs::read_to_string(sandbox.gitconfig()).expect("a file"), left);
    }
}

#[test]
fn what_cannot_be_undone_yet_stays_on_record() {
    let (github, sandbox, options) = bare();
    setup(&sandbox, &options, &[]).success();
    let before = fs::read(sandbox.gitconfig()).expect("a file");
    sandbox.command("git", &["config", "--global", "alias.st", "status"]).run().success();
    sandbox.write("gitconfig.lock", "");
    let output = setup(&sandbox, &[], &["--undo"]);
    output.fails_with(1);
    let cause = "gitconfig.lock exists: another program is changing it";
    assert!(output.stderr.contains(cause), "{}", output.stderr);
    assert!(output.stderr.contains("1 of 2 changes could not be undone\nhint: "), "{}", output.stderr);
    assert!(output.stdout.contains("undid 1 change for "), "{}", output.stdout);
    fs::remove_file(sandbox.path().join("gitconfig.lock")).expect("a file of ours");
    assert_ne!(fs::read(sandbox.gitconfig()).expect("a file"), before);
    let host = format!("--host={}", github.url());
    let again = setup(&sandbox, &[host], &["--undo"]);
    assert!(again.success().stdout.contains("undid 1 change for "), "{}", again.stdout);
    assert_eq!(fs::read_to_string(sandbox.gitconfig()).expect("a file"), "[alias]\n\tst = status\n");
    assert!(!sandbox.home().join(".config").exists(), "nothing is left");
}

#[test]
fn two_hosts_are_undone_one_by_one_and_nothing_is_left() {
    let (one, sandbox, options) = bare();
    let two = LoopbackGitHub::start(crate::support::github::Options::default());
    let second = ["--config=two.toml".to_owned(), format!("--host={}", two.url())];
    setup(&sandbox, &options, &[]).success();
    setup(&sandbox, &[&second[..], &options[1..]].concat(), &[]);
    let output = setup(&sandbox, &[], &["--undo"]);
    let still = format!(
        "still on record: git-credential-github-app setup --undo --host {} --file {}\n",
        two.url(),
        word(&sandbox.gitconfig())
    );
    assert!(output.success().stdout.ends_with(&still), "{}", output.stdout);
    assert!(!fs::read_to_string(sandbox.gitconfig()).expect("a file").contains(&one.url()));
    // The command that it names, as it stands there.
    let (_, args) = still.trim_end().split_once("git-credential-github-app ").expect("a command");
    let binary = sandbox.binary().to_string_lossy().into_owned();
    sandbox.command("sh", &["-c", &format!("\"$0\" {args}"), &binary]).run().success();
    assert_eq!(fs::read_to_string(sandbox.gitconfig()).expect("a file"), "");
    assert!(!sandbox.path().join("two.toml").exists());
    assert!(!sandbox.home().join(".config").exists(), "the directories of the first go with the last");
}
