//! The audit log: a line for each decision, or no token.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::{Engine, engine::general_purpose::STANDARD};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::ADMIN;
use super::oidc::{RULES, agent, route, start, token};
use crate::common::{app_sandbox, message};
use crate::support::http_client::{delete, get};
use crate::support::issuer::{LoopbackIssuer, SigningIssuerKey};
use crate::support::needs::JQ;
use crate::support::sandbox::shell_word;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn every_decision_has_a_line_that_names_who_and_what_and_the_tokens_hash() {
    let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("one"));
    let server = start(&issuer, RULES, &["--audit-log", "audit"]);
    let bearer = agent(&issuer, "a", "hello");
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let more = format!("User-Agent: git-credential/1\r\nTraceparent: {trace}\r\n");
    let first = token(&get(server.port, &format!("{}?permission=contents=read", route("a")), &bearer, &more));
    get(server.port, &format!("{}?permission=contents=read", route("a")), &bearer, "");
    get(server.port, &route("b"), &bearer, "");
    get(server.port, ADMIN, "wrong", "");
    get(server.port, ADMIN, "", "");
    get(server.port, ADMIN, &issuer.token("s", &json!({ "team": "x" })), "");
    get(server.port, ADMIN, &issuer.token("s", &json!({ "aud": "x" })), "");
    get(server.port, ADMIN, "admin", "");
    delete(server.port, &format!("{}?permission=contents=read", route("a")), &bearer);
    delete(server.port, ADMIN, "admin");
    let path = server.sandbox.path().join("audit");
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).expect("text");
    for secret in [&first, &bearer, "eyJ", "ghs_", "\"admin\":\"admin\""] {
        assert!(!text.contains(secret), "{text}");
    }
    let lines = lines(&text);
    let decided: Vec<(&str, &str)> = lines
        .iter()
        .map(|line| (line["decision"].as_str().expect("text"), line["reason"].as_str().expect("text")))
        .collect();
    assert_eq!(
        decided,
        [
            ("allow", "granted"),
            ("allow", "granted"),
            ("deny", "this bearer is for another workspace"),
            ("deny", "invalid admin auth token"),
            ("deny", "admin auth required"),
            ("deny", "no rule of the trust file fits"),
            ("deny", "the token is for another audience"),
            ("allow", "granted"),
            ("allow", "revoked"),
            ("allow", "nothing of the asker's own to revoke"),
        ]
    );
    let hash = STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, first.as_bytes()));
    let mut line = lines[0].clone();
    for varies in ["time", "expires_at"] {
        assert!(line[varies].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
        line.as_object_mut().expect("an object").remove(varies);
    }
    let permissions = line["granted"]["permissions"].take();
    assert_eq!(permissions["contents"], "read");
    assert_eq!(
        line,
        json!({
            "decision": "allow", "reason": "granted", "identity": "agents/a", "kind": "oidc",
            "issuer": issuer.url(), "subject": "job:a", "claims": { "team": "web", "job/kind": "agent" },
            "workspace": "a",
            "asked": { "owner": null, "repositories": [], "permissions": { "contents": "read" } },
            "granted": { "owner": "octo-org", "installation_id": 7, "repositories": ["hello"], "permissions": null },
            "hashed_token": hash, "cached": false, "client": "127.0.0.1", "user_agent": "git-credential/1",
            "traceparent": trace,
        })
    );
    assert_eq!((&lines[1]["cached"], &lines[1]["hashed_token"]), (&json!(true), &json!(hash)));
    assert_eq!(lines[2]["workspace"], "b");
    assert_eq!((&lines[7]["kind"], &lines[7]["identity"]), (&json!("bearer"), &json!("admin")));
    assert_eq!(lines[8]["hashed_token"], json!(hash), "what was ended");
    // The document's way to find who had a token.
    let document = include_str!("../../docs/audit.md");
    let search = document.lines().find(|line| line.starts_with("jq ")).expect("a command");
    if let Some(jq) = JQ.find() {
        let search =
            search.replacen("jq", &shell_word(&jq.display().to_string()), 1).replace("audit.log", "audit");
        let output = server.sandbox.command("sh", &["-c", &search]).env("HASH", &hash).run();
        let found = output.success().stdout.lines().map(|line| line.split('\t').nth(1)).collect::<Vec<_>>();
        assert_eq!(found, [Some("agents/a"); 3]);
    }
}

