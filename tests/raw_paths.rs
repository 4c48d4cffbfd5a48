//! Names of files and directories that would move a terminal's cursor, turn its text round or start a line of their own:
//! they reach nobody's terminal as they are.

use std::fs;
use std::path::PathBuf;

use crate::common::app_sandbox;
use crate::serve::line;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;
use crate::support::users::mode;

/// ESC, the CSI of one character, a change of direction, a line end and a hint.
const NAME: &str = "e\u{1b}[2J\u{9b}31m\u{202e}x\nhint: do harm";

#[track_caller]
fn is_clean(output: &Output, what: &str) {
    for text in [&output.stdout, &output.stderr] {
        let raw = text.chars().find(|c| (c.is_control() && !"\n\t".contains(*c)) || *c == '\u{202e}');
        assert_eq!(raw, None, "{what}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("hint: do harm")), "{what}: {text}");
    }
}

/// A sandbox with an App, whose home has the name.
fn sandbox() -> (Sandbox, PathBuf) {
    let (_github, sandbox) = app_sandbox();
    let home = sandbox.home().join(NAME);
    fs::create_dir_all(home.join(".config/git-credential-github-app")).expect("a new directory");
    sandbox.set_env("HOME", &home);
    sandbox.remove_env("GIT_CONFIG_GLOBAL");
    // No server answers there, and none is needed.
    sandbox.set_env("GITHUB_APP_API_URL", "http://127.0.0.1:9");
    (sandbox, home)
}

#[test]
fn what_people_read_has_no_control_characters_of_paths_in_it() {
    let (sandbox, home) = sandbox();
    let config = home.join(".config/git-credential-github-app/config.toml");
    for (content, bits) in [("", 0o600), ("bad", 0o600), ("no_such_key = 1\n", 0o600), ("", 0o666)] {
        fs::write(&config, content).expect("a file of ours");
        mode(&config, bits);
        for command in [
            &["status"][..],
            &["status", "--json"],
            &["doctor"],
            &["doctor", "--json"],
            &["setup", "--print"],
            &["setup"],
            &["setup", "--undo"],
            &["token"],
            &["refresh", "--all"],
            &["revoke", "--all"],
            &["exec", "--", NAME],
        ] {
            let args = [&["-v", "--timeout=300ms"], command].concat();
            let output = sandbox.helper(&args).run();
            is_clean(&output, &format!("{content:?} {command:?}"));
            if command.contains(&"--json") && !output.stdout.is_empty() {
                let json: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
                let shown = json.to_string();
                assert!(
                    !command.contains(&"status") || shown.contains("hint: do harm"),
                    "a reader gets the path"
                );
            }
        }
    }
}

#[test]
fn the_brokers_messages_and_log_have_no_control_characters_of_paths_in_them() {
    let (_github, sandbox) = app_sandbox();
    let place = sandbox.path().join(NAME);
    fs::create_dir(&place).expect("a new directory");
    let away = format!("unix:{}/away/socket", place.display());
    let output = sandbox.helper(&["serve", "--listen", &away]).run();
    output.fails_with(3);
    is_clean(&output, "no such directory");
    fs::write(place.join("bearers"), line(&sandbox, "admin", "admin", "")).expect("room for a file");
    for form in ["plain", "json"] {
        let socket = format!("unix:{}/socket", place.display());
        let args = ["serve", "--listen", &socket, "--bearer-file=bearers", "--log", form];
        let mut running = sandbox.helper(&args).cwd(&place).spawn();
        running.wait_for_stderr("listening on unix:");
        running.signal(rustix::process::Signal::TERM);
        let output = running.wait();
        is_clean(&output, form);
        assert_eq!(output.stderr.lines().count(), 3, "{}", output.stderr);
    }
}
