//! Which answers are worth another try, and after what pause. Pure.
//!
//! Rules: <https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#handle-rate-limit-errors-appropriately>.

use std::time::Duration;

use crate::tokens::http::Answer;

/// The longest wait that is accepted, in seconds: a day. A server may send any number; GitHub's limits last an hour.
const LONGEST: i64 = 24 * 3600;

/// The wait where a limit does not say how long, in seconds, as GitHub advises.
pub const UNTOLD: i64 = 60;

/// What GitHub and others call a limit, in lower case. All of them mean: try again later.
const LIMITS: [&str; 7] = [
    "rate limit",
    "rate-limit",
    "abuse detection",
    "too many requests",
    "wait a few minutes",
    "try again later",
    "retry your request again later",
];

/// When to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Soon, with growing pauses.
    BackOff,
    /// After this many seconds, as the server asks.
    Wait(i64),
}

/// `None`: the answer is final. 400, 401, 404, 422, 501 and other 403s would be the same the next time, and a broker says
/// `"retry":false` where a 500 would. A broker that cannot tell yet whether an OIDC token is valid says when to come again.
pub fn advice(answer: &Answer, now: i64) -> Option<Advice> {
    let limited = match answer.status {
        429 => true,
        401 if answer.header("retry-after").is_some() => true,
        403 if is_limit(answer) => true,
        501 => return None,
        status if status >= 500 && answer.says_no_retry() => return None,
        status if status >= 500 => false,
        _ => return None,
    };
    if let Some(seconds) = retry_after(answer.header("retry-after"), answer.date().unwrap_or(now)) {
        return Some(Advice::Wait(seconds.min(LONGEST)));
    }
    if !limited {
        return Some(Advice::BackOff);
    }
    if is_used_up(answer) {
        let reset = answer.header("x-ratelimit-reset").and_then(|reset| reset.trim().parse::<i64>().ok());
        // GitHub sends an epoch, the platform's limiter the seconds that remain.
        return Some(reset.map_or(Advice::Wait(UNTOLD), |reset| {
            let seconds = if reset > 1_000_000_000 { reset - answer.date().unwrap_or(now) } else { reset };
            Advice::Wait(seconds.clamp(1, LONGEST))
        }));
    }
    Some(if answer.status == 403 || says_limit(&answer.words()) {
        Advice::Wait(UNTOLD)
    } else {
        Advice::BackOff
    })
}

/// Whether a 403 is a limit and not a refusal: by its headers, its words, or the page of the manual that it names.
fn is_limit(answer: &Answer) -> bool {
    answer.header("retry-after").is_some()
        || is_used_up(answer)
        || says_limit(&answer.words())
        || says_limit(&answer.documentation())
}

fn is_used_up(answer: &Answer) -> bool {
    answer.header("x-ratelimit-remaining").is_some_and(|left| left.trim() == "0")
}

