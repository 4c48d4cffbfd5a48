//! `setup --system`: settings and git lines for every user of the machine, in the test's own `/etc`.

use std::fs;

use super::bare;
use crate::support::github::LoopbackGitHub;
use crate::support::namespace::mounting;
use crate::support::process::{Output, Run};
use crate::support::sandbox::Sandbox;
use crate::support::users::{Common, mode, victim_and_attacker};

/// Runs a script for which `/etc` is a copy in the sandbox; `None` if mounting is not allowed here.
fn with_own_etc(machine: &Machine, script: &str, args: &[&str]) -> Option<Output> {
    let mount = "[ -d etc ] || cp -a /etc etc 2>/dev/null || :; chmod 755 etc; mount --bind etc /etc";
    let run = mounting(&machine.sandbox, &machine.common.binary(), mount, script)?;
    Some(args.iter().fold(run, Run::arg).run())
}

/// A machine whose git reads its configuration in `/etc`, with a binary that every user can run.
struct Machine {
    github: LoopbackGitHub,
    sandbox: Sandbox,
    common: Common,
    options: Vec<String>,
}

impl Machine {
    fn new() -> Self {
        let (github, sandbox, mut options) = bare();
        sandbox.remove_env("GIT_CONFIG_NOSYSTEM");
        sandbox.set_env("GIT_CONFIG_SYSTEM", "/etc/gitconfig-of-the-test");
        // No key file: a command, for which it makes no difference who may read what.
        let key = sandbox.path().join("app.pem");
        options[2] = format!("--private-key-command=cat '{}'", key.display());
        Self { github, sandbox, common: Common::new(), options }
    }

    fn options(&self) -> Vec<&str> {
        self.options.iter().map(String::as_str).collect()
    }
}

