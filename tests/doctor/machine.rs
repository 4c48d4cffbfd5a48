//! What all settings share: git itself, the home directory, whose commits these are, and whom git asks next.

use std::fs;

use super::{Found, append, doctor, healthy, hint_helps, read};
use crate::common::Cloud;
use crate::support::at_once::at_once;
use crate::support::gh::ghs;
use crate::support::git::Git;
use crate::support::github::SLUG;
use crate::support::namespace::mounting;
use crate::support::sandbox::Sandbox;
use crate::support::users::{Common, victim_and_attacker};

#[test]
fn gits_that_lack_something_and_no_git_at_all() {
    let (_github, sandbox) = healthy();
    let fake = |version: &str| {
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && echo 'git version {version}' && exit\nexec '{}' \"$@\"\n",
            Git::default_git().path().display()
        );
        let git = sandbox.write_script("bin/git", script);
        git.parent().expect("a directory").to_string_lossy().into_owned()
    };
    let path = std::env::var("PATH").expect("PATH");
    for (version, text) in [
        (
            "2.39.5",
            "version 2.39; it does not know when a token expires (2.40 does) and replaces a revoked token",
        ),
        ("2.45.0", "version 2.45; it replaces a revoked token only in the next command"),
        ("2.55.0.windows.1", "version 2.55"),
    ] {
        let dir = fake(version);
        let run = sandbox.helper(&["doctor", "--json"]).env("PATH", format!("{dir}:{path}"));
        read(run.run()).has("ok", "git", text, "");
    }
    let empty = sandbox.path().join("empty");
    fs::create_dir(&empty).expect("a new directory");
    let found = read(sandbox.helper(&["doctor", "--json"]).env("PATH", empty).run());
    found.fails("git", "git is not installed", "install git");
}

#[test]
fn variables_and_lines_that_hide_the_bot_are_named() {
    let (_github, sandbox) = healthy();
    let here = sandbox.path().to_owned();
    doctor(&sandbox, &[]).is_content_with("identity");
    for name in ["GIT_AUTHOR_NAME", "GIT_COMMITTER_EMAIL"] {
        sandbox.set_env(name, "somebody");
    }
    doctor(&sandbox, &[]).is_content_with("identity");
    sandbox.helper(&["setup", "--identity"]).run().success();
    let bot = format!("{SLUG}[bot]");
    let found = doctor(&sandbox, &[]);
    let message = format!("GIT_AUTHOR_NAME, GIT_COMMITTER_EMAIL hide {bot}");
    found.has("warn", "identity", &message, "unset GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL");
    assert_eq!(found.output.status, 0);
    sandbox.remove_env("GIT_COMMITTER_EMAIL");
    sandbox.set_env("GIT_AUTHOR_NAME", &bot);
    doctor(&sandbox, &[])
        .has("ok", "identity", &format!("commits are those of {bot}"), "")
        .is_content_with("identity");
    sandbox.remove_env("GIT_AUTHOR_NAME");
    for (section, key) in [("user", "name"), ("user", "email"), ("author", "name"), ("committer", "email")] {
        append(&sandbox, &format!("[{section}]\n\t{key} = me\n"));
        let message = format!("{section}.{key} in /");
        doctor(&sandbox, &[]).has("warn", "identity", &message, &format!("--unset-all {section}.{key}"));
        hint_helps(&sandbox, &here, "warn", &message);
    }
    doctor(&sandbox, &[]).has("ok", "identity", &bot, "");
}

#[test]
fn a_program_that_git_asks_after_the_helper_is_named() {
    let (_github, sandbox) = healthy();
    let here = sandbox.path().to_owned();
    let next = |what: &str| format!("if the helper does not answer, git runs the program of {what}");
    doctor(&sandbox, &[]).is_content_with("askpass");
    sandbox.set_env("SSH_ASKPASS", "/opt/ssh-askpass");
    doctor(&sandbox, &[]).has("warn", "askpass", &next("SSH_ASKPASS"), "export GIT_ASKPASS=");
    append(&sandbox, "[core]\n\taskPass = /opt/askpass\n");
    doctor(&sandbox, &[]).has("warn", "askpass", &next("core.askPass (/"), "--unset-all core.askpass");
    sandbox.set_env("GIT_ASKPASS", "/opt/vs-code/askpass.sh");
    let found = doctor(&sandbox, &[]);
    found.has("warn", "askpass", &next("GIT_ASKPASS"), "unset GIT_ASKPASS");
    assert_eq!(found.output.status, 0);
    // Empty, it switches off all three; and git 2.47 has a setting.
    sandbox.set_env("GIT_ASKPASS", "");
    doctor(&sandbox, &[]).is_content_with("askpass");
    sandbox.remove_env("GIT_ASKPASS");
    sandbox.remove_env("SSH_ASKPASS");
    hint_helps(&sandbox, &here, "warn", "git runs the program of core.askPass");
    sandbox.set_env("SSH_ASKPASS", "/opt/ssh-askpass");
    append(&sandbox, "[credential]\n\tinteractive = never\n");
    doctor(&sandbox, &[]).is_content_with("askpass");
}

