//! Lines of git's configuration that name the helper: does git find it, is it this copy, and does it know the host.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{append, doctor, healthy, hint_helps};
use crate::support::sandbox::Sandbox;

const NAME: &str = "helper line";

/// Makes this the only helper for the host.
fn only_helper(sandbox: &Sandbox, url: &str, line: &str) {
    let line = line.replace('\\', "\\\\").replace('"', "\\\"");
    let text = format!("[credential \"{url}\"]\n\tuseHttpPath = true\n\thelper = \"{line}\"\n");
    fs::write(sandbox.gitconfig(), text).expect("a file of ours");
}

/// Another file with the same program, as `cp` makes one: a file that this process has open for writing cannot be run.
fn copy(sandbox: &Sandbox, name: &str) -> String {
    let path = sandbox.path().join(name);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory of ours");
    let paths = [sandbox.binary(), path.as_path()].map(|path| path.to_string_lossy().into_owned());
    sandbox.command("cp", &paths.each_ref().map(String::as_str)).run().success();
    paths[1].clone()
}

#[test]
fn a_program_that_git_does_not_find_is_named_as_git_looks_for_it() {
    let (github, sandbox) = healthy();
    let (url, here) = (github.url(), sandbox.path().to_owned());
    for (line, looked_for) in [
        ("/no/such/git-credential-github-app --owner x", "/no/such/git-credential-github-app"),
        ("github-app", "git-credential-github-app"),
        ("git-credential-github-app", "git-credential-git-credential-github-app"),
        ("~/bin/git-credential-github-app", "git-credential-~/bin/git-credential-github-app"),
        (
            "\"/opt/my tools/git-credential-github-app\"",
            "git-credential-/opt/my tools/git-credential-github-app",
        ),
        ("/opt/my tools/git-credential-github-app", "/opt/my"),
        ("!git-credential-github-app", "git-credential-github-app"),
        ("!/no/such/git-credential-github-app get", "/no/such/git-credential-github-app"),
    ] {
        only_helper(&sandbox, &url, line);
        let found = doctor(&sandbox, &[]);
        found.fails(NAME, &format!("git finds no program {looked_for} ("), " setup");
        let well = found.checks.iter().any(|check| check["message"].to_string().contains("is asked first"));
        assert!(!well, "{line}: {:#?}", found.checks);
        let output = sandbox.command("git", &["ls-remote", &github.clone_url("octo-org", "hello")]).run();
        assert_ne!(output.status, 0, "git does not find it either: {line}");
        hint_helps(&sandbox, &here, "fail", "git finds no program");
        sandbox.command("git", &["ls-remote", &github.clone_url("octo-org", "hello")]).run().success();
    }
}

#[test]
fn a_line_that_a_later_one_takes_out_is_not_looked_at_and_neither_is_what_only_a_shell_knows() {
    let (github, sandbox) = healthy();
    let before = fs::read_to_string(sandbox.gitconfig()).expect("a file of ours");
    let url = github.url();
    let gone = format!("[credential \"{url}\"]\n\thelper = /no/such/git-credential-github-app\n");
    fs::write(sandbox.gitconfig(), format!("{gone}{before}")).expect("a file of ours");
    doctor(&sandbox, &[]).is_content_with(NAME);
    for line in ["!f() { git-credential-github-app \"$@\"; }; f", "/opt/$USER/git-credential-github-app"] {
        only_helper(&sandbox, &url, line);
        doctor(&sandbox, &[]).is_content_with(NAME);
    }
}

#[test]
fn a_program_that_cannot_be_run_gets_its_mode_back() {
    let (github, sandbox) = healthy();
    let path = copy(&sandbox, "my tools/git-credential-github-app");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a file of ours");
    only_helper(&sandbox, &github.url(), &path.replace(' ', "\\ "));
    doctor(&sandbox, &[]).fails(NAME, &format!("{path} is not executable"), "chmod +x '/");
    hint_helps(&sandbox, sandbox.path(), "fail", "is not executable");
}

