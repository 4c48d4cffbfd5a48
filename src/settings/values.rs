//! Parses settings: hosts, URLs, durations, booleans, identifiers, scopes. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::settings::form::{self, Form};
use crate::settings::of_proxies;
use crate::settings::sources::Found;
use crate::tokens::cache::lifetimes::LONGEST_MARGIN;
use crate::tokens::error::Failure;
use crate::tokens::host::{self, Host};
use crate::tokens::scope;

/// Checks a value against its setting's form, whatever the other settings say.
///
/// # Errors
/// Those of the function that parses it.
pub fn check(found: &Found) -> Result<(), Failure> {
    match found.setting.form {
        Form::Host => host(found).map(drop),
        Form::Url | Form::Broker if !found.text().starts_with("unix:") => {
            let url = host::check_url(found.text());
            url.map(drop).map_err(|wrong| {
                found.complaint(wrong, found.setting.form.expected().trim_start_matches("expected "))
            })
        }
        Form::Word(what) => word(found, what).map(drop),
        Form::Issuer => word(found, ISSUER).map(drop),
        Form::Owner => owner(found).map(drop),
        Form::Repository => repositories(std::slice::from_ref(found)).map(drop),
        Form::Permission => permissions(std::slice::from_ref(found)).map(drop),
        Form::Number => number(found).map(drop),
        Form::Duration => duration(found).map(drop),
        Form::Flag => boolean(found).map(drop),
        Form::Choice(_) => choice(found).map(drop),
        Form::Path => found.path().map(drop),
        Form::Proxy => of_proxies::read(Some(found)).map(drop),
        Form::Profile => profile(found),
        Form::Url | Form::Broker | Form::Command | Form::KeyText | Form::Bearer => Ok(()),
    }
}

/// What the issuer is called.
const ISSUER: &str = "client ID or App ID";

/// The App's issuer.
pub fn issuer(found: &Found) -> Result<String, Failure> {
    word(found, ISSUER)
}

/// The git host.
pub fn host(found: &Found) -> Result<Host, Failure> {
    let expected = "a host such as github.com, SUB.ghe.com or ghe.example.com:8443";
    Host::parse(found.text()).map_err(|wrong| found.complaint(wrong, expected))
}

/// GitHub's REST base URL, without a trailing slash.
pub fn api_url(found: &Found) -> Result<String, Failure> {
    let expected =
        "a URL such as https://api.github.com or https://ghe.example.com/api/v3 (http for loopback only)";
    let text = found.text();
    let uri = host::check_url(text).map_err(|wrong| found.complaint(wrong, expected))?;
    if uri.scheme_str() == Some("http") && !host::is_loopback(uri.host().unwrap_or_default()) {
        return Err(
            found.complaint("plain http would show the App JWT and the tokens to the network", expected)
        );
    }
    if uri.query().is_some() {
        return Err(found.complaint("a query makes no sense here", expected));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// A duration such as `90s`, `4m` or `1h30m`. A bare number is refused, as its unit would be a guess.
pub fn duration(found: &Found) -> Result<Duration, Failure> {
    let text = found.text();
    text.parse::<jiff::SignedDuration>()
        .ok()
        .filter(|_| text.starts_with(|c: char| c.is_ascii_digit()))
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| *duration <= Duration::from_hours(24))
        .ok_or_else(|| found.bad("duration"))
}

/// How long before its expiry a token is renewed.
pub fn margin(found: &Found) -> Result<Duration, Failure> {
    match duration(found)? {
        margin if margin <= Duration::from_secs(LONGEST_MARGIN.unsigned_abs()) => Ok(margin),
        _ => Err(found.complaint(
            "with such a margin every call would mint, as a token is valid for an hour",
            "a duration of at most 55m such as 4m",
        )),
    }
}

/// `true`, `yes`, `on`, `1` and their opposites.
pub fn boolean(found: &Found) -> Result<bool, Failure> {
    match found.text().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(found.bad("boolean")),
    }
}

/// One of the words that the setting's form lists.
pub fn choice(found: &Found) -> Result<&str, Failure> {
    let known = match found.setting.form {
        Form::Choice(words) => words,
        _ => &[],
    };
    if known.contains(&found.text()) { Ok(found.text()) } else { Err(found.bad("value")) }
}

/// An installation ID.
pub fn number(found: &Found) -> Result<u64, Failure> {
    found.text().parse().ok().filter(|number| *number > 0).ok_or_else(|| found.bad("installation ID"))
}

