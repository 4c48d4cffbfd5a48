//! The life of a cache entry: handed out, renewed, evicted, proven, paused.

use super::*;
use crate::platform::clock::{self, Moment};
use crate::tokens::token::Source;

const NOW: i64 = 1_800_000_000;

fn token(text: &str, life: i64) -> Token {
    fresh(text, Facts::new(Source::App, Some(NOW + life)))
}

fn fresh(text: &str, facts: Facts) -> Token {
    let now = Moment { wall: NOW, ..clock::moment() };
    Token::fresh(Secret::new(text.into()), facts, now)
}

fn label() -> Label {
    Label { host_url: "https://h".into(), api_url: "https://a".into(), scope: Scope::default() }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

fn decision(entry: &Entry, ask: &Ask, now: i64) -> String {
    match entry.decide(ask, 240, now) {
        Decision::Hand(token) => token.secret.expose().to_owned(),
        Decision::Try(token) => format!("try {}", token.secret.expose()),
        Decision::Fail(failure) => format!("fail: {}", failure.message),
        Decision::Renew => "renew".to_owned(),
    }
}

#[test]
fn a_token_is_handed_out_until_the_margin() {
    let mut entry = Entry::default();
    entry.keep(&token("t", 3600), &label(), NOW);
    let entry = Entry::from_bytes(&entry.to_bytes());
    let ask = Ask::default();
    for (age, expected) in [(0, "t"), (3359, "t"), (3360, "renew"), (3700, "renew")] {
        assert_eq!(decision(&entry, &ask, NOW + age), expected, "{age}");
    }
    assert_eq!(decision(&entry, &Ask { min_life: 3600, ..Ask::default() }, NOW), "renew");
    assert!(entry.valid(NOW + 3599).is_some() && entry.valid(NOW + 3600).is_none());
    assert!(entry.valid(NOW - 5).is_some(), "clocks are corrected by seconds all the time");
    assert!(entry.valid(NOW - 6).is_none(), "the clock was set back: nobody knows how old the token is");
}

#[test]
fn a_token_is_kept_for_seventy_minutes_whatever_its_entry_says() {
    let mut entry = Entry::default();
    entry.keep(&token("t", 9 * 365 * 86_400), &label(), NOW);
    let entry = Entry::from_bytes(&entry.to_bytes());
    let valid = |age: i64| entry.valid(NOW + age).map(|token| token.facts.left(NOW + age));
    assert_eq!(valid(0), Some(Some(4200)));
    assert_eq!(valid(4199), Some(Some(1)));
    assert_eq!(valid(4200), None);
    assert_eq!(decision(&entry, &Ask::default(), NOW + 3960), "renew", "by the margin");
}

#[test]
fn damaged_entries_and_other_versions_are_missing() {
    for bytes in [&b""[..], b"{", b"[]", b"\xff", br#"{"version":99}"#] {
        assert_eq!(decision(&Entry::from_bytes(bytes), &Ask::default(), NOW), "renew");
    }
}

#[test]
fn an_entry_with_times_that_no_clock_has_is_missing() {
    let mut entry = Entry::default();
    entry.keep(&token("t", 3600), &label(), NOW);
    let text = String::from_utf8(entry.to_bytes().to_vec()).unwrap();
    let since = format!("\"since\":{NOW}");
    assert!(Entry::from_bytes(text.as_bytes()).has_token() && text.contains(&since));
    for time in ["-9223372036854775808", "-1", "9223372036854775807", "253402300800"] {
        let odd = text.replace(&since, &format!("\"since\":{time}"));
        assert!(!Entry::from_bytes(odd.as_bytes()).has_token(), "{time}");
    }
}

#[test]
fn only_the_matching_password_evicts_and_the_evicted_token_never_comes_back() {
    let mut entry = Entry::default();
    entry.keep(&token("t", 3600), &label(), NOW);
    assert!(!entry.evict(Some(&secret("other")), NOW));
    assert_eq!(decision(&entry, &Ask::default(), NOW), "t");
    assert!(entry.evict(Some(&secret("t")), NOW));
    assert_eq!(decision(&entry, &Ask::default(), NOW), "renew");
    assert!(entry.needs_new());
    entry.keep(&token("t", 3600), &label(), NOW);
    assert_eq!(decision(&entry, &Ask::default(), NOW), "renew", "a broker that repeats it is not believed");
}

#[test]
fn an_erase_without_a_password_evicts_but_is_no_strike() {
    let mut entry = Entry::default();
    for text in ["a", "b", "c"] {
        entry.keep(&token(text, 3600), &label(), NOW);
        assert!(entry.evict(None, NOW));
    }
    assert_eq!(decision(&entry, &Ask::default(), NOW), "renew");
}

#[test]
fn two_fresh_tokens_refused_in_a_row_stop_minting_for_a_minute() {
    let mut entry = Entry::default();
    for text in ["a", "b"] {
        assert_eq!(decision(&entry, &Ask::default(), NOW), "renew");
        entry.keep(&token(text, 3600), &label(), NOW);
        entry.evict(Some(&secret(text)), NOW);
    }
    assert!(decision(&entry, &Ask::default(), NOW + 59).starts_with("fail: the last 2 new tokens"));
    assert_eq!(decision(&entry, &Ask::default(), NOW + 60), "renew");
    assert_eq!(
        decision(&entry, &Ask::default(), NOW - 7200),
        "renew",
        "a clock that jumped back does not block"
    );
}

#[test]
fn a_store_between_resets_the_count_and_an_old_token_that_dies_does_not_count() {
    let mut entry = Entry::default();
    for text in ["a", "b", "c"] {
        entry.keep(&token(text, 3600), &label(), NOW);
        assert!(entry.prove(&secret(text)));
        assert!(!entry.prove(&secret(text)), "nothing to write the second time");
        entry.evict(Some(&secret(text)), NOW);
    }
    assert_eq!(decision(&entry, &Ask::default(), NOW), "renew");
    assert!(!entry.prove(&secret("a stranger's")));
}

#[test]
fn a_token_without_expiry_is_never_kept_but_its_refusals_count() {
    let mut entry = Entry::default();
    for text in ["a", "b"] {
        entry.keep(&fresh(text, Facts::new(Source::Broker, None)), &label(), NOW);
        assert_eq!(decision(&entry, &Ask::default(), NOW), "renew");
        entry.evict(Some(&secret(text)), NOW);
    }
    assert!(decision(&entry, &Ask::default(), NOW).starts_with("fail"));
}

#[test]
fn git_states_evict_once_and_later_ones_get_the_renewed_token() {
    let mut entry = Entry::default();
    let dead = token("dead", 3600);
    entry.keep(&dead, &label(), NOW);
    entry.prove(&secret("dead"));
    let ask = Ask { refused: Some(dead.id()), ..Ask::default() };
    assert_eq!(decision(&entry, &ask, NOW), "renew");
    assert!(entry.evict_refused(&dead.id(), NOW));
    entry.keep(&token("new", 3600), &label(), NOW);
    assert_eq!(decision(&entry, &ask, NOW), "new", "another process has renewed it already");
    let unknown = Ask { refused: Some("unknown".into()), ..Ask::default() };
    assert_eq!(decision(&entry, &unknown, NOW), "renew");
}

#[test]
fn refusals_are_remembered_for_their_time() {
    let repository = crate::tokens::scope::Repository::from_path(b"o/r");
    let of_git = Ask { repository, ..Ask::default() };
    for (kind, seconds) in
        [(Kind::Refused, 15), (Kind::NotInstalled, 60), (Kind::Temporary, 0), (Kind::Settings, 0)]
    {
        let mut entry = Entry::default();
        entry.refuse(&Failure::new(kind, "no"), NOW);
        if seconds > 0 {
            assert_eq!(decision(&entry, &of_git, NOW + seconds - 1), "fail: no", "{kind:?}");
        }
        assert_eq!(decision(&entry, &of_git, NOW + seconds), "renew", "{kind:?}");
        let settings_may_name_an_enterprise = kind != Kind::Refused;
        let without_path = decision(&entry, &Ask::default(), NOW);
        assert_eq!(without_path == "renew", settings_may_name_an_enterprise, "{kind:?}");
    }
    let mut entry = Entry::default();
    entry.refuse(&Failure { since: Some(NOW - 50), ..Failure::new(Kind::NotInstalled, "no") }, NOW);
    assert_eq!(decision(&entry, &of_git, NOW + 9), "fail: no");
    assert_eq!(decision(&entry, &of_git, NOW + 10), "renew", "a minute from when it was said first");
}

#[test]
fn debug_output_holds_no_token() {
    let mut entry = Entry::default();
    entry.keep(&token("ghs_sentinel", 3600), &label(), NOW);
    assert!(!format!("{entry:?}").contains("sentinel"));
}

#[test]
fn a_withdrawn_token_is_gone_and_its_late_erase_is_no_strike() {
    let mut entry = Entry::default();
    for text in ["a", "b", "c"] {
        entry.keep(&token(text, 3600), &label(), NOW);
        let id = token::id(text.as_bytes());
        assert!(!entry.withdraw("another"));
        assert!(entry.withdraw(&id));
        assert_eq!(decision(&entry, &Ask::default(), NOW), "renew");
        assert!(entry.needs_new(), "a broker must not hand the same token out again");
        assert!(!entry.evict(Some(&secret(text)), NOW), "git finds it refused a little later");
    }
    assert_eq!(entry.label(), Some(&label()));
}
