//! `setup` and its `--undo`: from nothing to a clone in one command, and back to the very bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::common::{app_sandbox, message};
use crate::support::git::{Git, gits};
use crate::support::github::{CLIENT_ID, LoopbackGitHub};
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;

mod closing;
mod identity;
mod print;
mod profiles;
mod questions;
mod system;
mod undo;
mod unwritable;

/// A machine without any settings in its environment, and the options that setup is given.
fn bare() -> (LoopbackGitHub, Sandbox, Vec<String>) {
    let (github, sandbox) = app_sandbox();
    for name in ["GITHUB_APP_HOST", "GITHUB_APP_CLIENT_ID", "GITHUB_APP_PRIVATE_KEY_FILE"] {
        sandbox.remove_env(name);
    }
    github.grant(7, &[("contents", "write"), ("workflows", "write"), ("metadata", "read")]);
    let options = vec![
        format!("--host={}", github.url()),
        format!("--app-id={CLIENT_ID}"),
        "--private-key-file=app.pem".to_owned(),
    ];
    (github, sandbox, options)
}

fn setup(sandbox: &Sandbox, options: &[String], more: &[&str]) -> Output {
    let mut args: Vec<&str> = options.iter().map(String::as_str).collect();
    args.push("setup");
    args.extend(more);
    sandbox.helper(&args).run()
}

/// A path as setup shows it in a command to copy.
fn word(path: &Path) -> String {
    path.display().to_string().replace(' ', "\\ ")
}

/// Every file below a directory, with its bytes.
fn snapshot(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        found.insert(format!("{}/", dir.display()), Vec::new());
        for entry in fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.display().to_string(), fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

#[test]
fn one_command_makes_git_clone_and_push_and_undo_leaves_nothing() {
    for git in gits() {
        let (github, sandbox, options) = bare();
        let before = snapshot(&sandbox.home());
        let gitconfig = fs::read(sandbox.gitconfig()).expect("a file");
        let output = setup(&sandbox, &options, &[]);
        assert_eq!(output.success().stderr, "");
        let settings = sandbox.home().join(".config/git-credential-github-app/config.toml");
        assert_eq!(
            fs::read_to_string(&settings).expect("settings"),
            format!(
                "host = \"{}\"\napp_id = \"{CLIENT_ID}\"\nprivate_key_file = \"{}\"\n",
                github.url(),
                sandbox.path().join("app.pem").display()
            )
        );
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&settings).expect("a file").permissions());
        assert_eq!(mode & 0o777, 0o600);
        let binary = sandbox.binary().display().to_string();
        assert_eq!(
            fs::read_to_string(sandbox.gitconfig()).expect("a file"),
            format!(
                "[credential \"{}\"]\n\thelper = \n\thelper = {binary}\n\tuseHttpPath = true\n",
                github.url()
            )
        );
        assert!(output.stdout.contains(&format!("wrote {}\n", settings.display())), "{}", output.stdout);
        assert!(
            output.stdout.contains("ok    git configuration: the helper is asked first"),
            "{}",
            output.stdout
        );
        assert!(!output.stdout.contains("fail  "), "{}", output.stdout);

        let url = github.clone_url("octo-org", "hello");
        git.command(&sandbox, sandbox.path(), &["clone", "-q", &url, "work"]).success();
        let work = sandbox.path().join("work");
        git.command(&sandbox, &work, &["commit", "-q", "--allow-empty", "-m", "x"]).success();
        git.command(&sandbox, &work, &["push", "-q", "origin", "HEAD:main"]).success();

        let again = setup(&sandbox, &options, &[]);
        assert!(again.success().stdout.starts_with("everything is already set up\n"), "{}", again.stdout);
        fs::remove_dir_all(sandbox.home().join(".cache")).expect("the cache");
        let undo = setup(&sandbox, &[], &["--undo"]);
        let dirs = [".config/git-credential-github-app", ".config"].map(|dir| sandbox.home().join(dir));
        let listed = format!(
            "removed from {gitconfig}:\n    [credential \"{url}\"]\n    \thelper =\n    \thelper = {binary}\n    \tuseHttpPath = true\n\
             removed {}\nremoved the directory {}\nremoved the directory {}\nundid 2 changes for {}\n",
            settings.display(),
            dirs[0].display(),
            dirs[1].display(),
            github.host(),
            gitconfig = sandbox.gitconfig().display(),
            url = github.url(),
        );
        undo.expect(0, &listed, "");
        assert_eq!(snapshot(&sandbox.home()), before, "{}", git.full_version());
        assert_eq!(fs::read(sandbox.gitconfig()).expect("a file"), gitconfig);
        let nothing = setup(&sandbox, &options, &["--undo"]);
        assert!(nothing.success().stdout.starts_with("nothing on record for "), "{}", nothing.stdout);
    }
}

