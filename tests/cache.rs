//! The cache between processes: one mint for all, private files, and never in the way.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Signal;

use crate::common::{
    REQUEST, app_sandbox, attribute, broker_sandbox, fresh_tokens, from_now, password, request_for,
};
use crate::support::broker::{FakeBroker, token_response};
use crate::support::http_server::Response;
use crate::support::sandbox::Sandbox;

fn cache_dir(sandbox: &Sandbox) -> PathBuf {
    sandbox.home().join(".cache/git-credential-github-app")
}

fn entry(sandbox: &Sandbox) -> PathBuf {
    let mut entries =
        fs::read_dir(cache_dir(sandbox)).expect("the cache").map(|entry| entry.expect("an entry").path());
    entries.find(|path| path.extension().is_some_and(|end| end == "json")).expect("a token in the cache")
}

#[test]
fn fifty_cold_gets_at_once_cause_one_mint_and_get_equal_answers() {
    let (github, sandbox) = app_sandbox();
    let request = request_for(&github, "octo-org/hello");
    let running: Vec<_> = (0..50).map(|_| sandbox.helper(&["get"]).stdin(&request).spawn()).collect();
    let answers: Vec<String> = running.into_iter().map(|running| password(&running.wait())).collect();
    assert_eq!(github.mint_requests(), 1);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[test]
fn a_process_killed_while_it_mints_leaves_nothing_in_the_way() {
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
    github.script_mint(vec![Response::hang()]);
    let request = request_for(&github, "octo-org/hello");
    let mut running = sandbox.helper(&["get"]).stdin(&request).spawn();
    while github.mint_requests() == 0 {
        assert!(!running.has_ended(), "it has to hang at the mint");
        std::thread::yield_now();
    }
    running.signal(Signal::KILL);
    running.wait();
    password(&sandbox.helper(&["get"]).stdin(&request).run());
    assert_eq!(github.mint_requests(), 2);
}

#[test]
fn directory_and_files_are_private_and_their_names_and_stderr_hold_no_secret() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let output = sandbox.helper(&["-v", "get"]).stdin(REQUEST).run();
    let token = password(&output);
    assert!(!output.stderr.contains(&token) && !output.stderr.contains("Bearer"), "{}", output.stderr);
    assert_eq!(fs::metadata(cache_dir(&sandbox)).expect("the cache").mode() & 0o777, 0o700);
    for file in fs::read_dir(cache_dir(&sandbox)).expect("the cache") {
        let file = file.expect("an entry");
        assert_eq!(file.metadata().expect("a file").mode() & 0o777, 0o600);
        let name = file.file_name().into_string().expect("hexadecimal digits");
        assert!(name.len() == 69 && !token.contains(&name[..8]), "{name}");
    }
}

#[test]
fn a_damaged_entry_is_a_missing_one() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let get = || password(&sandbox.helper(&["get"]).stdin(REQUEST).run());
    let mut last = get();
    for content in [&b""[..], b"{\"version\":1", b"\xff\xfe", b"{\"version\":2}"] {
        fs::write(entry(&sandbox), content).expect("a file of ours");
        let next = get();
        assert_ne!(next, last);
        assert_eq!(get(), next, "repaired");
        last = next;
    }
}

#[test]
fn what_others_may_access_is_not_used_and_one_warning_says_so() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let shared = sandbox.path().join("shared");
    fs::create_dir(&shared).expect("a directory of ours");
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).expect("a directory of ours");
    let link = sandbox.path().join("link");
    symlink(sandbox.home(), &link).expect("a link");
    for dir in [shared.as_path(), link.as_path(), std::path::Path::new("/proc/no-such-place")] {
        let output = sandbox.helper(&["get"]).env("GITHUB_APP_CACHE_DIR", dir).stdin(REQUEST).run();
        password(&output);
        assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
        assert!(output.stderr.contains("warning: cannot use the cache"), "{}", output.stderr);
    }
    assert_eq!(fs::read_dir(&shared).expect("a directory").count(), 0);
    let quiet = sandbox.helper(&["-q", "get"]).env("GITHUB_APP_CACHE_DIR", &shared).stdin(REQUEST).run();
    assert_eq!(quiet.stderr, "");
}