#[test]
fn another_copy_is_named_with_both_paths_and_versions() {
    let (github, sandbox) = healthy();
    let other = copy(&sandbox, "bin/git-credential-github-app");
    let own = sandbox.binary().display().to_string();
    let version = env!("CARGO_PKG_VERSION");
    only_helper(&sandbox, &github.url(), &other);
    let found = doctor(&sandbox, &[]);
    let message = format!("git runs another copy, {other} ({version}) (");
    found.has("warn", NAME, &message, &format!("{other} doctor"));
    found.has("warn", NAME, &format!("not this one, {own} ({version})"), &format!("{own} setup"));
    assert_eq!(found.output.status, 0);
    hint_helps(&sandbox, sandbox.path(), "warn", "git runs another copy");
    // From the PATH, as git does.
    only_helper(&sandbox, &github.url(), "github-app");
    let path = format!("{}:{}", sandbox.path().join("bin").display(), std::env::var("PATH").expect("PATH"));
    sandbox.set_env("PATH", path);
    doctor(&sandbox, &[]).has("warn", NAME, &message, "setup");
    // A link to this one is this one, and what says nothing of itself is only another.
    fs::remove_file(&other).expect("a file of ours");
    std::os::unix::fs::symlink(sandbox.binary(), &other).expect("a new link");
    doctor(&sandbox, &[]).is_content_with(NAME).has("ok", "git configuration", "is asked first", "");
    fs::remove_file(&other).expect("a file of ours");
    sandbox.write_script("bin/git-credential-github-app", "#!/bin/sh\necho ghs_secret\n");
    let found = doctor(&sandbox, &[]);
    found.has("warn", NAME, &format!("another copy, {other} ("), "");
    assert!(!found.output.stdout.contains("ghs_secret"));
}

#[test]
fn options_and_settings_of_a_line_are_tried() {
    let (github, sandbox) = healthy();
    let (url, own) = (github.url(), sandbox.binary().display().to_string());
    for (options, message) in [
        ("--onwer x", "does not understand its line in /"),
        ("--owner", "does not understand its line in /"),
        ("--config /no/such.toml", "with its options in /"),
        ("--margin 4", "with its options in /"),
    ] {
        only_helper(&sandbox, &url, &format!("{own} {options}"));
        doctor(&sandbox, &[]).fails(NAME, message, "");
    }
    only_helper(&sandbox, &url, &format!("{own} --owner octo-org --margin '5m'"));
    doctor(&sandbox, &[]).is_content_with(NAME);
}

#[test]
fn a_host_without_settings_is_named() {
    let (github, sandbox) = healthy();
    let own = sandbox.binary().display().to_string();
    append(&sandbox, &format!("[credential \"https://ghe.test\"]\n\thelper =\n\thelper = {own}\n"));
    let message = "git asks the helper for https://ghe.test (";
    let found = doctor(&sandbox, &[]);
    found.has(
        "warn",
        NAME,
        message,
        "setup --profile NAME --host ghe.test --app-id ID --private-key-file FILE",
    );
    found.has(
        "warn",
        NAME,
        &format!("it only has profiles for {}", github.host()),
        "--unset-all credential.https://ghe.test.helper",
    );
    assert_eq!(found.output.status, 0);
    // With settings of its own, of which the environment knows nothing, it is well.
    for name in ["GITHUB_APP_HOST", "GITHUB_APP_CLIENT_ID", "GITHUB_APP_PRIVATE_KEY_FILE"] {
        sandbox.remove_env(name);
    }
    let key = sandbox.path().join("app.pem");
    let settings = format!("host = \"ghe.test\"\napp_id = \"1\"\nprivate_key_file = \"{}\"\n", key.display());
    let file = sandbox.write_private("ghe.toml", settings);
    let line = format!("{own} --config {}", file.display());
    fs::write(sandbox.gitconfig(), format!("[credential \"https://ghe.test\"]\n\thelper = {line}\n"))
        .expect("a file");
    let found = doctor(&sandbox, &["--timeout=2s"]);
    found.is_content_with(NAME);
    // The commands of the hints are for the settings that were asked about.
    let found = doctor(&sandbox, &["--timeout=2s", "--config=ghe.toml", "--host=other.test"]);
    let hint = format!("--config {} setup", file.display());
    found.fails("git configuration", "not configured for https://other.test", &hint);
    for line in ["github-app", "cache"] {
        fs::write(sandbox.gitconfig(), format!("[credential \"https://*.test\"]\n\thelper = {line}\n"))
            .expect("a file");
        doctor(&sandbox, &["--timeout=2s", "--host=ghe.test"]);
    }
}
