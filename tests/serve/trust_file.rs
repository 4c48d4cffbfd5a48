//! The trust file: what does not start, what is read again, and what `check-trust` says of it.

use serde_json::json;

use super::Server;
use super::oidc::{RULES, agent, route, start};
use crate::common::{app_sandbox, message};
use crate::support::http_client::get;
use crate::support::issuer::{LoopbackIssuer, SigningIssuerKey};
use crate::support::sandbox::Sandbox;

const ISSUER: &str = "[issuer.ci]\nurl = \"https://ci.example\"\naudience = \"broker\"\n";

#[test]
fn a_trust_file_that_is_wrong_does_not_start_and_is_named_with_line_and_cure() {
    let (_github, sandbox) = app_sandbox();
    sandbox.write_private("typo", format!("{ISSUER}{}", RULES.replacen("owner =", "ownr =", 1)));
    sandbox.write_private("bare", format!("{ISSUER}{}", RULES.replacen("\"docs-*\"", "\"*\"", 1)));
    sandbox.write_private("keys", format!("{ISSUER}jwks_file = \"missing.json\"\n{RULES}"));
    let open = sandbox.write_private("open", format!("{ISSUER}{RULES}"));
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o666)).expect("our file");
    for (file, text, hint) in [
        ("typo", "trust file typo: line 10: rule 1: unknown key ownr", "hint: known are issuer, match, "),
        (
            "bare",
            "trust file bare: line 7: rule 1: match: team: a bare *, which nearly every value would match",
            "hint: write the value",
        ),
        ("missing", "trust file missing: No such file or directory (os error 2)", ""),
        ("open", "trust file open: others may change it (mode 666); fix it with: chmod go-w open", ""),
        (
            "keys",
            "trust file keys: issuer ci: jwks_file missing.json: No such file or directory (os error 2)",
            "",
        ),
    ] {
        let output = sandbox.helper(&["serve", "--listen", "127.0.0.1:0", "--trust-file", file]).run();
        output.fails_with(3);
        assert_eq!(message(&output), text);
        assert!(output.stderr.contains(hint), "{}", output.stderr);
    }
}

#[test]
fn a_change_of_the_rules_counts_from_the_next_request_on_and_a_wrong_one_changes_nothing() {
    let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("one"));
    let server = start(&issuer, RULES, &[]);
    let bearer = agent(&issuer, "a", "hello");
    let write =
        |rules: &str| server.sandbox.write_private("trust.toml", format!("{}{rules}", issuer.table("ci")));
    // Files are looked at once in a millisecond at most.
    let becomes = |expected| (0..100).any(|_| get(server.port, &route("a"), &bearer, "").status == expected);
    assert!(becomes(200));
    write(&RULES.replace("\"web\"", "\"other\""));
    assert!(becomes(403), "a token that was accepted before");
    write("x = 1");
    let tells = |text: &str| (0..3000).any(|_| becomes(403) && server.running.stderr_so_far().contains(text));
    assert!(tells("; the rules stay as they were"), "what cannot be read changes nothing");
    write(RULES);
    assert!(becomes(200));
    let log = server.running.stderr_so_far();
    assert!(
        log.contains("trust file trust.toml: line 4: issuer ci: unknown key x; the rules stay as they were"),
        "{log}"
    );
    let fetches = issuer.requests().iter().filter(|seen| seen.target == "/keys").count();
    assert_eq!(fetches, 1, "the issuer's keys are what they were");
}

#[test]
fn check_trust_says_which_rule_claims_meet_and_what_they_get() {
    let sandbox = Sandbox::new();
    sandbox.write_private("trust.toml", format!("{ISSUER}{RULES}"));
    sandbox.helper(&["serve", "check-trust", "trust.toml"]).run().expect(
        0,
        "trust.toml: 1 issuer, 2 rules\n",
        "",
    );
    let good = json!({
        "iss": "https://ci.example", "aud": ["broker"], "sub": "s", "team": "docs-site", "repository": "hello",
        "job": { "kind": "agent", "id": "j-1" },
    });
    let check = |claims: &serde_json::Value| {
        sandbox
            .helper(&["serve", "check-trust", "trust.toml", "--claims", "-"])
            .stdin(claims.to_string())
            .run()
    };
    let granted = "trust.toml: 1 issuer, 2 rules\nissuer ci: iss and aud fit\nrule 1: fits\nname = agents/j-1\n\
                   workspace = j-1\nowner = octo-org\nrepository = hello\npermission = contents=write metadata=read\n";
    check(&good).expect(0, granted, "");
    for (name, value, lines) in [
        ("team", json!("ops"), "rule 1: team is not what the rule requires: it is \"ops\"\nrule 2: fits\n"),
        ("iss", json!("https://other"), "no issuer has this url: iss is \"https://other\"\n"),
        ("aud", json!("x"), "no issuer of this url has this audience: aud is \"x\"\n"),
        ("job", json!(null), "rule 1: there is no claim job/kind\n"),
        ("repository", json!("evil/x"), "rule 1: the repository is not the rule's owner's\n"),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        let output = check(&claims);
        assert!(output.stdout.contains(lines), "{}", output.stdout);
        if name != "team" {
            output.fails_with(4);
            assert_eq!(message(&output), "a token with these claims would get nothing");
        }
    }
    let jwt = format!("eyJhbGciOiJub25lIn0.{}.x", "e".repeat(30));
    let output = sandbox.helper(&["serve", "check-trust", "trust.toml", "--claims", "-"]).stdin(jwt).run();
    output.fails_with(2);
    assert_eq!(message(&output), "claims -: this is a token, not its claims");
    sandbox.helper(&["serve", "check-trust", "missing"]).run().fails_with(3);
}

#[test]
fn a_rule_by_a_name_that_can_change_hands_is_warned_of() {
    let (github, sandbox) = app_sandbox();
    let trust = "[issuer.gh]\nurl = \"https://ghe.example/_services/token\"\naudience = \"b\"\njwks_file = \"k\"\n\
                 [[rule]]\nissuer = \"gh\"\nmatch = { repository = \"acme/web\" }\nowner = \"acme\"\n";
    sandbox.write_private("trust.toml", trust);
    sandbox.write("k", json!({ "keys": [SigningIssuerKey::p256("k").jwk()] }).to_string());
    let warning =
        "rule 1: it matches a name, which somebody else may own one day: match repository_id instead";
    let output = sandbox.helper(&["serve", "check-trust", "trust.toml"]).run();
    output.expect(
        0,
        "trust.toml: 1 issuer, 1 rule\n",
        &format!("git-credential-github-app: warning: {warning}\n"),
    );
    let mut server = Server::launch_with(github, sandbox, &["--trust-file", "trust.toml"]);
    server.running.wait_for_stderr(&format!("warning: trust file trust.toml: {warning}"));
}
