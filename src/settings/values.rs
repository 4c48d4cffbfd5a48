//! Texts of settings to values: durations, booleans, identifiers, scopes. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::sources::Found;
use crate::error::{Failure, escape};
use crate::scope;

/// A duration such as `90s`, `4m` or `1h30m`. A bare number is refused: seconds or minutes would be a guess.
pub fn duration(found: &Found) -> Result<Duration, Failure> {
    let text = found.text.trim();
    text.parse::<jiff::SignedDuration>()
        .ok()
        .filter(|_| text.starts_with(|c: char| c.is_ascii_digit()))
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| *duration <= Duration::from_hours(24))
        .ok_or_else(|| {
            found.complaint(
                format!("bad duration \"{}\"", escape(text)),
                "a duration of at most 24h such as 90s, 4m or 1h30m",
            )
        })
}

/// `true`, `yes`, `on`, `1` and their opposites.
pub fn boolean(found: &Found) -> Result<bool, Failure> {
    match found.text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        other => Err(found.complaint(format!("bad boolean \"{}\"", escape(other)), "true or false")),
    }
}

/// An installation ID.
pub fn number(found: &Found) -> Result<u64, Failure> {
    found.text.trim().parse().ok().filter(|number| *number > 0).ok_or_else(|| {
        found.complaint(
            format!("bad installation ID \"{}\"", escape(&found.text)),
            "the number at the end of the installation's settings URL",
        )
    })
}

/// A trimmed word of printable ASCII; a stray line end in an identifier is GitHub's most puzzling 401.
pub fn word(found: &Found, what: &str) -> Result<String, Failure> {
    let text = found.text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(found
            .complaint(format!("bad {what}"), &format!("a {what} of printable characters without blanks")));
    }
    Ok(text.to_owned())
}

/// An account's login.
pub fn owner(found: &Found) -> Result<String, Failure> {
    let text = found.text.trim();
    if scope::is_owner(text) {
        return Ok(text.to_owned());
    }
    Err(found.complaint(format!("bad owner \"{}\"", escape(text)), "the login of a user or an organisation"))
}

/// Repository names without their owner.
pub fn repositories(found: &[Found]) -> Result<Vec<String>, Failure> {
    if let Some(first) = found.first()
        && found.len() > scope::MAX_REPOSITORIES
    {
        return Err(first.complaint("too many repositories", "at most 500 repositories, GitHub's limit"));
    }
    let one = |found: &Found| {
        let name = found.text.trim();
        if scope::is_repository(name) {
            return Ok(name.to_owned());
        }
        Err(found.complaint(
            format!("bad repository \"{}\"", escape(name)),
            "a repository's name without its owner (the owner goes to --owner)",
        ))
    };
    found.iter().map(one).collect()
}

/// `NAME=LEVEL` pairs.
pub fn permissions(found: &[Found]) -> Result<BTreeMap<String, String>, Failure> {
    let one = |found: &Found| {
        let text = found.text.trim();
        scope::permission(text).ok_or_else(|| {
            found.complaint(
                format!("bad permission \"{}\"", escape(text)),
                "NAME=LEVEL with level read, write or admin, such as contents=write",
            )
        })
    };
    found.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::settings::sources::Origin;

    fn found(text: &str) -> Found {
        Found { text: text.into(), origin: Origin::Environment("GITHUB_APP_X") }
    }

    #[test]
    fn durations_need_a_unit_and_stay_within_a_day() {
        for (text, seconds) in [
            ("90s", Some(90)),
            ("4m", Some(240)),
            ("1h30m", Some(5400)),
            (" 0s ", Some(0)),
            ("24h", Some(86400)),
        ] {
            assert_eq!(duration(&found(text)).ok().map(|d| d.as_secs()), seconds, "{text}");
        }
        for text in ["", "4", "-4m", "4 parsecs", "25h", "1d", "PT4M", "4m ago", "m"] {
            let failure = duration(&found(text)).expect_err(text);
            assert_eq!(failure.kind, Kind::Settings);
            assert!(failure.message.starts_with("environment variable GITHUB_APP_X: bad duration"));
        }
    }

    #[test]
    fn a_bad_option_is_a_usage_error() {
        let option = Found { text: "maybe".into(), origin: Origin::Option("--per-repository".into()) };
        assert_eq!(boolean(&option).unwrap_err().kind, Kind::Usage);
    }

    #[test]
    fn permissions_are_pairs_with_a_known_level() {
        assert_eq!(permissions(&[found("Contents=Write")]).unwrap()["contents"], "write");
        for text in ["contents", "contents=wirte", "=read", "contents=", "con tents=read"] {
            assert!(permissions(&[found(text)]).is_err(), "{text}");
        }
    }

    #[test]
    fn identifiers_are_trimmed_and_hold_no_blanks() {
        assert_eq!(word(&found("Iv23li\n"), "client ID").unwrap(), "Iv23li");
        assert!(word(&found("a b"), "client ID").is_err());
        assert_eq!(number(&found(" 42 ")).unwrap(), 42);
        for text in ["0", "-1", "4x", ""] {
            assert!(number(&found(text)).is_err(), "{text}");
        }
    }
}
