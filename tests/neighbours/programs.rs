//! A `PATH` with relative entries, in a clone that brings programs of the names that we run.

use std::path::PathBuf;

use crate::common::{Cloud, message};
use crate::support::process::Run;

/// What we run for ourselves; and what a key command of the user's runs.
const OURS: [&str; 6] = ["git", "gh", "sh", "crontab", "systemctl", "key-tool"];

/// A clone whose programs note in a file that they were run, before everything else on the `PATH`.
struct Clone {
    cloud: Cloud,
    path: String,
    notes: PathBuf,
}

impl Clone {
    fn new() -> Self {
        let cloud = Cloud::new();
        let notes = cloud.sandbox.path().join("notes");
        let script = format!("#!/bin/sh\necho \"$0\" >> '{}'\n", notes.display());
        for name in OURS.iter().chain(&["git-credential-github-app"]) {
            cloud.sandbox.write_script(&format!("clone/{name}"), &script);
            cloud.sandbox.write_script(&format!("clone/bin/{name}"), &script);
        }
        // The stand-ins of these two must not touch the real ones.
        for name in ["crontab", "systemctl"] {
            cloud.sandbox.write_script(&format!("good/{name}"), "#!/bin/sh\ncat > /dev/null\n");
        }
        cloud.sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
        let good = cloud.sandbox.path().join("good").display().to_string();
        let path = format!(":.:bin:./bin::{good}:{}:", std::env::var("PATH").expect("PATH is set"));
        Self { cloud, path, notes }
    }

    fn helper(&self, args: &[&str]) -> Run {
        let dir = self.cloud.sandbox.path().join("clone");
        self.cloud.sandbox.helper(args).cwd(dir).env("PATH", &self.path)
    }

    fn was_run(&self) -> String {
        std::fs::read_to_string(&self.notes).unwrap_or_default()
    }
}

#[test]
fn programs_of_the_directory_are_not_run_whatever_the_path_says() {
    let clone = Clone::new();
    clone.cloud.sandbox.configure_helper("https://github.com", &[]);
    for args in [
        &["token"][..],
        &["doctor"],
        &["status"],
        &["refresh", "--gh"],
        &["setup", "--identity", "--timer", "cron"],
        &["setup", "--undo"],
        &["setup", "--timer", "systemd"],
        &["setup", "--undo"],
        &["revoke", "--all"],
    ] {
        clone.helper(args).run();
        assert_eq!(clone.was_run(), "", "{args:?}");
    }
    // Nor by the programs that we do run.
    clone.helper(&["--no-cache", "--private-key-command", "key-tool", "token"]).run().fails_with(3);
    let key = clone.cloud.sandbox.path().join("app.pem").display().to_string();
    let command = format!("PATH=$PATH:/nowhere; cat '{key}'");
    clone.helper(&["--no-cache", "--private-key-command", &command, "token"]).run().success();
    assert_eq!(clone.was_run(), "");
}

#[test]
fn where_the_path_has_no_absolute_entry_the_systems_own_programs_are_run() {
    let clone = Clone::new();
    for path in ["", ".", "bin:"] {
        let output = clone.helper(&["--no-cache", "--private-key-command", "cat ../app.pem", "token"]);
        output.env("PATH", path).run().success();
    }
    assert_eq!(clone.was_run(), "");
}

#[test]
fn a_copy_in_the_directory_that_git_would_find_is_named_and_not_run() {
    let clone = Clone::new();
    let lines = "[credential \"https://github.com\"]\n\thelper = github-app\n\tuseHttpPath = true\n";
    std::fs::write(clone.cloud.sandbox.gitconfig(), lines).expect("a file of ours");
    let output = clone.helper(&["doctor"]).run();
    let named = "git runs another copy, git-credential-github-app (";
    assert!(output.stdout.contains(named), "{}", output.stdout);
    assert_eq!(clone.was_run(), "");
}

#[test]
fn the_command_of_exec_is_looked_up_as_env_does() {
    let clone = Clone::new();
    clone.helper(&["exec", "--", "key-tool"]).run().success();
    assert_eq!(clone.was_run(), "key-tool\n");
    let output = clone.helper(&["exec", "--", "no-such-tool"]).run();
    output.fails_with(127);
    assert!(message(&output).starts_with("run no-such-tool: "), "{}", output.stderr);
}
