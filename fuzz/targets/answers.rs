//! Bodies from brokers and from GitHub: a token is taken unchanged or not at all, it never outlives what the body says,
//! and no message shows what a broker sent.
#![no_main]

use git_credential_github_app::platform::clock;
use git_credential_github_app::tokens::error::render;
use git_credential_github_app::tokens::github::api::Api;
use git_credential_github_app::tokens::github::refusals::explain;
use git_credential_github_app::tokens::host::Host;
use git_credential_github_app::tokens::http::{Answer, retry};
use git_credential_github_app::tokens::source::remote;
use libfuzzer_sys::fuzz_target;

/// Long enough not to be part of a message of ours.
const SENTINEL: &str = "ghs_sentinel_0123456789";

// The status, header lines, an empty line, and the body.
fuzz_target!(|input: &[u8]| {
    let end = input.windows(2).position(|pair| pair == b"\n\n").unwrap_or(input.len());
    let head = String::from_utf8_lossy(&input[..end]).into_owned();
    let body = input.get(end + 2..).unwrap_or_default();
    let (status, headers) = head.split_once('\n').unwrap_or((&head, ""));
    let status = status.parse().unwrap_or(200);
    match remote::read(&Answer::of_text(200, headers, body)) {
        Ok(token) => {
            let token = token.secret.expose();
            assert!(!token.is_empty() && !token.chars().any(char::is_control), "a token that adds lines");
        }
        Err(error) => assert!(!render(&error).contains(SENTINEL), "a message shows the body"),
    }
    let answer = Answer::of_text(status, headers, body);
    let pause = retry::advice(&answer, clock::now()).map(|advice| retry::pause(advice, 1, 0.5));
    let api = Api { host: &Host::default(), url: "https://api.github.com" };
    let message = render(&explain(&answer, "Iv23liExample", api).into());
    assert!(message.chars().all(|c| c == '\n' || !c.is_control()), "control characters reach the terminal");
    assert!(message.len() < 16 << 10, "a message without end");
    assert!(pause.is_none_or(|pause| pause.as_secs() <= 366 * 24 * 3600), "a wait without end");
});
