//! Answers to mints, and what of them is more, less or left unsaid.

use super::*;
use crate::tokens::cache::looked_up::Installation;

fn permissions(text: &str) -> BTreeMap<String, String> {
    text.split_whitespace().filter_map(scope::permission).collect()
}

/// What is found where permissions, names and numbers were asked for, and this JSON was answered. The repository `old`
/// is called `new` by now, and has the number 5.
fn found(asked: (&str, &str, Option<u64>), answer: &str) -> (String, String, String) {
    let permissions = permissions(asked.0);
    let target = MintTarget {
        installation: Installation { id: 7, account: Some("o".into()) },
        repositories: asked.1.split_whitespace().map(str::to_owned).collect(),
        repository_ids: asked.2.map(|id| [id]),
        permissions: &permissions,
    };
    let moved = || Moved {
        installation: Installation { id: 7, account: Some("o".into()) },
        id: None,
        name: Some("new".into()),
    };
    let grant: Grant = serde_json::from_str(answer).unwrap();
    let Difference { more, missing, untold } = grant.compare(&target, |name| (name == "old").then(moved));
    (more.join(", "), missing.join(", "), untold.join(", "))
}

#[test]
fn permissions_are_compared_by_name_and_level() {
    for (asked, answer, more, missing, untold) in [
        ("", r#"{"permissions":{"administration":"write"}}"#, "", "", ""),
        ("", "{}", "", "", ""),
        ("contents=read", r#"{"permissions":{"contents":"read","metadata":"read"}}"#, "", "", ""),
        ("metadata=read", r#"{"permissions":{"metadata":"read"}}"#, "", "", ""),
        (
            "contents=write",
            r#"{"permissions":{"contents":"read"}}"#,
            "",
            "contents=write (granted: read)",
            "",
        ),
        (
            "contents=write issues=read",
            r#"{"permissions":{"contents":"admin"}}"#,
            "contents=admin (asked for: write)",
            "issues=read (not granted)",
            "",
        ),
        (
            "contents=read",
            r#"{"permissions":{"contents":"read","secrets":"write","metadata":"write"}}"#,
            "metadata=write (not asked for), secrets=write (not asked for)",
            "",
            "",
        ),
        (
            "contents=admin",
            r#"{"permissions":{"contents":"everything"}}"#,
            "contents=everything (asked for: admin)",
            "contents=admin (granted: everything)",
            "",
        ),
        ("contents=read", r#"{"permissions":{}}"#, "", "contents=read (not granted)", ""),
        ("contents=read", r#"{"repository_selection":"all"}"#, "", "", "permissions"),
    ] {
        let expected = (more.to_owned(), missing.to_owned(), untold.to_owned());
        assert_eq!(found((asked, "", None), answer), expected, "{asked}: {answer}");
    }
}

#[test]
fn repositories_are_compared_by_name_or_number_and_followed_where_they_were_renamed() {
    let listing = |list: &str| format!(r#"{{"repository_selection":"selected","repositories":[{list}]}}"#);
    let (a, b) = (r#"{"id":1,"name":"A"}"#, r#"{"id":2,"full_name":"o/b"}"#);
    let (new, nameless) = (r#"{"id":5,"name":"new"}"#, r#"{"id":9}"#);
    for (names, id, answer, more, missing, untold) in [
        ("", None, listing(a), "", "", ""),
        ("", None, r#"{"repository_selection":"all"}"#.to_owned(), "", "", ""),
        ("a", None, listing(a), "", "", ""),
        ("a b", None, listing(&format!("{b},{a}")), "", "", ""),
        ("a", None, listing(&format!("{b},{a}")), "the repository b", "", ""),
        ("a b", None, listing(b), "", "the repository a", ""),
        ("a", None, listing(""), "", "the repository a", ""),
        ("a", None, listing(nameless), "the repository with ID 9", "the repository a", ""),
        ("old", None, listing(new), "", "", ""),
        ("old a", None, listing(&format!("{new},{a}")), "", "", ""),
        ("old", None, listing(b), "the repository b", "the repository old", ""),
        ("a", None, listing(new), "the repository new", "the repository a", ""),
        ("", Some(5), listing(new), "", "", ""),
        ("", Some(5), listing(a), "the repository A", "the repository with ID 5", ""),
        ("", Some(5), listing(r#"{"name":"new"}"#), "the repository new", "the repository with ID 5", ""),
        ("a", None, r#"{"repository_selection":"all"}"#.to_owned(), "all repositories", "", ""),
        ("a", None, listing(a).replace("selected", "all"), "all repositories", "", ""),
        ("a", None, r#"{"repository_selection":"selected"}"#.to_owned(), "", "", "repositories"),
        ("a", None, format!(r#"{{"repositories":[{a}]}}"#), "", "", ""),
        ("", Some(5), "{}".to_owned(), "", "", "repositories"),
    ] {
        let expected = (more.to_owned(), missing.to_owned(), untold.to_owned());
        assert_eq!(found(("", names, id), &answer), expected, "{names} {id:?}: {answer}");
    }
}
