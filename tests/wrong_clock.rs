//! A clock that is wrong, here or at GitHub: tokens work, git keeps them, and their expiry is right for the local clock.

use serde_json::json;

use crate::common::{app_sandbox, attribute, get, now, password, request_for};
use crate::support::git::gits;
use crate::support::http_server::Response;
use crate::support::wrong_clock::{library, off_by};

/// Five minutes and two hours, fast and slow.
const OFFSETS: [i64; 4] = [-7200, -300, 300, 7200];

#[test]
fn a_wrong_local_clock_is_corrected_once_by_githubs_date() {
    for offset in OFFSETS {
        let (github, sandbox) = app_sandbox();
        github.server().set_clock_offset(offset);
        let output = get(&sandbox, &github, "octo-org/hello");
        let expiry: i64 =
            attribute(&output, "password_expiry_utc").expect("an expiry").parse().expect("a number");
        let life = expiry - now();
        assert!((3580..=3605).contains(&life), "{offset}: {life} s by the local clock");
        let again = password(&get(&sandbox, &github, "octo-org/hello"));
        assert_eq!(again, password(&output), "{offset}: cached");
        assert_eq!(github.mints(), 1);
    }
}

#[test]
fn the_clock_offset_is_applied_once_and_not_forever() {
    for message in [
        "'Expiration time' claim ('exp') is too far in the future",
        "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    ] {
        let (github, sandbox) = app_sandbox();
        github.server().set_clock_offset(30);
        sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
        let refusal = || Response::json(401, json!({ "message": message }));
        github.script_mint(vec![refusal()]);
        sandbox.helper(&["--no-cache", "token"]).run().success();
        assert_eq!(github.mint_requests(), 2, "{message}");
        github.script_mint(vec![refusal(), refusal(), refusal()]);
        let output = sandbox.helper(&["--no-cache", "token"]).run();
        output.fails_with(4);
        assert!(output.stderr.contains("the local clock is off"), "{}", output.stderr);
        assert_eq!(github.mint_requests(), 4, "{message}");
    }
}

#[test]
fn git_clones_and_keeps_the_token_with_a_wrong_local_clock() {
    let Some(library) = library() else { return };
    for git in gits() {
        for offset in OFFSETS {
            let (github, sandbox) = app_sandbox();
            sandbox.configure_helper(&github.url(), &[]);
            let url = github.clone_url("octo-org", "hello");
            let run = |args: &[&str]| {
                let run = off_by(git.prepare(&sandbox, sandbox.path(), args), &library, offset).run();
                run.success().clone()
            };
            run(&["clone", "-q", &url, "work"]);
            assert_eq!(github.mints(), 1, "{offset} s, {}", git.full_version());
            // A git that took the token for expired would have dropped it before the second request.
            run(&["ls-remote", &url]);
            assert_eq!(github.mints(), 1, "{offset} s: cached");
            let filled = git.prepare(&sandbox, sandbox.path(), &["credential", "fill"]);
            let filled = off_by(filled.stdin(request_for(&github, "octo-org/hello")), &library, offset).run();
            let expiry = attribute(&filled, "password_expiry_utc").map(str::parse::<i64>);
            if git.version() >= (2, 40) {
                let life = expiry.expect("an expiry").expect("a number") - (now() + offset);
                assert!((3570..=3605).contains(&life), "{offset} s: {life} s by the local clock");
            }
            assert_eq!(github.live_tokens(), [password(&filled)]);
        }
    }
}

#[test]
fn a_clock_that_is_set_right_again_does_not_make_old_tokens_look_young() {
    let Some(library) = library() else { return };
    let (github, sandbox) = app_sandbox();
    let wrong = sandbox.helper(&["get"]).stdin(request_for(&github, "octo-org/hello"));
    let first = password(&off_by(wrong, &library, 7200).run());
    assert_ne!(password(&get(&sandbox, &github, "octo-org/hello")), first);
}
