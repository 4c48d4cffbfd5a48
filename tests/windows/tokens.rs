//! Tokens: the protocol, the cache, its locks, and what kills leave.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::machine::Machine;
use super::{app_machine, request};
use crate::common::{attribute, message, password};
use crate::support::github::LoopbackGitHub;

#[test]
fn a_token_is_minted_over_tls_and_then_comes_from_the_cache_in_the_users_profile() {
    let Some((github, machine)) = app_machine() else { return };
    let first = machine.get(&request(&github));
    assert_eq!((first.success().stderr.as_str(), github.mints()), ("", 1));
    assert_eq!(attribute(&first, "username"), Some("x-access-token"));
    assert!(!first.stdout.contains('\r'), "{:?}", first.stdout);
    let second = machine.get(&request(&github));
    assert_eq!((second.stdout, github.mints()), (first.stdout.clone(), 1));
    assert!(!machine.entries().is_empty());
    let erase = format!("{}password={}\r\n", request(&github), password(&first));
    machine.helper(&["erase"]).stdin(erase).run().expect(0, "", "");
    assert_ne!(password(&machine.get(&request(&github))), password(&first));
    assert_eq!(github.mints(), 2);
}

#[test]
fn what_is_not_ours_gets_no_answer() {
    let Some((github, machine)) = app_machine() else { return };
    for other in ["protocol=https\nhost=example.com\n\n", "protocol=https\r\nhost=a\rb\n", "nonsense\n", ""] {
        machine.get(other).expect(0, "", "");
    }
    machine.helper(&["no-such-operation"]).run();
    let capability = machine.helper(&["capability"]).run();
    assert!(capability.success().stdout.starts_with("version 0\n"), "{:?}", capability.stdout);
    assert_eq!(github.mints(), 0);
}

/// wine's server works for all processes of a Windows in turn: a hundred at once take it half a minute.
#[test]
fn a_hundred_cold_gets_at_once_cause_one_mint_and_get_equal_answers() {
    let Some((github, machine)) = app_machine() else { return };
    machine.helper(&["--version"]).run().success();
    let prepare = || machine.helper(&["--timeout=5m", "get"]).stdin(request(&github));
    let limit = Duration::from_mins(5);
    let running: Vec<_> = (0..100).map(|_| prepare().limit(limit).spawn()).collect();
    let outputs: Vec<_> = running.into_iter().map(crate::support::process::Running::wait).collect();
    for output in &outputs {
        assert_eq!((output.success().stderr.as_str(), &output.stdout), ("", &outputs[0].stdout));
    }
    assert_eq!(github.mints(), 1);
}

#[test]
fn a_get_that_is_killed_at_any_moment_leaves_a_cache_that_works() {
    let Some((github, machine)) = app_machine() else { return };
    let cold = || {
        machine.entries().iter().for_each(|entry| fs::remove_file(entry).expect("a file of ours"));
        let started = Instant::now();
        machine.get(&request(&github)).success();
        started.elapsed()
    };
    // The first run starts wine's server.
    let whole = cold().min(cold());
    let (mut killed, mut tries) = (0, 0);
    while killed < 5 {
        tries += 1;
        assert!(tries <= 100, "{killed} of {tries} were killed before their end");
        machine.entries().iter().for_each(|entry| fs::remove_file(entry).expect("a file of ours"));
        let mut running = machine.helper(&["get"]).stdin(request(&github)).spawn();
        let moment = Instant::now() + whole.mul_f64(fastrand::f64());
        while Instant::now() < moment && !running.has_ended() {
            std::thread::yield_now();
        }
        if !running.has_ended() {
            running.signal(Signal::KILL);
        }
        if running.wait().status == 137 {
            killed += 1;
            let after = machine.get(&request(&github));
            assert_eq!(after.success().stderr, "", "after try {tries}");
            assert_eq!(machine.get(&request(&github)).stdout, after.stdout, "after try {tries}");
        }
    }
}

/// The entry of the token, as it is the longer one.
fn entry(machine: &Machine) -> String {
    let size = |path: &std::path::PathBuf| fs::metadata(path).expect("a file").len();
    let entry = machine.entries().into_iter().max_by_key(size).expect("an entry");
    let name = entry.file_name().expect("a name").to_str().expect("text").to_owned();
    machine.path(&format!("AppData/Local/git-credential-github-app/{name}"))
}

fn renewed(github: &LoopbackGitHub, machine: &Machine) {
    let before = github.mints();
    github.set_token_life(60 * 60);
    let output = machine.helper(&["--owner=octo-org", "-v", "refresh", "--min-life=59m"]).run();
    assert_eq!(output.success().status, 0, "{}", output.stderr);
    assert_eq!(github.mints(), before + 1, "{}", output.stderr);
}

#[test]
fn an_entry_is_replaced_while_another_program_has_it_open() {
    let Some((github, machine)) = app_machine() else { return };
    github.set_token_life(50 * 60);
    machine.helper(&["--owner=octo-org", "token"]).run().success();
    // cmd keeps other programs from writing to its input, and holds it for a second.
    let script = format!("(echo open & ping -n 2 127.0.0.1 > nul) < \"{}\"\r\n", entry(&machine));
    let script = machine.write("hold.cmd", format!("@{script}"));
    let mut holding = machine.command("cmd", &["/c", &script]).spawn();
    while !holding.stdout_so_far().contains("open") {
        assert!(!holding.has_ended(), "{}", holding.stderr_so_far());
        std::thread::yield_now();
    }
    renewed(&github, &machine);
    holding.wait();
    let left = fs::read_dir(machine.file("AppData/Local/git-credential-github-app")).expect("a cache");
    let left: Vec<_> = left.map(|entry| entry.expect("an entry").file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".new")), "{left:?}");
}

#[test]
fn a_cache_outside_the_profile_is_used_only_if_it_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some((github, machine)) = app_machine() else { return };
    for (mode, mints) in [(0o777, 2), (0o755, 2), (0o700, 1)] {
        let before = github.mints();
        let dir = machine.file_on_drive(&format!("cache {mode:o}"));
        fs::create_dir(&dir).expect("a new directory");
        fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).expect("a directory of ours");
        let option = format!("--cache-dir=C:\\cache {mode:o}");
        for _ in 0..2 {
            let output = machine.helper(&[&option, "get"]).stdin(request(&github)).run();
            let warned = output.success().stderr.contains("others may access it; icacls");
            assert_eq!(warned, mints == 2, "{mode:o}: {}", output.stderr);
        }
        assert_eq!(github.mints() - before, mints, "{mode:o}");
    }
}

#[test]
fn settings_that_others_may_change_are_not_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some((_github, machine)) = app_machine() else { return };
    let settings = machine.file_on_drive("settings.toml");
    for (mode, good) in [(0o666, false), (0o644, true)] {
        fs::copy(machine.file("AppData/Roaming/git-credential-github-app/config.toml"), &settings)
            .and_then(|_| fs::set_permissions(&settings, fs::Permissions::from_mode(mode)))
            .expect("a file of ours");
        let output = machine.helper(&["--config=C:\\settings.toml", "--owner=octo-org", "token"]).run();
        if good {
            output.success();
        } else {
            let expected = "settings file C:\\settings.toml: others may access it";
            assert_eq!((output.status, message(&output)), (3, expected), "{}", output.stderr);
            assert!(output.stderr.contains("hint: icacls \"C:\\settings.toml\""), "{}", output.stderr);
        }
    }
}
