//! No server's word, and no clock's, is taken without a bound.

use std::fs;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::common::{
    REQUEST, app_sandbox, attribute, broker_sandbox, cache_entries, from_now, get, message, now, password,
};
use crate::serve::{ADMIN, line, port};
use crate::support::broker::{FakeBroker, broker_token};
use crate::support::github::LoopbackGitHub;
use crate::support::http_client;
use crate::support::http_server::Response;
use crate::support::wrong_clock::{by_file, library};

const DAY: i64 = 86_400;
const TEN_YEARS: i64 = 3652 * DAY;
const LONGEST_LIFE: i64 = 70 * 60;

/// The latest `exp` of all App JWTs that a GitHub has seen.
fn latest_exp(github: &LoopbackGitHub) -> i64 {
    let claims = |seen: crate::support::http_server::Recorded| {
        let jwt = seen.header("authorization")?.strip_prefix("Bearer ey")?.to_owned();
        let part = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1)?).ok()?;
        serde_json::from_slice::<Value>(&part).ok()?["exp"].as_i64()
    };
    github.api_requests().into_iter().filter_map(claims).max().expect("an App JWT")
}

#[test]
fn githubs_clock_is_followed_for_a_day_and_no_further() {
    for (offset, followed) in
        [(DAY - 60, true), (60 - DAY, true), (DAY + 60, false), (-DAY - 60, false), (TEN_YEARS, false)]
    {
        let (github, sandbox) = app_sandbox();
        github.server().set_clock_offset(offset);
        sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
        let output = sandbox.helper(&["--no-cache", "token"]).run();
        if followed {
            assert_eq!(output.success().stderr, "", "{offset}");
            assert_eq!(github.mint_requests(), 2, "{offset}");
            continue;
        }
        assert_eq!((output.status, output.stdout.as_str()), (4, ""), "{offset}: {}", output.stderr);
        let year = from_now(offset)[..4].to_owned();
        assert!(message(&output).contains(&format!("; its clock says {year}-")), "{}", output.stderr);
        let end = ", which is more than 24 hours from the local one, so it is not used";
        assert!(message(&output).ends_with(end), "{}", output.stderr);
        assert!(
            output.stderr.contains("\nhint: set the local clock, for example with NTP"),
            "{}",
            output.stderr
        );
        assert_eq!(github.mint_requests(), 1, "{offset}: no second try");
        assert!(latest_exp(&github) <= now() + 600, "{offset}: no JWT for another day");
    }
}

#[test]
fn a_token_is_kept_for_seventy_minutes_at_most_whatever_its_expiry_says() {
    let (github, by_app) = app_sandbox();
    github.alter_mints(|body| body["expires_at"] = "2036-01-01T00:00:00Z".into());
    let broker = FakeBroker::serving("bearer", &broker_token(), "2036-01-01T00:00:00Z");
    let by_broker = broker_sandbox(&broker.url(), "bearer");
    for (name, sandbox) in [("app", &by_app), ("broker", &by_broker)] {
        let ask = || match name {
            "app" => get(sandbox, &github, "octo-org/hello"),
            _ => sandbox.helper(&["get"]).stdin(REQUEST).run(),
        };
        let first = ask();
        let expiry = attribute(&first, "password_expiry_utc").expect("an expiry");
        let life = expiry.parse::<i64>().expect("a number") - now();
        assert!((LONGEST_LIFE - 30..=LONGEST_LIFE).contains(&life), "{name}: git is told {life} s");
        assert_eq!(password(&ask()), password(&first), "{name}: from the cache");
        let entries = cache_entries(sandbox);
        // What an earlier version, or a clock that has jumped, has left behind.
        for entry in &entries {
            let text = fs::read_to_string(entry).expect("JSON");
            let mut json: Value = serde_json::from_str(&text).expect("JSON");
            if json["token"].is_null() {
                continue;
            }
            json["token"]["facts"]["expiry"] = json!(now() + TEN_YEARS);
            json["token"]["since"] = json!(now() - LONGEST_LIFE);
            fs::write(entry, json.to_string()).expect("a file of ours");
        }
        let requests = broker.requests().len() + github.mints();
        password(&ask());
        assert_eq!(broker.requests().len() + github.mints(), requests + 1, "{name}: asked again");
    }
}

#[test]
fn a_wait_of_years_is_reported_as_a_day() {
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
    for headers in [
        &[("Retry-After", "315360000")][..],
        &[("Retry-After", "Tue, 01 Jan 2036 00:00:00 GMT")],
        &[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "2082758400")],
    ] {
        let limit = Response::json(429, json!({ "message": "API rate limit exceeded" }));
        let limit = headers.iter().fold(limit, |limit, (name, value)| limit.with_header(name, *value));
        github.script_mint(vec![limit]);
        let started = now();
        let output = sandbox.helper(&["--no-cache", "token"]).run();
        output.fails_with(5);
        let until = output.stderr.split_once("hint: wait until ").expect("until when").1.trim_end();
        let until: jiff::Timestamp = until.parse().expect("a time");
        assert!((0..=60).contains(&(until.as_second() - started - DAY)), "{headers:?}: {}", output.stderr);
    }
}

#[test]
fn a_clock_that_is_set_back_revives_nothing_in_the_broker() {
    let Some(library) = library() else { return };
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    sandbox.write_private("bearers", line(&sandbox, "admin", "admin", ""));
    let clock = sandbox.write("clock", "+0s\n");
    let run = sandbox.helper(&["serve", "--listen=127.0.0.1:0", "--bearer-file=bearers"]);
    let mut running = by_file(run, &library, &clock).spawn();
    let port = port(&running.wait_for_stderr("listening on "));
    github.set_token_life(2);
    let ask = || http_client::get(port, ADMIN, "admin", "");
    let first = ask();
    let minted = Instant::now();
    assert_eq!(first.status, 200);
    github.set_token_life(3600);
    // Two hours, so that by this clock the token has as much to live, and so has the App JWT.
    fs::write(&clock, "-7200s\n").expect("a file of ours");
    while minted.elapsed() < Duration::from_millis(2100) {
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let second = ask();
    assert_eq!(second.status, 200, "{}", second.body);
    assert_ne!(second.body, first.body, "the dead token");
    assert_eq!(ask().body, second.body);
    assert_eq!(github.mints(), 2);
}
