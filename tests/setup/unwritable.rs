//! `setup` where nothing can be written: what to do is said.

use std::fs;

use super::bare;
use crate::support::namespace::mounting;
use crate::support::process::Run;

/// What makes the home directory one of an image that is mounted read-only.
const READ_ONLY_HOME: &str = "mount -t tmpfs none home; mount -o remount,ro none home";

#[test]
fn a_read_only_home_gets_a_hint() {
    let (_github, sandbox, options) = bare();
    let run = |mounts, script| {
        let run = mounting(&sandbox, sandbox.binary(), mounts, script)?;
        Some(options.iter().fold(run, Run::arg).run())
    };
    let Some(output) = run(READ_ONLY_HOME, "exec \"$0\" \"$@\" setup") else { return };
    let dir = sandbox.home().join(".config/git-credential-github-app");
    output.expect(
        1,
        "",
        &format!(
            "git-credential-github-app: make the directory {}: Read-only file system (os error 30)\n\
             hint: set HOME to a writable directory, here and wherever git runs\n\
             hint: or let root set it up for all users, for example when an image is built: git-credential-github-app setup --system\n",
            dir.display()
        ),
    );
    // The first hint helps.
    let script = "mkdir other; HOME=$PWD/other \"$0\" \"$@\" setup | tail -n 1";
    let output = run(READ_ONLY_HOME, script).expect("it could be done before");
    assert!(output.success().stdout.starts_with("all is well; next: "), "{}{}", output.stdout, output.stderr);
    // Only git's file.
    let script = "unset GIT_CONFIG_GLOBAL; XDG_CONFIG_HOME=$PWD/config exec \"$0\" \"$@\" setup";
    let output = run(READ_ONLY_HOME, script).expect("it could be done before");
    let hint = "\nhint: check that the file can be written, or choose another: GIT_CONFIG_GLOBAL, --file\n";
    assert!(output.fails_with(1).stderr.ends_with(hint), "{}", output.stderr);
    // What was written is undone only where it can be.
    let script = "\"$0\" \"$@\" setup >/dev/null; mount --bind home home; mount -o remount,ro,bind home home
        exec \"$0\" \"$@\" setup --undo";
    let output = run(":", script).expect("it could be done before");
    assert_ne!(output.status, 0);
    assert!(output.stderr.contains("Read-only file system"), "{}", output.stderr);
    assert!(fs::exists(dir.join("setup.json")).expect("a directory"), "{}", output.stderr);
    let hint = "\nhint: run it again where that file can be written\n";
    assert!(output.stderr.ends_with(hint), "{}", output.stderr);
}
