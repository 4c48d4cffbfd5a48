//! Configurations, and what they mean.

use super::*;

const HOST: &str = "https://github.com";

fn entries(lines: &[(&str, &str)]) -> Vec<ConfigEntry> {
    let entry = |(index, (key, value)): (usize, &(&str, &str))| ConfigEntry {
        key: (*key).to_owned(),
        value: (*value).to_owned(),
        origin: format!("/{index}"),
    };
    lines.iter().enumerate().map(entry).collect()
}

fn helpers(lines: &[(&str, &str)]) -> Vec<String> {
    let wiring = Wiring::of(&entries(lines), HOST, None);
    wiring.helpers.into_iter().map(|helper| helper.command).collect()
}

#[test]
fn helpers_collect_in_file_order_and_an_empty_one_clears() {
    let url = "credential.https://github.com.helper";
    for (lines, asked) in [
        (&[("credential.helper", "store"), (url, "github-app")][..], &["store", "github-app"][..]),
        (&[("credential.helper", "store"), (url, ""), (url, "github-app")], &["github-app"]),
        (&[(url, "github-app"), ("credential.helper", "cache")], &["github-app", "cache"]),
        (&[(url, "github-app"), ("credential.helper", "")], &[]),
        (&[("credential.https://gitlab.com.helper", "x"), (url, "github-app")], &["github-app"]),
        (&[("credential.https://*.com.helper", "x")], &["x"]),
        (&[("credential.https://github.com:443.helper", "x")], &["x"]),
        (&[("credential.https://GitHub.com/.helper", "x")], &["x"]),
        (&[("credential.github.com.helper", "x")], &["x"]),
        (&[("credential.https://me@github.com.helper", "x")], &[]),
        (&[("credential.//github.com.helper", "x")], &[]),
        (&[("credential.http://github.com.helper", "x")], &[]),
        (&[("credential.https://github.com/org.helper", "x")], &[]),
    ] {
        assert_eq!(helpers(lines), asked, "{lines:?}");
    }
    let of_org = entries(&[("credential.https://github.com/org.helper", "x")]);
    for (repository, count) in [("org/r", 1), ("org.git", 1), ("organic/r", 0), ("other/r", 0)] {
        assert_eq!(Wiring::of(&of_org, HOST, Some(repository)).helpers.len(), count, "{repository}");
    }
}

#[test]
fn a_reset_after_us_is_found_unless_we_come_again() {
    let url = "credential.https://github.com.helper";
    let lost = Wiring::of(&entries(&[(url, "github-app"), ("credential.helper", "")]), HOST, None);
    assert_eq!((lost.ours(), lost.reset_after_us.map(|line| line.origin).as_deref()), (None, Some("/1")));
    let again = [(url, "github-app"), (url, ""), (url, "github-app")];
    assert_eq!(Wiring::of(&entries(&again), HOST, None).reset_after_us, None);
}

#[test]
fn what_keeps_a_token_from_arriving_is_seen() {
    let wiring = Wiring::of(
        &entries(&[
            ("credential.https://github.com.usehttppath", "true"),
            ("http.https://github.com/.extraheader", "AUTHORIZATION: basic eA=="),
            ("http.extraheader", "X-Trace: 1"),
            ("credential.username", "me"),
            ("credential.https://github.com.username", "you"),
            ("credential.https://gitlab.com.username", "they"),
        ]),
        HOST,
        None,
    );
    assert!(wiring.use_http_path);
    assert_eq!(wiring.extra_headers.iter().map(|line| line.origin.as_str()).collect::<Vec<_>>(), ["/1"]);
    assert_eq!(wiring.username.map(|line| line.value).as_deref(), Some("you"));
    let harmless = Wiring::of(
        &entries(&[("http.extraheader", "Authorization: x"), ("http.extraheader", "")]),
        HOST,
        None,
    );
    assert_eq!(harmless, Wiring::default());
    for value in ["", "false"] {
        let lines = entries(&[("credential.usehttppath", "true"), ("credential.usehttppath", value)]);
        let wiring = Wiring::of(&lines, HOST, None);
        assert_eq!(
            (wiring.use_http_path, wiring.http_path_line.as_ref()),
            (false, lines.last()),
            "{value:?}"
        );
    }
}
