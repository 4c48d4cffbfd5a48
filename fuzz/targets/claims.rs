//! Claims against rules: no client gets more than a rule allows, and names can be shown in logs.
#![no_main]

use std::path::Path;
use std::sync::OnceLock;

use git_credential_github_app::broker::trust::TrustRules;
use git_credential_github_app::broker::trust::explain::explain;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const RULES: &str = r#"
[issuer.i]
url = "https://i"
audience = "b"

[[rule]]
issuer = "i"
match = { team = ["web", "docs-*"], "a/b" = "c*d*e", n = 7, f = true }
workspace = "${job}"
name = "n/${sub}"
owner = "acme"
repository = ["fixed", "pre-${repository}", "${repository}"]
permission = ["contents=read"]

[[rule]]
issuer = "i"
match = { team = "x*" }
owner = "acme"
repository = ["fixed"]
"#;

fuzz_target!(|input: &[u8]| {
    static PARSED: OnceLock<TrustRules> = OnceLock::new();
    let rules = PARSED.get_or_init(|| TrustRules::parse(RULES, Path::new("")).expect("rules"));
    let Ok(Value::Object(claims)) = serde_json::from_slice(input) else { return };
    let (text, explained) = explain(rules, &claims);
    assert!(!text.contains('\u{1b}'), "a terminal would obey");
    let Some(identity) = rules.identify(&rules.issuers[0], &claims) else {
        assert!(explained.is_none(), "it is explained otherwise");
        return;
    };
    let limits = &identity.limits;
    assert_eq!(limits.owner.as_deref(), Some("acme"), "another owner");
    assert!((1..=3).contains(&limits.repositories.len()), "all repositories, or too many");
    let repository =
        claims.get("repository").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    for name in &limits.repositories {
        let own = repository.strip_prefix("acme/").unwrap_or(&repository);
        let number = claims.get("repository").filter(|value| value.is_number()).map(Value::to_string);
        let number = number.unwrap_or_default();
        let allowed = [
            "fixed".to_owned(),
            own.to_owned(),
            number.clone(),
            format!("pre-{repository}"),
            format!("pre-{number}"),
        ];
        assert!(allowed.contains(name), "a repository that the rule does not name");
    }
    for name in [&*identity.name, identity.workspace.as_deref().unwrap_or("any")] {
        assert!(!name.is_empty() && name.len() <= 256, "an empty name, or a long one");
        assert!(
            !name.contains(|c: char| c.is_control() || c.is_whitespace()),
            "a name that a log cannot show"
        );
    }
    let team = claims.get("team").cloned().unwrap_or_default();
    assert!(team.is_string() || team.is_array(), "no team");
});