#[test]
fn without_its_line_no_token_is_handed_out_and_the_broker_is_not_ready() {
    let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("one"));
    let mut server = start(&issuer, RULES, &["--audit-log", "/dev/full"]);
    assert_eq!(get(server.port, "/readyz", "", "").status, 200);
    let answer = get(server.port, ADMIN, "admin", "");
    assert_eq!((answer.status, answer.body.as_str()), (500, "{\"error\":\"token refresh failed\"}"));
    server.running.wait_for_stderr(
        "audit log: No space left on device (os error 28); no tokens are handed out until it can be written",
    );
    let ready = get(server.port, "/readyz", "", "");
    assert_eq!(
        (ready.status, ready.body.as_str()),
        (503, "{\"status\":\"the audit log cannot be written\"}")
    );
    assert_eq!(get(server.port, "/healthz", "", "").status, 200);
    assert_eq!(get(server.port, ADMIN, "wrong", "").status, 401, "a refusal needs no line");
    let metrics = get(server.port, "/metrics", "", "").body;
    assert!(!metrics.contains("github_app_audit_failures_total 0"), "{metrics}");
    assert!(metrics.contains("github_app_issuer_keys_age_seconds{issuer=\"ci\"} "), "{metrics}");
}

#[test]
fn standard_output_may_be_the_place_and_a_reader_that_has_gone_stops_the_tokens() {
    let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("one"));
    let server = start(&issuer, RULES, &["--audit-log", "-"]);
    assert_eq!(get(server.port, ADMIN, "admin", "").status, 200);
    server.running.signal(Signal::TERM);
    let output = server.running.wait();
    assert_eq!(lines(&output.stdout).len(), 1, "{}", output.stdout);
}

#[test]
fn a_file_that_was_moved_away_is_opened_again_at_sighup() {
    let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("one"));
    let mut server = start(&issuer, RULES, &["--audit-log", "audit"]);
    let (path, moved) = (server.sandbox.path().join("audit"), server.sandbox.path().join("audit.1"));
    get(server.port, ADMIN, "admin", "");
    fs::rename(&path, &moved).expect("our file");
    get(server.port, ADMIN, "admin", "");
    server.running.signal(Signal::HUP);
    server.running.wait_for_stderr("opened the audit log again");
    get(server.port, ADMIN, "admin", "");
    let count = |path| lines(&fs::read_to_string(path).expect("text")).len();
    assert_eq!((count(&moved), count(&path)), (2, 1));
}

#[test]
fn a_log_that_others_may_read_or_that_cannot_be_opened_does_not_start() {
    let (_github, sandbox) = app_sandbox();
    sandbox.write_private("bearers", super::line(&sandbox, "admin", "admin", ""));
    let open = sandbox.write("open", "");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).expect("our file");
    for (file, text) in [
        ("open", "audit log open: others may read it (mode 644); fix it with: chmod 600 open"),
        ("no/where", "audit log no/where: No such file or directory (os error 2)"),
    ] {
        let args = ["serve", "--listen", "127.0.0.1:0", "--bearer-file", "bearers", "--audit-log", file];
        let output = sandbox.helper(&args).run();
        output.fails_with(3);
        assert_eq!(message(&output), text);
    }
}

#[test]
fn a_request_that_the_limit_refuses_has_no_line() {
    let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("one"));
    let server = start(&issuer, RULES, &["--audit-log", "audit"]);
    for _ in 0..601 {
        get(server.port, ADMIN, "admin", "");
    }
    assert_eq!(get(server.port, ADMIN, "admin", "").status, 429);
    let text = fs::read_to_string(server.sandbox.path().join("audit")).expect("text");
    assert_eq!(lines(&text).len(), 600);
}
