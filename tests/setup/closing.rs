//! How `setup` ends: whether all is well, and the next step.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{bare, setup};
use crate::support::github::LoopbackGitHub;
use crate::support::keys::other_key_pem;
use crate::support::sandbox::Sandbox;

const NAME: &str = "git-credential-github-app: ";

/// Makes something wrong, for which setup cannot do anything.
type Break = fn(&LoopbackGitHub, &Sandbox);

#[test]
fn the_last_line_says_whether_all_is_well_and_the_exit_status_why_not() {
    let cases: [(Break, i32, &str); 5] = [
        (|_, _| (), 0, "all is well; next: git clone "),
        (|github, _| github.grant(7, &[("contents", "read")]), 0, "it works, with "),
        (
            |_, sandbox| {
                let mode = fs::Permissions::from_mode(0o644);
                fs::set_permissions(sandbox.path().join("app.pem"), mode).expect("a file of ours");
            },
            3,
            "everything is written, but 1 of ",
        ),
        (
            |_, sandbox| drop(sandbox.write_private("app.pem", other_key_pem())),
            4,
            "everything is written, but 1 of ",
        ),
        (
            |_, sandbox| sandbox.set_env("HTTP_PROXY", "http://127.0.0.1:1"),
            5,
            "everything is written, but 2 of ",
        ),
    ];
    for (make_wrong, status, line) in cases {
        let (github, sandbox, options) = bare();
        make_wrong(&github, &sandbox);
        let output = setup(&sandbox, &options, &["--timeout=10s"]);
        output.fails_with(status);
        let last = if status == 0 {
            output.stdout.lines().last().unwrap_or_default()
        } else {
            let hint = "hint: follow the hints above, then: git-credential-github-app doctor\n";
            assert!(output.stderr.ends_with(hint), "{}", output.stderr);
            output
                .stderr
                .lines()
                .rfind(|line| line.starts_with(NAME))
                .unwrap_or_default()
                .trim_start_matches(NAME)
        };
        assert!(last.starts_with(line), "{status}: {}{}", output.stdout, output.stderr);
        let text = fs::read_to_string(sandbox.gitconfig()).expect("a file");
        assert!(text.contains("useHttpPath = true"), "everything is written all the same: {status}");
        assert!(sandbox.home().join(".config/git-credential-github-app/config.toml").exists());
    }
}