/// A trimmed word of printable ASCII: a stray newline in an identifier causes a puzzling 401 from GitHub.
pub fn word(found: &Found, what: &'static str) -> Result<String, Failure> {
    let text = found.text();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(found
            .complaint(format!("bad {what}"), &format!("a {what} of printable characters without blanks")));
    }
    Ok(text.to_owned())
}

/// An account's login.
pub fn owner(found: &Found) -> Result<String, Failure> {
    let text = found.text();
    if scope::is_owner(text) { Ok(text.to_owned()) } else { Err(found.bad("owner")) }
}

/// A profile's name.
pub fn profile(found: &Found) -> Result<(), Failure> {
    if form::is_profile_name(found.text()) { Ok(()) } else { Err(found.bad("profile name")) }
}

/// Repository names without their owner.
pub fn repositories(found: &[Found]) -> Result<Vec<String>, Failure> {
    if let Some(first) = found.first()
        && found.len() > scope::MAX_REPOSITORIES
    {
        return Err(first.complaint("too many repositories", "at most 500 repositories, GitHub's limit"));
    }
    let one = |found: &Found| {
        let name = found.text();
        if scope::is_repository(name) { Ok(name.to_owned()) } else { Err(found.bad("repository")) }
    };
    found.iter().map(one).collect()
}

/// `NAME=LEVEL` pairs.
pub fn permissions(found: &[Found]) -> Result<BTreeMap<String, String>, Failure> {
    let mut permissions = BTreeMap::new();
    for found in found {
        let (name, level) = scope::permission(found.text()).ok_or_else(|| found.bad("permission"))?;
        if let Some(other) = permissions.insert(name.clone(), level.clone())
            && other != level
        {
            return Err(found
                .complaint(format!("{name}={other} and {name}={level}"), "one level for each permission"));
        }
    }
    Ok(permissions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::schema::Key;
    use crate::tokens::error::Kind;
    use crate::tokens::origin::Origin;

    fn of(key: Key, text: &str) -> Found {
        Found::new(key.row(), text.to_owned(), Origin::Environment("GITHUB_APP_X")).unwrap()
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
            assert_eq!(duration(&of(Key::Margin, text)).ok().map(|d| d.as_secs()), seconds, "{text}");
        }
        for text in ["4", "-4m", "4 parsecs", "25h", "1d", "PT4M", "4m ago", "m"] {
            let failure = duration(&of(Key::Margin, text)).expect_err(text);
            assert_eq!(failure.kind, Kind::Settings);
            assert!(failure.message.starts_with("environment variable GITHUB_APP_X: bad duration"));
        }
    }

    #[test]
    fn a_margin_leaves_some_of_a_tokens_hour() {
        for (text, fits) in [("0s", true), ("55m", true), ("3300s", true), ("3301s", false), ("2h", false)] {
            assert_eq!(margin(&of(Key::Margin, text)).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn a_bad_option_is_a_usage_error() {
        let origin = Origin::Option("--per-repository".into());
        let option = Found::new(Key::PerRepository.row(), "maybe".into(), origin).unwrap();
        assert_eq!(boolean(&option).unwrap_err().kind, Kind::Usage);
    }

    #[test]
    fn permissions_are_pairs_with_a_known_level() {
        assert_eq!(permissions(&[of(Key::Permission, "Contents=Write")]).unwrap()["contents"], "write");
        for text in ["contents", "contents=wirte", "=read", "contents=", "con tents=read"] {
            assert!(permissions(&[of(Key::Permission, text)]).is_err(), "{text}");
        }
        let two = |first, second| permissions(&[of(Key::Permission, first), of(Key::Permission, second)]);
        assert!(two("contents=read", "Contents=READ").is_ok(), "the same once more says nothing new");
        let wrong = two("contents=read", "contents=write").unwrap_err();
        assert!(wrong.message.ends_with(": contents=read and contents=write"), "{}", wrong.message);
    }

    #[test]
    fn identifiers_are_trimmed_and_hold_no_blanks() {
        assert_eq!(word(&of(Key::AppId, "Iv23li\n"), "client ID").unwrap(), "Iv23li");
        assert!(word(&of(Key::AppId, "a b"), "client ID").is_err());
        assert_eq!(number(&of(Key::InstallationId, " 42 ")).unwrap(), 42);
        for text in ["0", "-1", "4x"] {
            assert!(number(&of(Key::InstallationId, text)).is_err(), "{text}");
        }
    }
}
