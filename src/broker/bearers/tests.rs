//! Lines, bearers, and what each may have.

use super::*;

fn scope(text: &str) -> Scope {
    let parsed = Bearers::parse(&format!("x sha256:{} {text}", "0".repeat(64)), true).unwrap();
    parsed.all[0].1.limits.clone()
}

#[test]
fn lines_are_read_and_bearers_are_found_by_their_hash() {
    let text = format!(
        "# who\n\n{}\n  {} workspace=ws-1 owner=Acme repository=B repository=a permission=contents=write\n",
        line("one", b"first"),
        line("two", b"second")
    );
    let bearers = Bearers::parse(&text, false).unwrap();
    assert_eq!(bearers.count(), 2);
    assert_eq!(&*bearers.find(&hash(b"first")).unwrap().name, "one");
    let two = bearers.find(&hash(b"second")).unwrap();
    assert_eq!((two.workspace.as_deref(), two.limits.owner.as_deref()), (Some("ws-1"), Some("acme")));
    assert_eq!(two.limits.repositories, ["a", "b"]);
    for other in [&b""[..], b"third", b"first ", &[b'x'; 5000]] {
        assert!(bearers.find(&hash(other)).is_none());
    }
}

#[test]
fn a_bad_line_is_named_by_its_number_and_not_shown() {
    let good = line("a", b"x");
    for (text, wrong) in [
        ("a".to_owned(), "line 1: no sha256:HEX after the name"),
        (format!("{good}\nb hunter2"), "line 2: no sha256:HEX after the name"),
        ("a sha256:12".to_owned(), "line 1: the hash is not 64 hexadecimal digits"),
        (
            format!("\n{good} ownr=x"),
            "line 2: a word is none of workspace=, owner=, repository= and permission= with a value",
        ),
        (format!("{good} permission=contents"), "line 1: a permission is not NAME=LEVEL"),
        (format!("{good}\n{good}"), "line 2: the name or the bearer is there already"),
    ] {
        assert_eq!(Bearers::parse(&text, true).map(drop), Err(wrong.to_owned()), "{text}");
    }
}

#[test]
fn nothing_is_named_twice_in_any_spelling() {
    for limits in [
        "owner=acme owner=acme",
        "owner=acme owner=other",
        "workspace=a workspace=a",
        "owner=acme repository=website repository=website",
        "owner=acme repository=website repository=WebSite",
        "owner=acme permission=contents=read permission=contents=read",
        "owner=acme permission=contents=read permission=issues=read permission=Contents=write",
    ] {
        let line = format!("{} {limits}", line("x", b"x"));
        let wrong = "line 1: a workspace, owner, repository or permission is named twice";
        assert_eq!(Bearers::parse(&line, true).map(drop), Err(wrong.to_owned()), "{limits}");
    }
}

#[test]
fn a_repository_or_permission_is_one_of_an_owner() {
    let wrong = Err(format!("line 2: {WITHOUT_OWNER}"));
    for (limits, needs_owner) in [
        ("", false),
        ("workspace=ws-1", false),
        ("owner=acme", false),
        ("owner=acme repository=website permission=contents=read", false),
        ("repository=website", true),
        ("permission=contents=read", true),
        ("workspace=ws-1 permission=contents=read", true),
    ] {
        let text = format!("# who\n{} {limits}", line("x", b"x"));
        let parsed = |has_owner| Bearers::parse(&text, has_owner).map(drop);
        assert_eq!(parsed(true), Ok(()), "{limits}");
        assert_eq!(parsed(false), if needs_owner { wrong.clone() } else { Ok(()) }, "{limits}");
    }
}

#[test]
fn a_name_is_what_a_log_can_show() {
    for (name, good) in [
        ("ws-1", true),
        ("agents/web", true),
        ("é", true),
        ("-", false),
        ("a\u{1b}[31m", false),
        ("a\u{7f}", false),
        ("a\u{9b}31m", false),
        ("a\u{202e}b", false),
        ("a\0", false),
        ("ghs_123456789012345678", false),
    ] {
        let line = line(name, b"x");
        assert_eq!(Bearers::parse(&line, true).is_ok(), good, "{name:?}");
        assert_eq!(identity::is_name(name), good, "{name:?}");
    }
    for name in ["", "#", "#a", "a b", "a\u{a0}b", "a\n"] {
        assert!(!identity::is_name(name), "{name:?}");
    }
    assert!(Bearers::parse(&format!("{} workspace=a\u{1b}", line("x", b"x")), true).is_err());
}

#[test]
fn nobody_gets_more_than_the_limit_and_less_is_allowed() {
    for (limit, asked, given) in [
        ("", "", Some("")),
        (
            "",
            "owner=o repository=r permission=contents=write",
            Some("owner=o repository=r permission=contents=write"),
        ),
        ("owner=o", "", Some("owner=o")),
        ("owner=o", "owner=O", Some("owner=o")),
        ("owner=o", "owner=p", None),
        ("repository=a repository=b", "", Some("repository=a repository=b")),
        ("repository=a repository=b", "repository=B", Some("repository=b")),
        ("repository=a", "repository=a repository=c", None),
        ("permission=contents=write", "", Some("permission=contents=write")),
        ("permission=contents=write", "permission=contents=read", Some("permission=contents=read")),
        ("permission=contents=read", "permission=contents=write", None),
        ("permission=contents=write", "permission=issues=read", None),
    ] {
        assert_eq!(within(&scope(limit), &scope(asked)), given.map(scope), "{limit} / {asked}");
    }
}