/// Whether a sentence is about a limit.
pub fn says_limit(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    LIMITS.iter().any(|words| text.contains(words))
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3); at least a second, or a server that says 0
/// would be asked continuously.
fn retry_after(value: Option<&str>, now: i64) -> Option<i64> {
    let value = value?.trim();
    if let Ok(seconds) = value.parse::<i64>() {
        return Some(seconds.max(1));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some((date.as_second() - now).max(1))
}

/// The pause before the next attempt; `jitter` in 0..1 spreads a crowd of clients.
pub fn pause(advice: Advice, failures: u32, jitter: f64) -> Duration {
    match advice {
        Advice::Wait(seconds) => Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
        Advice::BackOff => {
            let step = Duration::from_millis(250) * 2u32.pow((failures - 1).min(5));
            step.mul_f64(0.5 + jitter / 2.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use ureq::http::HeaderMap;
    use zeroize::Zeroizing;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
        let headers =
            headers.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect::<HeaderMap>();
        let body = Zeroizing::new(body.as_bytes().to_vec());
        Answer { status, url: String::new(), headers, body }
    }

    #[test]
    fn only_what_a_retry_can_fix_is_retried() {
        let forbidden = r#"{"message":"Forbidden"}"#;
        let by_manual = r#"{"message":"Forbidden","documentation_url":"https://docs.github.com/rest/overview/resources-in-the-rest-api#abuse-rate-limits"}"#;
        for (status, headers, body, expected) in [
            (200, &[][..], "", None),
            (400, &[], "", None),
            (401, &[], "", None),
            (401, &[("retry-after", "5")], "", Some(Advice::Wait(5))),
            (403, &[], r#"{"message":"This installation has been suspended"}"#, None),
            (404, &[], "", None),
            (422, &[("retry-after", "1")], "", None),
            (500, &[], "<html>", Some(Advice::BackOff)),
            (501, &[], "", None),
            (500, &[], r#"{"error":"token refresh failed"}"#, Some(Advice::BackOff)),
            (500, &[], r#"{"error":"token refresh failed","retry":true}"#, Some(Advice::BackOff)),
            (500, &[], r#"{"error":"token refresh failed","retry":"false"}"#, Some(Advice::BackOff)),
            (500, &[], r#"{"error":"token refresh failed","retry":false}"#, None),
            (503, &[("retry-after", "7")], r#"{"retry":false}"#, None),
            (503, &[("retry-after", "7")], "", Some(Advice::Wait(7))),
            (503, &[("retry-after", "9223372036854775807")], "", Some(Advice::Wait(LONGEST))),
            (429, &[], "", Some(Advice::BackOff)),
            (429, &[("retry-after", "2")], "", Some(Advice::Wait(2))),
            (
                403,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1800000090")],
                "",
                Some(Advice::Wait(90)),
            ),
            (429, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30")], "", Some(Advice::Wait(30))),
            (403, &[], forbidden, None),
            (403, &[("x-ratelimit-remaining", "1")], forbidden, None),
            (403, &[("retry-after", "9")], forbidden, Some(Advice::Wait(9))),
            (403, &[("retry-after", "soon")], forbidden, Some(Advice::Wait(60))),
            (403, &[("x-ratelimit-remaining", "0")], forbidden, Some(Advice::Wait(60))),
            (403, &[], by_manual, Some(Advice::Wait(60))),
            (429, &[("retry-after", "0")], "", Some(Advice::Wait(1))),
            (503, &[("retry-after", "Fri, 15 Jan 2027 07:59:59 GMT")], "", Some(Advice::Wait(1))),
            (429, &[("retry-after", "Fri, 15 Jan 2027 08:00:20 GMT")], "", Some(Advice::Wait(20))),
        ] {
            assert_eq!(advice(&answer(status, headers, body), NOW), expected, "{status} {headers:?} {body}");
        }
    }

    #[test]
    fn a_limit_is_recognised_by_its_words_and_a_policy_is_not_a_limit() {
        for (message, limit) in [
            ("API rate limit exceeded for installation ID 7.", true),
            (
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
                true,
            ),
            ("You have triggered an abuse detection mechanism. Please wait a few minutes", true),
            (
                "You have been temporarily blocked from content creation. Please retry your request again later.",
                true,
            ),
            ("Maximum number of login attempts exceeded. Please try again later.", true),
            ("Too many requests have been made in the same timeframe.", true),
            ("This installation has been suspended", false),
            ("Resource not accessible by integration", false),
            (
                "Although you appear to have the correct authorization credentials, the `o` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.",
                false,
            ),
            ("Resource protected by organization SAML enforcement.", false),
            ("", false),
        ] {
            let json = answer(403, &[], &format!("{{\"message\":\"{message}\"}}"));
            let text = answer(403, &[("content-type", "text/plain; charset=utf-8")], message);
            let page = answer(403, &[("content-type", "text/html")], &format!("<p>{message}"));
            let expected = limit.then_some(Advice::Wait(60));
            assert_eq!([advice(&json, NOW), advice(&text, NOW)], [expected; 2], "{message}");
            assert_eq!(advice(&page, NOW), None, "not a page's word: {message}");
        }
    }

    #[test]
    fn pauses_grow_stay_bounded_and_are_spread() {
        assert_eq!(pause(Advice::BackOff, 1, 0.0), Duration::from_millis(125));
        assert_eq!(pause(Advice::BackOff, 1, 1.0), Duration::from_millis(250));
        assert_eq!(pause(Advice::BackOff, 4, 1.0), Duration::from_secs(2));
        assert_eq!(pause(Advice::BackOff, 99, 1.0), Duration::from_secs(8));
        assert_eq!(pause(Advice::Wait(3), 5, 0.5), Duration::from_secs(3));
    }
}
