//! Times and durations: an expiry is in the future, by at most a token's lifetime, and follows the server's clock; we can
//! read what we write; a duration is at most a day.
#![no_main]

use git_credential_github_app::platform::clock::rfc3339;
use git_credential_github_app::settings::option_duration;
use git_credential_github_app::tokens::token::local_expiry;
use libfuzzer_sys::fuzz_target;

// A line with the time by our clock and the one by the server's, then the text.
fuzz_target!(|input: &str| {
    let (clocks, text) = input.split_once('\n').unwrap_or(("1800000000", input));
    let mut clocks = clocks.split(' ').map(|word| word.parse().ok());
    // Clocks count from 1970 on, as the program reads its own, and end with the year 9999.
    let clock = |time: i64| time.clamp(0, 253_402_300_799);
    let now = clocks.next().flatten().map_or(1_800_000_000, clock);
    let date = clocks.next().flatten().map(clock);
    if let Some(expiry) = local_expiry(Some(text), date, now) {
        assert!(expiry > now, "an expiry in the past");
        assert!(expiry <= now + 70 * 60, "a life that no token has");
    }
    if let Some(duration) = option_duration("--margin", Some(text)).ok() {
        assert!(duration.as_secs() <= 24 * 3600, "a duration of more than a day");
    }
    // From 2001 on; earlier ones are a server's zero value. To the year 9999.
    if (978_307_200..253_402_200_000).contains(&now) {
        let written = rfc3339(now);
        assert_eq!(local_expiry(Some(&written), None, now - 1), Some(now), "our own time is read otherwise");
        let skew = date.map_or(0, |date| date % 86_400);
        let read = local_expiry(Some(&written), Some(now - 10 - skew), now - 10);
        assert!(
            read.is_none_or(|read| (read - now).abs() <= skew.abs()),
            "a wrong clock is repaired too far"
        );
    }
});
