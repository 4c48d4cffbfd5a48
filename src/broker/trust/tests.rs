//! The trust file's text: what is accepted, what is refused and where, and what causes a warning.

use std::collections::BTreeMap;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::broker::trust::issuer::KeysFrom;

/// The contract's example.
const EXAMPLE: &str = r#"
[issuer.cluster]
url = "https://kubernetes.default.svc.cluster.local"  # `iss`, to the letter
audience = "github-app-broker"
ca_file = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
token_file = "token"
max_age = "24h"

[[rule]]
issuer = "cluster"
match = { "kubernetes.io/namespace" = "agents", "kubernetes.io/serviceaccount/name" = ["web", "docs-*"] }
workspace = "${kubernetes.io/pod/name}"
name = "agents/${kubernetes.io/serviceaccount/name}"
owner = "acme"
repository = ["website"]
permission = ["contents=write", "metadata=read"]
"#;

fn parse(text: &str) -> Result<TrustRules, TrustError> {
    TrustRules::parse(text, Path::new("/etc/broker"))
}

#[test]
fn the_example_is_read_whole() {
    let rules = parse(EXAMPLE).unwrap();
    assert_eq!((rules.in_words().as_str(), rules.warnings.len()), ("1 issuer, 1 rule", 0));
    let issuer = &rules.issuers[0];
    assert_eq!((issuer.name.as_str(), issuer.audience.as_str()), ("cluster", "github-app-broker"));
    assert_eq!(issuer.algorithms, [Algorithm::RS256, Algorithm::ES256]);
    assert_eq!(issuer.max_age, Some(Duration::from_hours(24)));
    let KeysFrom::Discovery { token_file, .. } = &issuer.keys else { panic!("it has no file") };
    assert_eq!(token_file.as_deref(), Some(Path::new("/etc/broker/token")), "beside the file");
    let claims = |account: &str| {
        json!({ "sub": "x", "kubernetes.io": {
            "namespace": "agents", "pod": { "name": "web-0" }, "serviceaccount": { "name": account },
        } })
    };
    let identify = |account| rules.identify(issuer, claims(account).as_object().unwrap());
    let found = identify("docs-site").unwrap();
    assert_eq!((&*found.name, found.workspace.as_deref()), ("agents/docs-site", Some("web-0")));
    assert_eq!(found.limits.permissions.len(), 2);
    assert!(identify("other").is_none());
}

