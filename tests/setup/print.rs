//! `setup --print` names each thing that `setup` would do, and what `setup` does with ssh URLs.

use std::fs;

use super::{bare, setup, snapshot, word};
use crate::support::git::gits;
use crate::support::github::CLIENT_ID;
use crate::support::sandbox::Sandbox;

/// A crontab that is a file.
fn crontab(sandbox: &Sandbox) {
    let table = sandbox.path().join("crontab");
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = -l ]; then cat '{0}' 2>/dev/null || {{ echo 'no crontab' >&2; exit 1; }}; \
         else cat >'{0}'; fi\n",
        table.display()
    );
    sandbox.write_script("bin/crontab", script);
    let path = std::env::var("PATH").expect("PATH is set");
    sandbox.set_env("PATH", format!("{}:{path}", sandbox.path().join("bin").display()));
}

#[test]
fn each_step_is_named_and_nothing_is_changed() {
    let (github, sandbox, options) = bare();
    crontab(&sandbox);
    let before = snapshot(sandbox.path());
    let output = setup(&sandbox, &options, &["--print", "--timer=cron", "--insteadof"]);
    let (host, url, home) = (github.host(), github.url(), sandbox.home().display().to_string());
    let (gitconfig, binary) =
        (sandbox.gitconfig().display().to_string(), sandbox.binary().display().to_string());
    let key = sandbox.path().join("app.pem").display().to_string();
    let settings = format!("host = \"{url}\"\napp_id = \"{CLIENT_ID}\"\nprivate_key_file = \"{key}\"\n");
    let lines = format!(
        "[credential \"{url}\"]\n\thelper =\n\thelper = {binary}\n\tuseHttpPath = true\n\
         [url \"{url}/\"]\n\tinsteadOf = git@127.0.0.1:\n\tinsteadOf = ssh://git@127.0.0.1/\n"
    );
    let ours = format!("{home}/.config/git-credential-github-app");
    let cron =
        format!("7,37 * * * * {binary} refresh --all --timeout 60s # git-credential-github-app: {host}\n");
    let expected = format!(
        "# write {ours}/config.toml\n{settings}\n# add to {gitconfig}\n{lines}\n# add to the crontab\n{cron}\n\
         # make the directory {home}/.config\n# make the directory {ours}\n\
         # record in {ours}/setup.json what was written, for setup --undo\n"
    );
    // The sandbox's home is not the one that cron knows, where anything tells that.
    let stdout = output.success().stdout.replace(&format!("* HOME={} ", word(&sandbox.home())), "* ");
    assert_eq!((stdout, output.stderr.as_str()), (expected, ""));
    assert_eq!(snapshot(sandbox.path()), before);
    assert_eq!(github.server().requests().len(), 0);

    setup(&sandbox, &options, &["--timer=cron", "--insteadof"]).success();
    let output = setup(&sandbox, &[], &["--print", "--timer=cron", "--insteadof"]);
    let table = fs::read_to_string(sandbox.path().join("crontab")).expect("a crontab");
    output.expect(0, &format!("# already in {gitconfig}\n{lines}\n# already in the crontab\n{table}"), "");
}

#[test]
fn units_and_the_timer_are_named_too() {
    let (github, sandbox, options) = bare();
    let output = setup(&sandbox, &options, &["--print", "--timer=systemd"]);
    let units = sandbox.home().join(".config/systemd/user");
    let name = format!("git-credential-github-app-refresh-{}", github.host().replace(':', "-"));
    assert_eq!(output.success().stderr, "");
    for line in [
        format!("# write {}/{name}.service\n[Unit]\n", units.display()),
        format!("# write {}/{name}.timer\n[Unit]\n", units.display()),
        format!("# enable {name}.timer\n"),
        format!("# make the directory {}\n", units.display()),
    ] {
        assert!(output.stdout.contains(&line), "{line}: {}", output.stdout);
    }
}

#[test]
fn ssh_urls_of_the_host_become_https_until_undo() {
    for git in gits() {
        let (_github, sandbox, options) = bare();
        let urls = ["git@127.0.0.1:octo-org/hello.git", "ssh://git@127.0.0.1/octo-org/hello"];
        setup(&sandbox, &options, &["--insteadof"]).success();
        let once = fs::read(sandbox.gitconfig()).expect("a file");
        for url in urls {
            let listed = git.command(&sandbox, sandbox.path(), &["ls-remote", url, "HEAD"]);
            assert!(listed.success().stdout.ends_with("\tHEAD\n"), "{}", listed.stdout);
        }
        setup(&sandbox, &options, &["--insteadof"]).success();
        setup(&sandbox, &options, &[]).success();
        assert_eq!(fs::read(sandbox.gitconfig()).expect("a file"), once, "twice is once, and never less");
        sandbox.command("git", &["config", "--global", "alias.st", "status"]).run().success();
        setup(&sandbox, &[], &["--undo"]).success();
        assert_eq!(fs::read_to_string(sandbox.gitconfig()).expect("a file"), "[alias]\n\tst = status\n");
    }
}
