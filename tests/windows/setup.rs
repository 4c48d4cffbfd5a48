//! `setup`, and what `doctor` finds after it.

use std::fs;

use super::app_machine;
use super::machine::Machine;
use crate::common::message;
use crate::support::github::{CLIENT_ID, LoopbackGitHub};
use crate::support::keys::app_key_pem;
use crate::support::process::Output;

/// A Windows on which nothing is set up, and the options that do it.
fn new_machine() -> Option<(LoopbackGitHub, Machine, Vec<String>)> {
    let (github, machine) = app_machine()?;
    fs::remove_dir_all(machine.file("AppData/Roaming/git-credential-github-app"))
        .expect("a directory of ours");
    let options = vec![
        format!("--host={}", github.url()),
        format!("--app-id={CLIENT_ID}"),
        format!("--private-key-file={}", machine.write("my keys/app.pem", app_key_pem())),
        format!("--ca-file={}", machine.path("ca.pem")),
        "--owner=octo-org".to_owned(),
    ];
    Some((github, machine, options))
}

fn setup(machine: &Machine, options: &[String], more: &[&str]) -> Output {
    let options = options.iter().map(String::as_str).chain(["setup"]).chain(more.iter().copied());
    machine.helper(&options.collect::<Vec<_>>()).run()
}

#[test]
fn setup_writes_paths_that_git_understands_and_undo_takes_them_away() {
    let Some((github, machine, options)) = new_machine() else { return };
    machine.write("gitconfig", "[user]\r\n\tname = me\r\n");
    let shown = setup(&machine, &options, &["--print"]);
    let program = machine.program().replace('\\', "/").replace(' ', "\\\\ ");
    let line = format!("\thelper = {program}\n");
    assert!(shown.success().stdout.contains(&line), "{}", shown.stdout);
    let done = setup(&machine, &options, &[]);
    assert!(
        done.stdout.contains("\\AppData\\Roaming\\git-credential-github-app\\config.toml"),
        "{}",
        done.stdout
    );
    let git = fs::read_to_string(machine.file("gitconfig")).expect("a file of git's");
    assert!(git.starts_with("[user]\r\n\tname = me\r\n") && git.contains(&line), "{git}");
    let settings = fs::read_to_string(machine.file("AppData/Roaming/git-credential-github-app/config.toml"));
    let settings = settings.expect("a settings file");
    assert!(settings.contains("my keys"), "{settings}");
    // The same settings, only from the file.
    machine.get(&super::request(&github)).success();
    let again = setup(&machine, &options, &[]);
    assert!(again.stdout.starts_with("everything is already set up\n"), "{}", again.stdout);
    let undone = setup(&machine, &options, &["--undo"]);
    undone.success();
    assert_eq!(fs::read_to_string(machine.file("gitconfig")).expect("a file"), "[user]\r\n\tname = me\r\n");
    assert!(!machine.file("AppData/Roaming/git-credential-github-app").exists());
}

#[test]
fn a_timer_is_the_line_that_makes_a_task() {
    let Some((_github, machine, options)) = new_machine() else { return };
    for kind in ["cron", "systemd", "schtasks"] {
        let shown = setup(&machine, &options, &["--timer", kind, "--print"]);
        let command = format!("/TR \"\\\"{}\\\" refresh --all --timeout 60s\"", machine.program());
        let line = shown.success().stdout.lines().find(|line| line.starts_with("schtasks /Create "));
        assert!(line.is_some_and(|line| line.ends_with(&command)), "{kind}: {}", shown.stdout);
    }
}

#[test]
fn doctor_finds_what_works_and_a_helper_line_that_git_cannot_run() {
    let Some((_github, mut machine, options)) = new_machine() else { return };
    setup(&machine, &options, &[]);
    let report = |machine: &Machine| -> serde_json::Value {
        let output = machine.helper(&["doctor", "--json"]).run();
        serde_json::from_str(&output.stdout).unwrap_or_else(|cause| panic!("{cause}: {}", output.stderr))
    };
    let state = |report: &serde_json::Value, name: &str| {
        let checks = report["checks"].as_array().expect("a list").clone();
        let found = checks.into_iter().find(|check| check["name"] == name);
        found.map(|check| (check["state"].clone(), check["message"].as_str().expect("text").to_owned()))
    };
    let found = report(&machine);
    for name in [
        "settings",
        "private key",
        "network",
        "clock",
        "App",
        "installation",
        "cache",
        "git",
        "git configuration",
    ] {
        let (state, message) = state(&found, name).unwrap_or_else(|| panic!("no {name}: {found:#}"));
        assert_eq!(state, "ok", "{name}: {message}: {found:#}");
    }
    assert_eq!(state(&found, "helper line"), None, "{found:#}");
    let git = fs::read_to_string(machine.file("gitconfig")).expect("a file of git's");
    machine.write("gitconfig", git.replace("my\\\\ tools", "no\\\\ tools"));
    machine.set_env("GIT_SSL_NO_VERIFY", "1");
    let found = report(&machine);
    assert!(found.to_string().contains("\"Remove-Item Env:GIT_SSL_NO_VERIFY\""), "{found:#}");
    let (_, said) = state(&found, "helper line").expect("a check of the line");
    assert!(said.contains("git finds no program"), "{said}");
}

#[test]
fn without_git_setup_says_so() {
    let Some((_github, machine, options)) = new_machine() else { return };
    fs::remove_file(machine.file("my tools/git.exe")).expect("a file of ours");
    let output = setup(&machine, &options, &[]);
    let expected = format!(
        "change git's configuration in {}: git is not installed, or not on the PATH",
        machine.path("gitconfig")
    );
    assert_eq!(message(&output), expected, "{}", output.stderr);
}
