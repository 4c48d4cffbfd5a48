//! Who may have what: limits of a line, and servers that refuse to start.

use std::fs;

use serde_json::Value;

use super::{ADMIN, Server, line};
use crate::common::{app_sandbox, message};
use crate::support::github::LoopbackGitHub;
use crate::support::http_client::{get, get_unix};
use crate::support::sandbox::Sandbox;

#[test]
fn a_bearer_gets_its_limits_and_less_but_never_more() {
    let limits = "workspace=ws-1 owner=octo-org repository=hello repository=second permission=contents=write";
    let server = Server::start_with(&[("ws", limits), ("admin", "")], &[]);
    server.github.create_repository("octo-org", "second");
    server.github.create_repository("octo-org", "third");
    let own = "/workspaces/ws-1/github-installation-token";
    for (target, status) in [
        (own.to_owned(), 200),
        (format!("{own}?owner=Octo-Org&repository=HELLO&permission=contents=read"), 200),
        (format!("{own}?repository=third"), 403),
        (format!("{own}?repository=hello&repository=third"), 403),
        (format!("{own}?permission=contents=admin"), 403),
        (format!("{own}?permission=issues=read"), 403),
        (format!("{own}?owner=other-org"), 403),
        ("/workspaces/ws-2/github-installation-token".to_owned(), 403),
        ("/workspaces/ws-%31/github-installation-token".to_owned(), 200),
        (ADMIN.to_owned(), 403),
    ] {
        let answer = get(server.port, &target, "ws", "");
        assert_eq!(answer.status, status, "{target}: {}", answer.body);
        if status == 403 {
            let json: Value = serde_json::from_str(&answer.body).expect("JSON");
            assert!(
                json["error"].as_str().is_some_and(|text| text.starts_with("this bearer ")),
                "{}",
                answer.body
            );
        }
    }
    let bodies: Vec<Value> = mint_bodies(&server.github);
    assert_eq!(
        bodies[0]["repositories"],
        serde_json::json!(["hello", "second"]),
        "without a query, the limits"
    );
    assert_eq!(bodies[0]["permissions"], serde_json::json!({ "contents": "write" }));
    assert_eq!(bodies[1]["permissions"], serde_json::json!({ "contents": "read" }));
    assert_eq!(
        get(server.port, &format!("{ADMIN}?owner=octo-org&repository=third"), "admin", "").status,
        200
    );
}

fn mint_bodies(github: &LoopbackGitHub) -> Vec<Value> {
    let requests = github.api_requests().into_iter();
    requests.filter(|seen| seen.target.ends_with("/access_tokens")).map(|seen| seen.json()).collect()
}

#[test]
fn the_servers_settings_limit_every_client() {
    let (github, sandbox) = app_sandbox();
    sandbox.write_private("bearers", line(&sandbox, "admin", "admin", ""));
    let server = Server::launch(
        github,
        sandbox,
        &["--owner=octo-org", "--repository=hello", "--permission=contents=read"],
    );
    assert_eq!(get(server.port, ADMIN, "admin", "").status, 200);
    assert_eq!(mint_bodies(&server.github)[0]["repositories"], serde_json::json!(["hello"]));
    for query in ["?permission=contents=write", "?owner=other", "?repository=second"] {
        assert_eq!(get(server.port, &format!("{ADMIN}{query}"), "admin", "").status, 403, "{query}");
    }
}

#[test]
fn a_line_without_an_owner_is_one_of_the_servers_own() {
    let (github, sandbox) = app_sandbox();
    github.add_installation(9, "other-org");
    github.create_repository("other-org", "hello");
    sandbox.write_private("bearers", line(&sandbox, "ws", "ws", "repository=hello permission=contents=read"));
    let server = Server::launch(github, sandbox, &["--owner=octo-org"]);
    for (query, status) in [("", 200), ("?owner=octo-org", 200), ("?owner=other-org", 403)] {
        assert_eq!(get(server.port, &format!("{ADMIN}{query}"), "ws", "").status, status, "{query}");
    }
    assert_eq!(server.github.mints(), 1);
}