#[test]
fn a_symbolic_link_in_place_of_an_entry_is_not_followed() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    password(&sandbox.helper(&["get"]).stdin(REQUEST).run());
    let victim = sandbox.write("victim", "untouched");
    let entry = entry(&sandbox);
    fs::remove_file(&entry).expect("a file of ours");
    symlink(&victim, &entry).expect("a link");
    let output = sandbox.helper(&["get"]).stdin(REQUEST).run();
    password(&output);
    assert!(output.stderr.contains("warning: cannot read an entry of the cache"), "{}", output.stderr);
    assert_eq!(fs::read_to_string(victim).expect("a file"), "untouched");
}

#[test]
fn no_cache_and_no_home_still_answer() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let first = password(&sandbox.helper(&["--no-cache", "get"]).stdin(REQUEST).run());
    assert_ne!(password(&sandbox.helper(&["--no-cache", "get"]).stdin(REQUEST).run()), first);
    assert!(!cache_dir(&sandbox).exists());
    let file = sandbox.write("file", "");
    let output = sandbox.helper(&["get"]).env("HOME", &file).stdin(REQUEST).run();
    password(&output);
    assert!(output.stderr.contains("continuing without it"), "{}", output.stderr);
}

#[test]
fn a_lock_that_is_held_too_long_is_temporary_trouble() {
    let broker = FakeBroker::start(|_| Response::hang());
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let mut running = sandbox.helper(&["get"]).stdin(REQUEST).spawn();
    while broker.requests().is_empty() {
        assert!(!running.has_ended(), "it has to hang at the fetch");
        std::thread::yield_now();
    }
    let output = sandbox.helper(&["--timeout", "300ms", "token"]).run();
    output.fails_with(5);
    assert!(output.stderr.contains("timed out waiting for another process"), "{}", output.stderr);
    running.signal(Signal::KILL);
    running.wait();
}

#[test]
fn different_settings_never_share_a_token() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let mut tokens: Vec<String> = [
        &["token"][..],
        &["--owner", "acme", "token"],
        &["--owner", "other", "token"],
        &["--repository", "a", "token"],
        &["--repository", "a", "--repository", "b", "token"],
        &["--permission", "contents=read", "token"],
        &["--permission", "contents=write", "token"],
        &["--host", "ghe.example.com", "token"],
        &["--api-url", "https://api.example.com", "token"],
    ]
    .iter()
    .map(|args| sandbox.helper(args).run().success().stdout.clone())
    .collect();
    let all = tokens.len();
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), all);
    assert_eq!(broker.requests().len(), all);
}

#[test]
fn a_token_that_git_has_seen_refused_is_not_handed_out_for_want_of_another() {
    let (calls, expiry) = (AtomicUsize::new(0), from_now(3600));
    let broker = FakeBroker::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => token_response("refused", &expiry),
        _ => Response::hang(),
    });
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let offer = format!("capability[]=state\n{REQUEST}");
    sandbox.helper(&["get"]).stdin(&offer).run().success();
    let cached = sandbox.helper(&["get"]).stdin(&offer).run();
    let state = attribute(&cached, "state[]").expect("a state").to_owned();
    let mut running = sandbox.helper(&["token", "--min-life", "2h"]).spawn();
    while broker.requests().len() < 2 {
        assert!(!running.has_ended(), "it has to hang at the fetch");
        std::thread::yield_now();
    }
    let short = sandbox.helper(&["--timeout", "300ms", "get"]);
    let output = short.stdin(format!("capability[]=state\nstate[]={state}\n{REQUEST}")).run();
    assert_eq!((output.status, output.stdout.as_str()), (0, "quit=1\n"));
    running.signal(Signal::KILL);
    running.wait();
}
