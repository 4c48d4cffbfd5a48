//! The worked examples of `docs/identities.md`: each trust file is good, its claims meet its rule, and claims of somebody else
//! do not.

use serde_json::Value;

use crate::support::process::Output;
use crate::support::sandbox::Sandbox;

const DOCUMENT: &str = include_str!("../../docs/identities.md");

/// The first fenced block of a language.
fn block<'a>(section: &'a str, language: &str) -> &'a str {
    let start = format!("```{language}\n");
    section.split(&start).nth(1).and_then(|rest| rest.split("```").next()).expect("a block")
}

fn check(sandbox: &Sandbox, claims: &Value) -> Output {
    let args = ["serve", "check-trust", "trust.toml", "--claims", "-"];
    sandbox.helper(&args).stdin(claims.to_string()).run()
}

#[test]
fn each_worked_example_matches_its_own_claims_and_no_others() {
    let sections: Vec<(&str, &str)> =
        DOCUMENT.split("\n## ").skip(1).map(|section| section.split_once('\n').expect("lines")).collect();
    let names: Vec<&str> = sections.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["Kubernetes", "GitHub Actions", "GitLab", "Buildkite", "SPIFFE"]);
    let others = ["/kubernetes.io/namespace", "/repository_id", "/project_id", "/organization_id", "/sub"];
    for ((name, section), other) in sections.into_iter().zip(others) {
        let sandbox = Sandbox::new();
        sandbox.write_private("trust.toml", block(section, "toml"));
        let claims: Value = serde_json::from_str(block(section, "json")).expect("JSON");
        let output = check(&sandbox, &claims);
        assert_eq!(output.success().stderr, "", "{name}: no warning");
        assert!(output.stdout.contains("rule 1: fits\n"), "{name}: {}", output.stdout);
        assert!(output.stdout.contains("owner = acme\n"), "{name}: {}", output.stdout);
        let is_told = section.contains("WORKSPACE_ID");
        assert_eq!(is_told, block(section, "toml").contains("\nworkspace = "), "{name}: the route");
        for path in [other, "/aud", "/iss"] {
            let mut changed = claims.clone();
            *changed.pointer_mut(path).unwrap_or_else(|| panic!("{name}: no {path}")) = "other".into();
            check(&sandbox, &changed).fails_with(4);
        }
    }
}
