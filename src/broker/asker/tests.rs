//! A property test for what the fuzz target `paths` looks for: requests made of the words in the bearers' limits.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;

use super::*;
use crate::broker::model::judge;

fn words(all: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    select(all.to_vec()).prop_map(str::to_owned)
}

/// Letters, or how they may be written in a URL.
fn spelled(word: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (word, 0..8_usize).prop_map(|(word, spelling)| match spelling {
        0 => format!("%{:02x}{}", word.as_bytes()[0], &word[1..]),
        1 => word.to_ascii_uppercase(),
        _ => word,
    })
}

fn query() -> impl Strategy<Value = String> {
    let name = words(&["contents", "issues", "metadata"]);
    let level = words(&["read", "write", "admin"]);
    let permission = (spelled(name), words(&["=", "=", "%3d"]), level)
        .prop_map(|(name, equals, level)| format!("permission={name}{equals}{level}"));
    let pair = prop_oneof![
        3 => spelled(words(&["acme", "acme", "evil"])).prop_map(|value| format!("owner={value}")),
        3 => spelled(words(&["docs", "web", "api"])).prop_map(|value| format!("repository={value}")),
        4 => permission,
        1 => words(&["", "owner", "owner=", "workspace=one", "owner=%ff", "repository=..", "x=%"]),
    ];
    vec(pair, 0..4).prop_map(|pairs| pairs.join("&"))
}

/// Workspaces' IDs, and what looks like them.
const IDS: [&str; 14] = [
    "two",
    "One",
    "one%32",
    "on",
    "one%20",
    "one%2F..%2Ftwo",
    "..",
    "",
    "%ff",
    "a%2Fb%25%C3%A9",
    "a%2fb%é",
    "a%2FB%25%C3%A9",
    "a%252Fb%25%C3%A9",
    "a%2Fb%2525%C3%A9",
];

fn target() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        6 => words(&["/admin/github-installation-token", "/workspaces/one/github-installation-token"]),
        4 => words(&IDS).prop_map(|id| format!("/workspaces/{id}/github-installation-token")),
        1 => words(&[
            "/healthz",
            "/metrics",
            "//admin/github-installation-token",
            "/%61dmin/github-installation-token",
            "/workspaces/one/../one/github-installation-token",
            "http://x/workspaces/one/github-installation-token",
        ]),
        1 => "/[ -~]{0,20}",
    ];
    (path, words(&["?", "?", "?", "?", "#", ""]), query()).prop_map(|(path, mark, query)| {
        match mark.as_str() {
            "" => path,
            mark => format!("{path}{mark}{query}"),
        }
    })
}

fn authorization() -> impl Strategy<Value = Option<String>> {
    let bearer = select(IDENTITIES.iter().map(|identity| identity.bearer).collect::<Vec<_>>());
    let presented = (
        words(&["Bearer ", "Bearer ", "Bearer ", "Bearer ", "Bearer  ", "bearer ", ""]),
        bearer,
        "[ x]{0,1}",
    );
    prop_oneof![
        12 => presented.prop_map(|(scheme, bearer, end)| Some(format!("{scheme}{bearer}{end}"))),
        1 => "[ -~]{0,40}".prop_map(Some),
        1 => Just(None),
    ]
}

#[test]
fn nobody_gets_more_than_the_contract_allows_nor_less() {
    let dir = tempfile::tempdir().unwrap();
    let asker = Asker::new(dir.path());
    let method = words(&["GET", "GET", "GET", "GET", "GET", "GET", "HEAD", "POST", "DELETE", "get"]);
    // Many at a time, as tokens stay in memory.
    let requests = vec((0..SERVERS.len(), method, target(), authorization()), 16);
    let (served, refused) = (Cell::new(0), Cell::new(0));
    let outcome = TestRunner::default().run(&requests, |requests| {
        for (server, method, target, authorization) in &requests {
            let (method, target) = (method.as_bytes(), target.as_bytes());
            let asking =
                Asking { method, target, authorization: authorization.as_ref().map(String::as_bytes) };
            let Some(seen) = asker.ask(*server, &asking) else { continue };
            match seen.status {
                200 => served.set(served.get() + 1),
                403 => refused.set(refused.get() + 1),
                _ => {}
            }
            let verdict = judge(SERVERS[*server], &asking, &seen);
            let body = String::from_utf8_lossy(&seen.body);
            prop_assert_eq!(verdict, Ok(()), "{} {} minted: {:?}", seen.status, body, &seen.minted);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!(served.get() > 100 && refused.get() > 100, "{served:?} served, {refused:?} refused");
}
