//! Cache entries: damaged ones count as empty, intact ones are written as they were read, and whatever the clock, no
//! entry hands out a token that has expired or is inside the margin.
#![no_main]

use git_credential_github_app::tokens::ask::Ask;
use git_credential_github_app::tokens::cache::entry::{Decision, Entry};
use git_credential_github_app::tokens::error::{Failure, Kind};
use git_credential_github_app::tokens::secret::Secret;
use libfuzzer_sys::fuzz_target;

// A line with a margin, a time by our clock and a password, then the entry.
fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |&byte| byte == b'\n');
    let head = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let bytes = parts.next().unwrap_or_default();
    let mut words = head.split(' ');
    let margin: u16 = words.next().and_then(|word| word.parse().ok()).unwrap_or(240);
    let now = words.next().and_then(|word| word.parse().ok()).unwrap_or(1_800_000_000);
    let now: i64 = now.clamp(0, 253_402_300_799);
    let password = words.next().unwrap_or_default();
    let once = rewritten_entry(bytes);
    assert_eq!(rewritten_entry(&once), once, "an entry changes by being read");
    if let Some((token, left)) = handed_out(bytes, i64::from(margin), now) {
        assert!(left > Some(i64::from(margin)), "a token with too little life is handed out");
        let changed = changed_entry(bytes, &token, now);
        assert!(handed_out(&changed, 0, now).is_none(), "an evicted token is handed out");
        assert!(!contains(&changed, token.as_bytes()) || token.len() < 33, "an evicted token is kept");
    }
    let changed = changed_entry(bytes, password, now);
    assert!(handed_out(&changed, 0, now).is_none(), "an evicted token is handed out");
});

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len().max(1)).any(|window| window == part)
}

/// The entry's bytes as they would be written again.
fn rewritten_entry(bytes: &[u8]) -> Vec<u8> {
    Entry::from_bytes(bytes).to_bytes().to_vec()
}

/// The token that an entry hands out, and the time that it has left, in seconds.
fn handed_out(bytes: &[u8], margin: i64, now: i64) -> Option<(String, Option<i64>)> {
    match Entry::from_bytes(bytes).decide(&Ask::default(), margin, now) {
        Decision::Hand(token) => Some((token.secret.expose().to_owned(), token.facts.left(now))),
        Decision::Try(_) | Decision::Fail(_) | Decision::Renew => None,
    }
}

/// What git's `store` and `erase` make of an entry.
fn changed_entry(bytes: &[u8], password: &str, now: i64) -> Vec<u8> {
    let mut entry = Entry::from_bytes(bytes);
    let password = Secret::new(password.to_owned());
    entry.prove(&password);
    entry.evict(Some(&password), now);
    entry.evict(None, now);
    entry.refuse(&Failure::new(Kind::Refused, "refused"), now);
    entry.to_bytes().to_vec()
}
