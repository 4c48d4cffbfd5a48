//! Each rule detects what violates it.

use super::*;

const ADMIN: &str = "/admin/github-installation-token";
const ONE: &str = "/workspaces/one/github-installation-token";

/// Judges an answer of a broker without limits of its own.
fn judged(bearer: &str, target: &str, (status, token): (u16, Option<&str>)) -> Result<(), &'static str> {
    judged_by("", bearer, target, (status, token))
}

fn judged_by(
    server: &str,
    bearer: &str,
    target: &str,
    (status, token): (u16, Option<&str>),
) -> Result<(), &'static str> {
    let header = format!("Bearer {bearer}");
    let asking = Asking { method: b"GET", target: target.as_bytes(), authorization: Some(header.as_bytes()) };
    let body = token.map(|token| serde_json::json!({ "token": token }).to_string().into_bytes());
    judge(server, &asking, &Observed { status, body: body.unwrap_or_default(), minted: Vec::new() })
}

#[test]
fn who_asks_and_where_is_judged() {
    for (bearer, target, status, verdict) in [
        ("bearer-of-all", ADMIN, 200, Ok(())),
        ("bearer-of-all ", ADMIN, 200, Ok(())),
        ("bearer-of-al", ADMIN, 200, Err("past 401 without a bearer")),
        ("bearer-of-al", ADMIN, 403, Err("past 401 without a bearer")),
        ("bearer-of-al", ADMIN, 401, Ok(())),
        ("bearer-of-odd", "/workspaces/a%2Fb%25%C3%A9/github-installation-token", 200, Ok(())),
        ("bearer-of-odd", ADMIN, 200, Err("another workspace's route")),
        ("bearer-of-odd", ONE, 200, Err("another workspace's route")),
        ("bearer-of-odd", ONE, 403, Ok(())),
        ("bearer-of-all", "/workspaces//github-installation-token", 200, Err("another workspace's route")),
        ("bearer-of-all", "/x/github-installation-token", 200, Err("something where nothing is")),
        ("bearer-of-all", "/healthz", 200, Err("a token where there are none")),
    ] {
        let token = Some("").filter(|_| status == 200);
        assert_eq!(judged(bearer, target, (status, token)), verdict, "{bearer} {target} {status}");
    }
    assert_eq!(judged("x", "/metrics", (200, None)), Err("metrics without a bearer"));
    assert_eq!(judged("bearer-of-all", ADMIN, (200, None)), Err("an answer without a token"));
    assert_eq!(judged("bearer-of-all", ADMIN, (405, None)), Err("not even GET"));
    assert_eq!(judged("bearer-of-all", ADMIN, (401, Some(""))), Err("a token though it is refused"));
    assert_eq!(judged("bearer-of-all", ADMIN, (500, None)), Err("neither an answer nor a refusal"));
}

#[test]
fn what_a_token_is_for_is_judged() {
    const BEYOND: Result<(), &str> = Err("more than the limits allow");
    const UNASKED: Result<(), &str> = Err("more than was asked for");
    const OTHER: Result<(), &str> = Err("something else than what is allowed");
    const READER: &str =
        "owner=acme repository=docs repository=web permission=contents=read permission=issues=write";
    for (bearer, query, token, verdict) in [
        ("reader", "", READER, Ok(())),
        ("reader", "", "", BEYOND),
        ("reader", "", "owner=evil repository=web permission=contents=read", BEYOND),
        ("reader", "", "owner=acme repository=api permission=contents=read", BEYOND),
        ("reader", "", "owner=acme permission=contents=read", BEYOND),
        ("reader", "", "owner=acme repository=web permission=contents=write", BEYOND),
        ("reader", "", "owner=acme repository=web", BEYOND),
        ("reader", "", "owner=acme repository=web permission=contents=read", OTHER),
        ("reader", "permission=issues%3dread", READER, UNASKED),
        ("reader", "repository=web", READER, UNASKED),
        ("all", "owner=acme", "owner=evil", UNASKED),
        ("all", "owner=acme&owner=evil", "owner=evil", UNASKED),
        ("all", "permission=issues=read&permission=issues=write", "permission=issues=write", UNASKED),
        ("all", "owner=acme&repository=web", "owner=acme repository=web", Ok(())),
        ("all", "%6fwner=acme", "owner=acme", Err("an answer to what cannot be read")),
        ("all", "", "ghs_x", Err("a token that does not say what it is for")),
    ] {
        let judged = judged(&format!("bearer-of-{bearer}"), &format!("{ADMIN}?{query}"), (200, Some(token)));
        assert_eq!(judged, verdict, "{bearer} {query}: {token}");
    }
    let (bearer, query) = ("bearer-of-acme", format!("{ADMIN}?owner=acme"));
    assert_eq!(judged(bearer, &query, (403, None)), OTHER, "it is allowed");
    assert_eq!(judged_by("permission=issues=read", bearer, &query, (200, Some("owner=acme"))), BEYOND);
}

#[test]
fn every_mint_is_for_whoever_asked() {
    let asking =
        Asking { method: b"GET", target: ADMIN.as_bytes(), authorization: Some(b"Bearer bearer-of-acme") };
    let seen = |status, minted: &str| Observed {
        status,
        body: if status == 200 { br#"{"token":"owner=acme"}"#.to_vec() } else { Vec::new() },
        minted: vec![minted.to_owned()],
    };
    assert_eq!(judge("", &asking, &seen(200, "owner=acme")), Ok(()));
    assert_eq!(judge("", &asking, &seen(200, "owner=acme repository=web")), Err("a token that nobody gets"));
    assert_eq!(judge("", &asking, &seen(403, "owner=acme")), Err("a token though it is refused"));
}

#[test]
fn all_limits_can_be_read() {
    let all = IDENTITIES.iter().map(|identity| identity.limits).chain(SERVERS);
    assert!(
        all.clone().all(|limits| NamedScope::of_words(limits).is_some()),
        "{:?}",
        all.collect::<Vec<_>>()
    );
}