#[test]
fn the_settings_file_keeps_comments_and_other_keys_and_takes_new_values() {
    let (github, sandbox, options) = bare();
    let text = format!(
        "# who we are\nhost = \"{}/\"\nprivate_key_file = \"old.pem\" # of May\nmargin = '5m'\n",
        github.url()
    );
    let settings = sandbox.write_private("home/.config/git-credential-github-app/config.toml", &text);
    let more = ["--repository=hello", "--permission=contents=write", "--per-repository", "--no-verify"];
    setup(&sandbox, &options, &more).success();
    let after = fs::read_to_string(&settings).expect("settings");
    assert!(after.contains("# who we are\n") && after.contains("margin = '5m'\n"), "{after}");
    for line in [
        "app_id = \"Iv23liTestApp\"\n",
        "app.pem\" # of May\n",
        "per_repository = true\n",
        "repository = [\"hello\"]\n",
        "permission = [\"contents=write\"]\n",
        "verify = false\n",
    ] {
        assert!(after.contains(line), "{line}: {after}");
    }
    setup(&sandbox, &[], &["--margin=6m"]).success();
    let changed = fs::read_to_string(&settings).expect("settings");
    assert_eq!(changed, after.replace("margin = '5m'", "margin = \"6m\""));
    setup(&sandbox, &[], &["--undo"]).success();
    assert_eq!(fs::read_to_string(&settings).expect("settings"), text);
}

#[test]
fn settings_for_another_host_app_or_broker_are_not_written_over_those_that_are_there() {
    let (github, sandbox, options) = bare();
    setup(&sandbox, &options, &[]).success();
    let before = snapshot(&sandbox.home());
    let gitconfig = fs::read(sandbox.gitconfig()).expect("a file");
    let settings = sandbox.home().join(".config/git-credential-github-app/config.toml");
    for (args, known, command) in [
        (
            &["--host=https://ghe.test", "setup", "--timer=cron"][..],
            format!("host {}", github.url()),
            "--host=https://ghe.test setup --timer=cron",
        ),
        (
            &["setup", "--app-id", "12", "--private-key-file", "my key.pem"],
            format!("App {CLIENT_ID}"),
            "setup --app-id 12 --private-key-file my\\ key.pem",
        ),
    ] {
        sandbox.helper(args).run().expect(
            3,
            "",
            &format!(
                "git-credential-github-app: {} is already for {known}, and was not changed\n\
                 hint: to have both: git-credential-github-app {command} --profile NAME\n\
                 hint: to replace it: git-credential-github-app setup --undo, then the same command again, or edit the file\n",
                settings.display()
            ),
        );
    }
    assert_eq!(snapshot(&sandbox.home()), before);
    assert_eq!(fs::read(sandbox.gitconfig()).expect("a file"), gitconfig);
    setup(&sandbox, &options, &["--margin=5m", "--owner=octo-org"]).success();
    // A file that names no host is for github.com.
    let broker = sandbox.write("broker.toml", "broker_url = \"unix:/b\"\n");
    let args = ["--config", &broker.to_string_lossy(), "--host=ghe.test", "setup", "--print"];
    let output = sandbox.helper(&args).run();
    output.fails_with(3);
    assert!(message(&output).ends_with("broker.toml is already for host github.com, and was not changed"));
}