#[test]
fn settings_and_git_lines_apply_to_every_user_and_undo_finds_them() {
    let machine = Machine::new();
    let Machine { github, sandbox, common, options } = &machine;
    // Whatever root has of its own is neither read nor written.
    let own = sandbox.home().join(".config/git-credential-github-app");
    fs::create_dir_all(&own).expect("a new directory");
    fs::write(own.join("config.toml"), "host = \"ghe.test\"\napp_id = \"1\"\n").expect("a file of ours");
    let script = "umask 077; \"$0\" \"$@\" setup --system >out
        ls -ld /etc/git-credential-github-app /etc/git-credential-github-app/* /etc/gitconfig-of-the-test | cut -d' ' -f1,3,4
        cat /etc/git-credential-github-app/config.toml /etc/gitconfig-of-the-test
        HOME=/nowhere \"$0\" setup --undo --system
        ls /etc | grep -e github -e gitconfig-of || echo nothing left";
    let Some(output) = with_own_etc(&machine, script, &machine.options()) else { return };
    let url = github.url();
    let (first, rest) = output.stdout.split_once("host = ").expect("settings");
    let modes: Vec<&str> = first.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(modes, ["drwxr-xr-x", "-rw-r--r--", "-rw-------", "-rw-r--r--"], "{}", output.stdout);
    assert!(first.lines().all(|line| line.ends_with(" root root")), "{first}");
    let binary = common.binary().display().to_string().replace(' ', "\\\\ ");
    let expected = format!(
        "\"{url}\"\napp_id = \"Iv23liTestApp\"\nprivate_key_command = \"{}\"\n\
         [credential \"{url}\"]\n\thelper = \n\thelper = {binary}\n\tuseHttpPath = true\n",
        options[2].trim_start_matches("--private-key-command=")
    );
    let undo = rest.strip_prefix(&expected).unwrap_or_else(|| panic!("{rest}"));
    for line in [
        "removed /etc/gitconfig-of-the-test\n",
        "removed /etc/git-credential-github-app/config.toml\n",
        "removed the directory /etc/git-credential-github-app\n",
        "undid 2 changes for ",
        "nothing left\n",
    ] {
        assert!(undo.contains(line), "{line}: {undo}");
    }
    assert_eq!((output.status, output.stderr.as_str()), (0, ""));
    assert!(!own.join("setup.json").exists());
    let said = fs::read_to_string(sandbox.path().join("out")).expect("what setup said");
    assert!(said.ends_with(&format!("all is well; next: git clone {url}/OWNER/REPOSITORY\n")), "{said}");
}

#[test]
fn without_options_only_git_is_configured_as_in_an_image_with_settings_in_variables() {
    let machine = Machine::new();
    let Machine { github, sandbox, common, .. } = &machine;
    sandbox.set_env("GITHUB_APP_HOST", github.url());
    sandbox.set_env("GITHUB_APP_CLIENT_ID", "Iv23liTestApp");
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", "/run/secrets/not-there-yet.pem");
    let script = "\"$0\" setup --system >out || status=$?; echo \"status ${status-0}\"
        ls /etc/git-credential-github-app; git config --system --list";
    let Some(output) = with_own_etc(&machine, script, &[]) else { return };
    let url = github.url();
    let binary = common.binary().display().to_string().replace(' ', "\\ ");
    let lines = format!(
        "status 3\nsetup.json\ncredential.{url}.helper=\ncredential.{url}.helper={binary}\n\
         credential.{url}.usehttppath=true\n"
    );
    assert_eq!(output.stdout, lines, "{}", output.stderr);
    let said = fs::read_to_string(sandbox.path().join("out")).expect("what setup said");
    assert!(said.contains("fail  private key: "), "{said}");
}

#[test]
fn what_other_users_could_not_read_is_refused_before_anything_is_written() {
    let mut machine = Machine::new();
    let key = machine.sandbox.path().join("app.pem");
    machine.options[2] = format!("--private-key-file={}", key.display());
    let args = machine.options();
    let script = "\"$0\" \"$@\" setup --system; ls /etc | grep -e github -e gitconfig-of";
    let Some(output) = with_own_etc(&machine, &format!("set +e; {script}; true"), &args) else { return };
    let message = format!(
        "git-credential-github-app: other users cannot read {} (private_key_file), and --system is for all of them\n\
         hint: to set up only this user, leave out --system\n",
        key.display()
    );
    assert!(output.stderr.starts_with(&message), "{}", output.stderr);
    assert_eq!(output.stdout, "");
    let script =
        "set +e; mkdir -m 700 own; cp \"$0\" own/helper; own/helper \"$@\" setup --system; rm -r own";
    let output = with_own_etc(&machine, script, &args).expect("it could be done before");
    let path = machine.sandbox.path().join("own/helper");
    let message =
        format!("other users cannot run {}, and --system is for all of them\nhint: ", path.display());
    assert!(output.stderr.contains(&message), "{}", output.stderr);
    // A group can be let in: to the file, and to the directories above it.
    let script = "chgrp 12345 . app.pem && chmod 710 . && chmod 640 app.pem || exit 77
        \"$0\" \"$@\" setup --system | tail -n 1";
    let output = with_own_etc(&machine, script, &args).expect("it could be done before");
    if output.status != 77 {
        assert!(
            output.stdout.starts_with("it works, with 1 warning; next: "),
            "{}{}",
            output.stdout,
            output.stderr
        );
    }
}

#[test]
fn users_who_may_not_change_them_learn_who_may() {
    let Some((user, _)) = victim_and_attacker() else { return };
    let common = Common::new();
    mode(&common.binary(), 0o755);
    let sandbox = common.sandbox_of(user);
    let args = ["--broker-url=http://127.0.0.1:1", "setup", "--system"];
    let output = user.run(&sandbox, common.binary(), &args).run();
    output.expect(
        1,
        "",
        "git-credential-github-app: make the directory /etc/git-credential-github-app: Permission denied (os error 13)\n\
         hint: --system is for all users: run it as root, for example with sudo\n",
    );
}