#[test]
fn an_owner_is_a_user_or_an_organisation_and_never_an_enterprise_of_that_name() {
    let (github, sandbox) = app_sandbox();
    github.add_enterprise_installation(9, "big-corp");
    let lines = [line(&sandbox, "corp", "corp", "owner=big-corp"), line(&sandbox, "any", "any", "")];
    sandbox.write_private("bearers", lines.concat());
    let mut server = Server::launch(github, sandbox, &[]);
    for (bearer, query) in [("corp", ""), ("corp", "?owner=Big-Corp"), ("any", "?owner=big-corp")] {
        assert_eq!(get(server.port, &format!("{ADMIN}{query}"), bearer, "").status, 500, "{bearer} {query}");
    }
    server.running.wait_for_stderr("the App is not installed for big-corp");
    // Without an owner it is the only installation, and the enterprise's does not count as one.
    assert_eq!(get(server.port, ADMIN, "any", "").status, 200);
    let asked: Vec<String> = server.github.api_requests().into_iter().map(|seen| seen.target).collect();
    assert!(asked.iter().all(|target| !target.contains("/enterprises/")), "{asked:?}");
    assert_eq!(server.github.mints(), 1);
}

#[test]
fn hash_bearer_hashes_its_input_or_makes_a_new_one() {
    let sandbox = Sandbox::new();
    let known = "ws sha256:e178cfa9fadaf72ddef299ee2db3c05d7be0a6a6049afb2b153b5fbf136c472d\n";
    for input in ["sixteen-letters!", "sixteen-letters!\n", "sixteen-letters!\r\n"] {
        sandbox.helper(&["serve", "hash-bearer", "ws"]).stdin(input).run().expect(0, known, "");
    }
    for input in ["x", "fifteen-letters\n", " fifteen-letters "] {
        let short = sandbox.helper(&["serve", "hash-bearer", "ws"]).stdin(input).run();
        short.fails_with(2);
        assert_eq!(message(&short), "a bearer of fewer than 16 characters can be guessed");
        assert!(!short.stderr.contains("fifteen"), "{}", short.stderr);
    }
    let new = sandbox.helper(&["serve", "hash-bearer", "ws-1"]).run();
    let bearer = new.success().stderr.strip_prefix("bearer: ").expect("the new bearer").trim_end();
    assert_eq!(bearer.len(), 43, "32 random bytes");
    let again = sandbox.helper(&["serve", "hash-bearer", "ws-1"]).stdin(bearer).run();
    assert_eq!(again.stdout, new.stdout);
    let other = sandbox.helper(&["serve", "hash-bearer", "ws-1"]).run();
    assert_ne!(other.stdout, new.stdout);
    for name in ["#x", "-x y", "a\u{1b}[2J", "a\u{202e}b"] {
        let output = sandbox.helper(&["serve", "hash-bearer", "--", name]).stdin("sixteen-letters!").run();
        output.fails_with(2);
        assert!(!output.stderr.contains(['\u{1b}', '\u{202e}']), "{}", output.stderr);
    }
    sandbox.helper(&["serve", "hash-bearer"]).stdin("two words, which are long").run().fails_with(2);
}

