//! `install.sh --uninstall` and a git that would go on calling what is gone.

use std::path::Path;

use super::{BINARY, prefix, put_on_path, sandbox, script, uninstall, uninstalled};
use crate::support::sandbox::Sandbox;

const HINT: &str =
    "hint: before you uninstall, git-credential-github-app setup --undo takes such lines away\n";

/// A sandbox with the stand-in installed, whose git may have a system configuration.
fn installed() -> Sandbox {
    let sandbox = sandbox("1");
    script(&sandbox, &[]).run().success();
    sandbox.remove_env("GIT_CONFIG_NOSYSTEM");
    sandbox.set_env("GIT_CONFIG_SYSTEM", sandbox.write("system", ""));
    sandbox
}

fn git(sandbox: &Sandbox, args: &[&str]) {
    sandbox.command("git", &[&["config"], args].concat()).run().expect(0, "", "");
}

/// The warning about one line.
fn warning(key: &str, file: &Path) -> String {
    format!("install.sh: warning: git is still told to run it, by {key} in {}\n", file.display())
}

/// How setup writes a path: blanks with a backslash.
fn as_setup_writes(path: &Path) -> String {
    path.display().to_string().replace(' ', "\\ ")
}

#[test]
fn uninstalling_warns_of_each_line_that_names_the_binary_by_path_or_name() {
    let sandbox = installed();
    let path = as_setup_writes(&prefix(&sandbox).join(BINARY));
    let system = sandbox.path().join("system");
    let included = sandbox.write("included", "");
    git(&sandbox, &["--global", "include.path", &included.to_string_lossy()]);
    for (file, key, value) in [
        (&system, "credential.https://ghe.test.helper", "github-app --config /etc/ghe.toml"),
        (&sandbox.gitconfig(), "credential.https://github.com.helper", ""),
        (&sandbox.gitconfig(), "credential.https://github.com.helper", &path),
        (&sandbox.gitconfig(), "credential.https://github.com.usehttppath", "true"),
        (&sandbox.gitconfig(), "credential.helper", &format!("!{path} --owner acme")),
        (&included, "credential.https://acme.ghe.com.helper", "!git-credential-github-app"),
        // Others' helpers, and another copy of ours.
        (&sandbox.gitconfig(), "credential.helper", "cache"),
        (&sandbox.gitconfig(), "credential.helper", "github-apprentice"),
        (&sandbox.gitconfig(), "credential.helper", "/opt/bin/git-credential-github-app"),
    ] {
        git(&sandbox, &["--file", &file.to_string_lossy(), "--add", key, value]);
    }
    let said = [
        warning("credential.https://ghe.test.helper", &system),
        warning("credential.https://acme.ghe.com.helper", &included),
        warning("credential.https://github.com.helper", &sandbox.gitconfig()),
        warning("credential.helper", &sandbox.gitconfig()),
        HINT.to_owned(),
    ];
    uninstall(&sandbox, &[]).expect(0, &uninstalled(&sandbox), &said.concat());
}

#[test]
fn a_name_that_finds_another_copy_is_none_of_its_business() {
    let sandbox = installed();
    git(&sandbox, &["--global", "credential.helper", "github-app"]);
    sandbox.write_script("other/git-credential-github-app", "#!/bin/sh\n");
    put_on_path(&sandbox, &sandbox.path().join("other"));
    uninstall(&sandbox, &[]).expect(0, &uninstalled(&sandbox), "");

    script(&sandbox, &[]).run().success();
    put_on_path(&sandbox, Path::new("/nowhere"));
    let said = warning("credential.helper", &sandbox.gitconfig()) + HINT;
    uninstall(&sandbox, &[]).expect(0, &uninstalled(&sandbox), &said);
}

#[test]
fn undone_before_it_is_uninstalled_nothing_is_left_to_warn_of() {
    let sandbox = sandbox("1");
    let settings = ["--app-id=Iv23liExample", "--private-key-file=key.pem"];
    sandbox.set_env("HTTPS_PROXY", "http://127.0.0.1:1");
    let real = sandbox.binary().to_string_lossy().into_owned();
    let install = [&["--binary", &real, "--setup"], &settings[..]].concat();
    // No server can be reached here, which setup says at its end.
    sandbox.command(super::SCRIPT, &install).run().fails_with(3);
    sandbox.helper(&["setup", "--undo"]).run().success();
    uninstall(&sandbox, &[]).expect(0, &uninstalled(&sandbox), "");

    sandbox.command(super::SCRIPT, &install).run().fails_with(3);
    let said = warning("credential.https://github.com.helper", &sandbox.gitconfig()) + HINT;
    uninstall(&sandbox, &[]).expect(0, &uninstalled(&sandbox), &said);
}