/// The example with something replaced.
fn with(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replace(from, to)
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_its_cure() {
    for (text, line, message, hint) in [
        (with("audience = ", "audiance = "), 4, "issuer cluster: unknown key audiance", "known are url, audience"),
        (with("audience = \"github-app-broker\"\n", ""), 2, "issuer cluster: it has no audience", "choose a word"),
        (with("https://kub", "http://kub"), 3, "issuer cluster: url: plain http", "https"),
        (with("https://kub", "https://u@kub"), 3, "issuer cluster: url: a user or password", "issuer's URL"),
        (with("\"24h\"", "24"), 7, "issuer cluster: max_age: this is not a text", "max_age = "),
        (with("\"24h\"", "\"24\""), 7, "issuer cluster: max_age: this is not a duration", "1h or 24h"),
        (with("max_age = \"24h\"", "algorithms = [\"none\"]"), 7, "issuer cluster: algorithms: one", "RS256"),
        (with("max_age = \"24h\"", "algorithms = [\"HS256\"]"), 7, "issuer cluster: algorithms: one", "RS256"),
        (with("max_age = \"24h\"", "algorithms = []"), 7, "issuer cluster: algorithms: this is not a l", "or more"),
        (with("max_age = \"24h\"", "jwks_file = \"k\""), 7, "issuer cluster: jwks_file: it replaces the", "remove either"),
        (with("[issuer.cluster]", "[issuer.\"a b\"]"), 2, "issuer a b: bad name", "letters"),
        (with("issuer = \"cluster\"", "issuer = \"x\""), 10, "rule 1: issuer: there is no", "known are cluster"),
        (with("issuer = \"cluster\"", ""), 9, "rule 1: it has no issuer", "name one"),
        (with("owner = \"acme\"", ""), 9, "rule 1: it has no owner", "owner = "),
        (with("owner = \"acme\"", "owner = \"a/b\""), 14, "rule 1: owner: this is not a valid owner", "${claim}"),
        (with("owner = \"acme\"", "owner = [\"acme\"]"), 14, "rule 1: owner: this is not a text", "owner = "),
        (with("[\"website\"]", "[\"evil/website\"]"), 15, "rule 1: repository: one of them is not the rule", "OWNER"),
        (with("[\"website\"]", "[\"..\"]"), 15, "rule 1: repository: one of them is not a repo", "NAME"),
        (with("[\"website\"]", "[]"), 15, "rule 1: repository: this is not a list", "leave it out"),
        (with("[\"website\"]", "\"website\""), 15, "rule 1: repository: this is not a list", "leave it out"),
        (with("contents=write", "contents"), 16, "rule 1: permission: one of them is not", "levels"),
        (with("metadata=read", "contents=read"), 16, "rule 1: permission: one of them is named", "once"),
        (with("\"agents\", ", "\"*\", "), 11, "rule 1: match: kubernetes.io/namespace: a bare *", "beside"),
        (with("\"agents\", ", "[], "), 11, "rule 1: match: kubernetes.io/namespace: the list is empty", "leave"),
        (with("\"agents\", ", "1.5, "), 11, "rule 1: match: kubernetes.io/namespace: this is not a text", "value"),
        (with("\"kubernetes.io/namespace\" = \"agents\", ", "kubernetes.io = \"a\", "), 11, "rule 1: match: kubernetes: this is a table", "quotation"),
        (with("\"kubernetes.io/namespace\"", "\"a//b\""), 11, "rule 1: match: a//b: a part", "write it"),
        (with("match = {", "mach = {"), 11, "rule 1: unknown key mach", "known are issuer, match"),
        (with("${kubernetes.io/pod/name}", "${kubernetes.io/pod/name"), 12, "rule 1: workspace: a ${ without", "${claim}"),
        (with("${kubernetes.io/pod/name}", "a b\\u0000"), 12, "rule 1: workspace: this is not a valid", "${claim}"),
        (with("[[rule]]", "[rule]"), 9, "trust file: rule: this is not a list of tables", "two brackets"),
        (with("[[rule]]", "[[rules]]"), 9, "trust file: unknown key rules", "known are issuer, rule"),
        (with("[[rule]]", "[[rule]]\nissuer = \"cluster\"\n[[rule]]"), 9, "rule 1: it has no match", "write match"),
        ("x = [".to_owned(), 1, "this is not valid TOML", "[[rule]]"),
        (String::new(), 1, "trust file: it has no issuer", "add an [issuer.NAME]"),
        ("[issuer]\n".to_owned(), 1, "trust file: issuer: there is none", "add an [issuer.NAME]"),
        ("issuer = 1\n".to_owned(), 1, "trust file: issuer: this is not a table", "add an [issuer.NAME]"),
        ("[issuer.a]\nurl = \"https://a\"\naudience = \"x\"\n".to_owned(), 1, "trust file: it has no rule", "[[rule]]"),
        ("[issuer.a]\nurl = \"https://a\"\naudience = \"x\"\n[issuer.b]\nurl = \"https://a\"\naudience = \"x\"\n".to_owned(), 5, "issuer b: url: another issuer", "keep one"),
    ] {
        let wrong = parse(&text).expect_err(&text);
        assert!(wrong.message.starts_with(message), "{message}: {wrong:?} in\n{text}");
        assert_eq!(wrong.line, line, "{wrong:?} in\n{text}");
        assert!(wrong.hint.contains(hint), "{hint}: {wrong:?}");
    }
}

#[test]
fn a_message_does_not_quote_what_the_file_holds() {
    for text in [
        with("\"24h\"", "\"hunter2\""),
        with("\"acme\"", "\"hunter2 x\""),
        with("\"contents=write\"", "\"hunter2\""),
        with("max_age = \"24h\"", "algorithms = [\"hunter2\"]"),
        with("[[rule]]", "hunter2"),
    ] {
        let wrong = parse(&text).expect_err(&text);
        assert!(!format!("{wrong:?}").contains("hunter2"), "{wrong:?}");
    }
}

#[test]
fn rules_that_may_mean_more_than_they_seem_to_are_warned_of_or_refused() {
    let actions = |audience: &str, claim: &str| {
        format!(
            "[issuer.gh]\nurl = \"https://token.actions.githubusercontent.com\"\naudience = \"{audience}\"\n\
             [[rule]]\nissuer = \"gh\"\nmatch = {{ \"{claim}\" = \"x\" }}\nowner = \"acme\"\n"
        )
    };
    assert_eq!(parse(&actions("b", "repository_id")).unwrap().warnings, [""; 0]);
    let warnings = parse(&actions("b", "repository")).unwrap().warnings;
    assert!(warnings[0].starts_with("rule 1: it matches a name") && warnings[0].contains("repository_id"));
    let warnings = parse(&actions("https://github.com/acme", "repository_id")).unwrap().warnings;
    assert!(warnings[0].starts_with("issuer gh: the audience is what every workflow"), "{warnings:?}");
    let wrong = parse(&actions("b", "ref")).unwrap_err();
    assert_eq!((wrong.line, wrong.hint.contains("repository_id")), (6, true), "{wrong:?}");
}

/// Names, and what could make another name, another part of a query, or another rule of one.
fn hostile() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof![
        4 => "[a-z.-]{1,8}",
        2 => "(acme|evil|ACME)/[a-z.]{0,6}",
        2 => "[a-c*/:$(){}%&=?#. \\x00\u{202e}\u{212a}]{0,12}",
        1 => "x{200,400}",
    ];
    let one = prop_oneof![
        8 => text.prop_map(serde_json::Value::from),
        1 => any::<i64>().prop_map(serde_json::Value::from),
        1 => any::<f64>().prop_map(serde_json::Value::from),
        1 => any::<bool>().prop_map(serde_json::Value::from),
        1 => Just(serde_json::Value::Null),
    ];
    one.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

const TEMPLATES: &str = r#"
[issuer.i]
url = "https://i"
audience = "b"

[[rule]]
issuer = "i"
match = { team = ["web", "docs-*"], "a/b" = "c*" }
workspace = "${job}"
name = "n/${sub}"
owner = "acme"
repository = ["fixed", "pre-${repository}", "${repository}", "acme/${job}"]
permission = ["contents=read"]
"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn no_claims_whatever_they_hold_ever_give_more_than_the_rule(
        changes in prop::collection::vec(
            (prop::sample::select(vec!["team", "a", "job", "sub", "repository", "owner", "permission"]), hostile()),
            1..4,
        )
    ) {
        let rules = parse(TEMPLATES).unwrap();
        let mut claims =
            json!({ "team": "web", "a": { "b": "cc" }, "job": "j", "sub": "s", "repository": "site" });
        for (name, value) in changes {
            claims[name] = value;
        }
        let claims = claims.as_object().unwrap();
        let Some(identity) = rules.identify(&rules.issuers[0], claims) else { return Ok(()) };
        let limits = &identity.limits;
        prop_assert_eq!(limits.owner.as_deref(), Some("acme"));
        prop_assert_eq!(&limits.permissions, &BTreeMap::from([("contents".to_owned(), "read".to_owned())]));
        let text = |claim: &str| match &claims[claim] {
            serde_json::Value::String(text) => text.to_ascii_lowercase(),
            other => other.to_string(),
        };
        // Each is what one of the rule's texts comes to, and its plain name.
        let own = |name: &str| name.strip_prefix("acme/").unwrap_or(name).to_owned();
        let allowed = ["fixed".to_owned(), format!("pre-{}", text("repository")), own(&text("repository")), text("job")];
        prop_assert!(!limits.repositories.is_empty());
        for name in &limits.repositories {
            prop_assert!(allowed.contains(name), "{} of {:?}", name, allowed);
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{}", name);
        }
        let workspace = identity.workspace.as_deref().unwrap_or_default();
        prop_assert!(!workspace.is_empty() && !workspace.contains(char::is_whitespace) && workspace.len() <= 256);
        prop_assert!(!identity.name.contains(char::is_whitespace) && identity.name.len() <= 256);
        prop_assert!(!identity.name.contains(char::is_control));
    }
}