#[test]
fn what_would_be_open_to_all_does_not_start() {
    let (_github, sandbox) = app_sandbox();
    let good = line(&sandbox, "a", "a", "");
    sandbox.write_private("bearers", &good);
    sandbox.write_private("wrong", format!("{good}b hunter2\n"));
    let limited = |limits| format!("{good}{}", line(&sandbox, "b", "b", limits));
    sandbox.write_private("anywhere", limited("repository=hello permission=contents=read"));
    let twice = "owner=octo-org permission=contents=read permission=contents=write";
    sandbox.write_private("twice", line(&sandbox, "b", "b", twice));
    sandbox.write_private("raw", good.replace("a sha", "a\u{1b}[2J sha"));
    for (args, status, text, hint) in [
        (&["--listen=127.0.0.1:0"][..], 3, "no bearers are configured", "--bearer-file"),
        (
            &["--listen=0.0.0.0:0", "--bearer-file=bearers"],
            3,
            "can be reached from other machines, and without TLS",
            "--tls-cert",
        ),
        (
            &["--listen=[::]:0", "--bearer-file=bearers"],
            3,
            "can be reached from other machines, and without TLS",
            "--allow-http",
        ),
        (&["--bearer-file=missing"], 3, "bearer file missing: No such file", "hash-bearer"),
        (&["--bearer-file=wrong"], 3, "bearer file wrong: line 2: no sha256:HEX", "hash-bearer"),
        (
            &["--bearer-file=anywhere"],
            3,
            "bearer file anywhere: line 2: a repository or permission is named, and neither the line nor --owner names an owner",
            "hash-bearer",
        ),
        (
            &["--bearer-file=twice"],
            3,
            "bearer file twice: line 1: a workspace, owner, repository or perm",
            "hash-b",
        ),
        (&["--bearer-file=raw"], 3, "bearer file raw: line 1: the name holds characters", "hash-bearer"),
        (
            &["--bearer-file=bearers", "--repository=hello"],
            3,
            "the server's settings name a repository but no owner",
            "--owner",
        ),
        (
            &["--bearer-file=bearers", "--permission=contents=read", "--permission=contents=write"],
            2,
            "contents=read and contents=write",
            "one level",
        ),
        (&["--listen=nowhere"], 2, "option --listen: bad address \"nowhere\"", "unix:PATH"),
        (
            &["--listen=systemd", "--bearer-file=bearers"],
            3,
            "systemd has handed over no socket",
            "socket unit",
        ),
        (
            &["--listen=unix:/no/such/dir/s", "--bearer-file=bearers"],
            3,
            "listen on /no/such/dir/s",
            "--listen",
        ),
        (
            &["--tls-cert=x", "--tls-key=y", "--bearer-file=bearers"],
            3,
            "TLS certificate x: No such file",
            "PEM",
        ),
    ] {
        let output = sandbox.helper(&[&["serve"], args].concat()).run();
        assert_eq!((output.status, output.stdout.as_str()), (status, ""), "{args:?}: {}", output.stderr);
        assert!(message(&output).contains(text), "{args:?}: {}", output.stderr);
        assert!(output.stderr.contains(hint) && !output.stderr.contains("hunter2"), "{}", output.stderr);
        assert!(!output.stderr.contains('\u{1b}'), "{args:?}");
    }
    let open = ["serve", "--listen=0.0.0.0:0", "--bearer-file=bearers", "--allow-http"];
    let mut running = sandbox.helper(&open).spawn();
    running.wait_for_stderr("listening on 0.0.0.0:");
}

#[test]
fn a_private_socket_needs_no_bearer_and_the_helper_speaks_to_it() {
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    let socket = sandbox.path().join("broker.sock");
    let listen = format!("unix:{}", socket.display());
    let mut running = sandbox.helper(&["serve", "--listen", &listen]).spawn();
    running.wait_for_stderr("listening on unix:");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&socket).expect("a socket").permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(get_unix(&socket, ADMIN).status, 200);
    let client = Sandbox::new();
    client.set_env("GITHUB_APP_BROKER_URL", &listen);
    client.set_env("HTTP_PROXY", "http://127.0.0.1:1");
    for workspace in [None, Some("ws-1")] {
        if let Some(id) = workspace {
            client.set_env("WORKSPACE_ID", id);
        }
        let output = client.helper(&["token"]).run();
        assert_eq!(output.success().stderr, "");
        assert_eq!(github.live_tokens(), [output.stdout.trim().to_owned()]);
    }
    let second = sandbox.helper(&["serve", "--listen", &listen]).run();
    second.fails_with(3);
    running.signal(rustix::process::Signal::KILL);
    running.wait();
    assert!(socket.exists(), "killed, it leaves its socket");
    let mut next = sandbox.helper(&["serve", "--listen", &listen]).spawn();
    next.wait_for_stderr("listening on unix:");
    next.signal(rustix::process::Signal::TERM);
    assert_eq!(next.wait().status, 0);
    assert!(!socket.exists(), "stopped, it does not");
    let away = client.helper(&["--timeout=300ms", "--no-cache", "token"]).run();
    away.fails_with(5);
    assert!(
        message(&away).contains(&format!("fetch a token from {listen}: cannot reach the broker")),
        "{}",
        away.stderr
    );
}