#[test]
fn paths_with_blanks_and_a_settings_file_of_its_own_work_with_git() {
    for git in gits() {
        let (github, sandbox, options) = bare();
        let dir = sandbox.path().join("my tools (x)");
        fs::create_dir(&dir).expect("a new directory");
        let binary = dir.join("git-credential-github-app");
        // By cp: a file that this process has open for writing cannot be run, nor while another test's program,
        // started at that moment, still holds it open.
        let copy = [sandbox.binary(), binary.as_path()].map(|path| path.to_string_lossy().into_owned());
        sandbox.command("cp", &copy.each_ref().map(String::as_str)).run().success();
        let mut args: Vec<&str> = options.iter().map(String::as_str).collect();
        args.extend(["--config", "my settings/ghe.toml", "setup"]);
        sandbox.command(&binary, &args).run().success();
        let text = fs::read_to_string(sandbox.path().join("my settings/ghe.toml")).expect("settings");
        assert!(text.contains("app_id"), "{text}");
        let url = github.clone_url("octo-org", "hello");
        git.command(&sandbox, sandbox.path(), &["clone", "-q", &url, "work"]).success();
        let undo = ["--config", "my settings/ghe.toml", "setup", "--undo"];
        sandbox.command(&binary, &undo).run().success();
        assert!(!sandbox.path().join("my settings").exists());
        assert_eq!(fs::read_to_string(sandbox.gitconfig()).expect("a file"), "");
    }
}

#[test]
fn each_place_of_git_configuration_can_be_chosen() {
    let (github, sandbox, options) = bare();
    let repository = sandbox.path().join("repository");
    let git = Git::default_git();
    git.command(&sandbox, sandbox.path(), &["init", "-q", "repository"]).success();
    let own = sandbox.path().join("own");
    for (args, file) in [
        (&["--global"][..], sandbox.gitconfig()),
        (&["--local"], repository.join(".git/config")),
        (&["--file", own.to_str().expect("UTF-8")], own.clone()),
    ] {
        let before = fs::read(&file).ok();
        let mut all: Vec<&str> = options.iter().map(String::as_str).collect();
        let key = format!("--private-key-file={}", sandbox.path().join("app.pem").display());
        *all.last_mut().expect("an option") = &key;
        all.push("setup");
        all.extend(args);
        let output = sandbox.helper(&all).cwd(&repository).run();
        if args[0] == "--file" {
            output.fails_with(3);
            let included = format!("git config --global --add include.path {}\n", word(&own));
            assert!(output.stderr.contains(&included), "{}", output.stderr);
        } else {
            let last = format!("all is well; next: git clone {}/OWNER/REPOSITORY\n", github.url());
            assert!(output.success().stdout.ends_with(&last), "{}", output.stdout);
        }
        let text = fs::read_to_string(&file).expect("a file");
        assert!(
            text.contains(&format!("[credential \"{}\"]\n\thelper = \n", github.url())),
            "{args:?}: {text}"
        );
        let undo = [&["setup", "--undo"], args].concat();
        sandbox.helper(&undo).cwd(&repository).run().success();
        assert_eq!(fs::read(&file).ok(), before, "{args:?}");
    }
    sandbox.helper(&["setup", "--system", "--local"]).run().fails_with(2);
}

#[test]
fn without_a_terminal_there_are_no_prompts_and_wrong_options_write_nothing() {
    let sandbox = Sandbox::new();
    let before = snapshot(sandbox.path());
    let output = sandbox.helper(&["setup"]).stdin("github.com\nIv23\nkey.pem\n").run();
    output.fails_with(3);
    assert_eq!((message(&output), output.stdout.as_str()), ("no token source is configured", ""));
    sandbox.helper(&["setup", "--app-id=1", "--private-key-file=k", "--margin=soon"]).run().fails_with(2);
    sandbox.helper(&["setup", "--undo", "--print"]).run().fails_with(2);
    sandbox.helper(&["setup", "--gh"]).run().fails_with(2);
    assert_eq!(snapshot(sandbox.path()), before);
}

#[test]
fn a_configuration_that_git_cannot_change_is_named() {
    let (_github, sandbox, options) = bare();
    fs::write(sandbox.gitconfig(), "[user\n").expect("a file of ours");
    let output = setup(&sandbox, &options, &[]);
    output.fails_with(1);
    assert!(output.stderr.contains("bad config line"), "{}", output.stderr);
    assert_eq!(fs::read_to_string(sandbox.gitconfig()).expect("a file"), "[user\n");
    fs::write(sandbox.gitconfig(), "").expect("a file of ours");
    sandbox.write("gitconfig.lock", "");
    let output = setup(&sandbox, &options, &[]);
    output.fails_with(1);
    assert!(output.stderr.contains("could not lock config file"), "{}", output.stderr);
}