#[test]
fn doctor_itself_never_starts_a_program_that_asks() {
    let (github, sandbox) = healthy();
    let mark = sandbox.path().join("asked");
    let asker = sandbox.write_script("askpass", format!("#!/bin/sh\ntouch '{}'\n", mark.display()));
    append(&sandbox, &format!("[core]\n\taskPass = {}\n", asker.display()));
    sandbox.set_env("SSH_ASKPASS", &asker);
    github.remove_installation(7);
    doctor(&sandbox, &["--repo=octo-org/hello"]);
    assert!(!mark.exists());
}

/// Runs doctor without `HOME`, where the user database says that the sandbox's home is ours.
fn without_home(sandbox: &Sandbox) -> Option<Found> {
    let users = format!("root:x:0:0::{}:/bin/sh\n", sandbox.home().display());
    sandbox.write("passwd", users);
    let mount = "mount --bind passwd /etc/passwd";
    let run = mounting(sandbox, sandbox.binary(), mount, "exec \"$0\" doctor --json")?;
    Some(read(run.env_remove("HOME").env_remove("GIT_CONFIG_GLOBAL").run()))
}

#[test]
fn without_home_the_hint_is_what_git_lacks_and_not_a_setup_that_changes_nothing() {
    let (_github, sandbox) = healthy();
    let (name, home) = ("git configuration", sandbox.home().display().to_string());
    let Some(found) = without_home(&sandbox) else { return };
    let hint = format!("export HOME={home} && {} setup", sandbox.binary().display());
    found.fails(name, "HOME is not set, and the helper is not configured for http", &hint);
    fs::copy(sandbox.gitconfig(), sandbox.home().join(".gitconfig")).expect("a file of ours");
    let found = without_home(&sandbox).expect("as before");
    let message = format!("HOME is not set, so git does not read {home}/.gitconfig, which has the helper");
    found.fails(name, &message, &format!("export HOME={home}"));
}

#[test]
fn a_user_without_any_home_gets_a_message() {
    let Some((user, _)) = victim_and_attacker() else { return };
    let common = Common::new();
    let sandbox = common.sandbox_of(user);
    let run = user.run(&sandbox, sandbox.binary(), &["doctor", "--json"]);
    let found = read(run.env_remove("HOME").env_remove("GIT_CONFIG_GLOBAL").run());
    found.fails("git configuration", "HOME is not set, so git reads no configuration of yours", "set HOME");
    found.has("warn", "cache", "there is no home directory for it", "GITHUB_APP_CACHE_DIR");
}

#[test]
fn tokens_of_gh_that_are_refused_or_in_the_way() {
    at_once(ghs(), |gh| {
        let place = Cloud::new();
        place.sandbox.set_env("PATH", gh.path_variable());
        doctor(&place.sandbox, &[]).has("ok", "gh", "without a login for github.com", "");
        place.sandbox.helper(&["refresh", "--gh"]).run().expect(0, "", "");
        doctor(&place.sandbox, &[]).has("ok", "gh", "logged in to github.com", "");
        let [token] = place.github.live_tokens().try_into().expect("one token");
        place.sandbox.set_env("GITHUB_TOKEN", &token);
        doctor(&place.sandbox, &[]).has("warn", "gh", "GITHUB_TOKEN is set", "unset GITHUB_TOKEN");
        place.github.kill_tokens();
        let found = doctor(&place.sandbox, &[]);
        found.fails("gh", "refuses the token in GITHUB_TOKEN", "exec -- gh");
        found.fails("gh", "refuses its login for github.com", "refresh --gh");
        assert!(!found.output.stdout.contains(&token));
    });
}
