//! Whether new settings are for another host, App or broker than the existing ones: overwriting would switch these off,
//! and every check would find the new ones in order. Pure.

use std::path::Path;

use toml_edit::{DocumentMut, Item, Value};

use crate::programs::own;
use crate::settings::{FileValue, Pair};
use crate::tokens::error::{Failure, Kind, escape};
use crate::tokens::host::Host;

/// What a file is for, and the word for it in messages.
const SUBJECTS: [(&str, &str); 3] = [("host", "host"), ("app_id", "App"), ("broker_url", "broker")];

/// Refuses to change the file's host, App or broker.
pub fn check(path: &Path, document: &DocumentMut, given: &[Pair]) -> Result<(), Failure> {
    let Some((what, known)) = differing(document, given) else { return Ok(()) };
    let path = path.display();
    let message = match known {
        Some(known) => format!("{path} is already for {what} {}, and was not changed", escape(&known)),
        None => format!("{path} has profiles, and another {what} needs one of its own"),
    };
    Err(Failure::new(Kind::Settings, message)
        .hint(format!("to have both: {} --profile NAME", own::command_line()))
        .hint(
            "to replace it: git-credential-github-app setup --undo, then the same command again, or edit the file",
        ))
}

/// What differs, and its value in the file. No value: the file has profiles, and no value for all of them.
fn differing(document: &DocumentMut, given: &[Pair]) -> Option<(&'static str, Option<String>)> {
    let text = |key: &str| document.get(key).and_then(Item::as_value).map(in_words);
    let has_source = ["app_id", "broker_url"].iter().any(|key| document.contains_key(key));
    let has_profiles = document.contains_key("profile");
    SUBJECTS.iter().find_map(|(key, what)| {
        let (_, FileValue::Text(new)) = given.iter().find(|(known, _)| known == key)? else { return None };
        let known = match text(key) {
            // A missing host means the default.
            None if *key == "host" && has_source => Some(Host::default().name),
            known => known,
        };
        match known {
            Some(known) if normal(key, &known) == normal(key, new) => None,
            None if !has_profiles => None,
            known => Some((*what, known)),
        }
    })
}

fn in_words(value: &Value) -> String {
    let text = value.as_str().map(str::to_owned);
    text.unwrap_or_else(|| value.clone().decorated("", "").to_string())
}

fn normal(key: &str, text: &str) -> String {
    let text = text.trim();
    match (key, Host::parse(text)) {
        ("host", Ok(host)) => host.url(),
        _ => text.trim_end_matches('/').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_host_app_or_broker_is_seen_and_everything_else_is_free() {
        let (ghe, hub) = (("host", "ghe.test"), ("host", "GitHub.com:443"));
        let (app, broker) = (("app_id", "12"), ("broker_url", "https://b.test/"));
        for (file, given, found) in [
            ("", &[ghe, app, broker][..], None),
            ("margin = '4m'\n", &[ghe, app], None),
            ("host = 'github.com'\napp_id = 12\n", &[hub, app], None),
            ("host = 'github.com'\n", &[app], None),
            ("app_id = '12'\n", &[broker, hub], None),
            ("broker_url = 'https://b.test'\n", &[broker], None),
            ("app_id = '12'\n", &[ghe, app], Some(("host", Some("github.com")))),
            ("host = 'ghe.test'\n", &[hub], Some(("host", Some("ghe.test")))),
            ("app_id = 13\n", &[hub, app], Some(("App", Some("13")))),
            ("broker_url = 'unix:/b'\n", &[broker], Some(("broker", Some("unix:/b")))),
            ("[profile.a]\napp_id = '12'\n", &[app], Some(("App", None))),
            ("host = 'ghe.test'\n[profile.a]\n", &[ghe], None),
            ("[profile.a]\n", &[("margin", "5m")], None),
        ] {
            let given: Vec<Pair> =
                given.iter().map(|(key, value)| (*key, FileValue::Text((*value).to_owned()))).collect();
            let known = differing(&file.parse().unwrap(), &given);
            let known = known.as_ref().map(|(what, known)| (*what, known.as_deref()));
            assert_eq!(known, found, "{file:?} {given:?}");
        }
    }
}
