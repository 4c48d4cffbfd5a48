//! Bad, slow and many clients, TLS, and real workspaces with real git.

use std::io::{BufReader, Read as _, Write as _};
use std::net::Shutdown;

use super::{ADMIN, Server, line, port};
use crate::common::{app_sandbox, message};
use crate::support::git::Git;
use crate::support::http_client::{connect, get, read};
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;
use crate::support::users::mode;

#[test]
fn bad_http_is_refused_and_does_not_affect_other_clients() {
    let server = Server::start();
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-H: y\r\n".repeat(200));
    let large = format!("GET {ADMIN} HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "x".repeat(64 * 1024));
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(64 * 1024));
    for (bytes, statuses) in [
        (&b"garbage\r\n\r\n"[..], &[0, 400][..]),
        (b"GET / HTTP/9.9\r\n\r\n", &[0, 400]),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", &[0, 400]),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", &[0, 400]),
        (many.as_bytes(), &[400, 431]),
        (large.as_bytes(), &[0, 431]),
        (long.as_bytes(), &[0, 414, 431]),
    ] {
        let mut stream = connect(server.port);
        drop(stream.write_all(bytes));
        drop(stream.shutdown(Shutdown::Write));
        let status = read(&mut BufReader::new(stream)).status;
        assert!(
            statuses.contains(&status),
            "{status} for {:?}",
            String::from_utf8_lossy(&bytes[..40.min(bytes.len())])
        );
    }
    assert_eq!(get(server.port, ADMIN, "admin", "").status, 200);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start();
    let one =
        |target: &str| format!("GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n\r\n");
    let mut stream = connect(server.port);
    let all = [one("/healthz"), one(ADMIN), one("/nowhere"), one(ADMIN)].concat();
    stream.write_all(all.as_bytes()).expect("a connection");
    let mut reader = BufReader::new(stream);
    let statuses: Vec<u16> = (0..4).map(|_| read(&mut reader).status).collect();
    assert_eq!(statuses, [200, 200, 404, 200]);
}

#[test]
fn slow_and_half_closed_clients_are_answered_and_cost_the_others_nothing() {
    let server = Server::start();
    let mut slow = connect(server.port);
    slow.write_all(b"GET /admin/github").expect("a connection");
    let half = connect(server.port);
    half.shutdown(Shutdown::Write).expect("a connection");
    for _ in 0..20 {
        assert_eq!(get(server.port, ADMIN, "admin", "").status, 200);
    }
    let rest =
        "-installation-token HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\nConnection: close\r\n\r\n";
    for byte in rest.bytes() {
        slow.write_all(&[byte]).expect("a connection that is still open");
    }
    assert_eq!(read(&mut BufReader::new(slow)).status, 200, "byte by byte, but within the time");
    // A request whose sender has closed its side is still answered.
    let mut stream = connect(server.port);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("a connection");
    stream.shutdown(Shutdown::Write).expect("a connection");
    assert_eq!(read(&mut BufReader::new(stream)).status, 200);
}

#[test]
fn tls_is_spoken_and_a_renewed_certificate_is_taken_without_a_restart() {
    let (first, second) = (TestCa::new(), TestCa::new());
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    sandbox.write_private("bearers", line(&sandbox, "admin", "admin", ""));
    sandbox.write("cert.pem", first.certificate_pem());
    sandbox.write_private("key.pem", first.key_pem());
    let args = ["--tls-cert=cert.pem", "--tls-key=key.pem"];
    let mut server = Server::launch(github, sandbox, &args);
    let client = Sandbox::new();
    client.set_env("GITHUB_APP_BROKER_URL", format!("https://localhost:{}", server.port));
    client.set_env("GITHUB_APP_BROKER_TOKEN", "admin");
    let token = |ca: &TestCa| {
        let pem = ca.ca_pem_path(client.path());
        client.helper(&["--no-cache", "--timeout=5s", "token"]).env("SSL_CERT_FILE", pem).run().status
    };
    assert_eq!((token(&first), token(&second)), (0, 5));
    server.sandbox.write_private("key.pem", "broken");
    assert_eq!(token(&first), 0, "a broken one changes nothing");
    server.running.wait_for_stderr(
        "TLS key key.pem: it holds no private key in PEM; the certificate stays as it was\n",
    );
    server.sandbox.write("cert.pem", second.certificate_pem());
    server.sandbox.write_private("key.pem", second.key_pem());
    assert_eq!((token(&second), token(&first)), (0, 5));
    let mut plain = connect(server.port);
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").expect("a connection");
    let mut answer = Vec::new();
    drop(plain.read_to_end(&mut answer));
    assert!(!answer.starts_with(b"HTTP"), "no plain HTTP beside it");
}

#[test]
fn a_tls_key_that_everybody_may_read_is_refused_and_one_that_its_group_may_is_warned_of() {
    let ca = TestCa::new();
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    sandbox.write_private("bearers", line(&sandbox, "admin", "admin", ""));
    sandbox.write("cert.pem", ca.certificate_pem());
    let key = sandbox.write_private("key.pem", ca.key_pem());
    let args = ["--tls-cert=cert.pem", "--tls-key=key.pem"];
    let listen = ["serve", "--listen=127.0.0.1:0", "--bearer-file=bearers"];
    for bits in [0o644, 0o604, 0o602, 0o666] {
        mode(&key, bits);
        let output = sandbox.helper(&[&listen[..], &args].concat()).run();
        output.fails_with(3);
        let cause = format!("TLS key key.pem: everybody may read it (mode {bits:03o})");
        assert_eq!(message(&output), cause);
        assert!(output.stderr.contains("\nhint: chmod 600 key.pem\n"), "{}", output.stderr);
    }
    mode(&key, 0o640);
    let mut server = Server::launch(github, sandbox, &args);
    let log = server.running.stderr_so_far();
    assert!(log.contains(" warning: TLS key key.pem: its group may read it (mode 640)\n"), "{log}");
    mode(&key, 0o644);
    drop(connect(server.port));
    server.running.wait_for_stderr("everybody may read it (mode 644); the certificate stays as it was\n");
}

#[test]
fn the_helper_asks_for_its_scope_and_stops_at_once_at_a_refusal_that_lasts() {
    let server = Server::start_with(&[("ws", "workspace=ws-1")], &[]);
    let client = Sandbox::new();
    client.set_env("GITHUB_APP_HOST", server.github.url());
    client.set_env("PLATFORM_URL", format!("http://127.0.0.1:{}", server.port));
    client.set_env("WORKSPACE_ID", "ws-1");
    client.set_env("CONFIGS_DIR", client.path());
    client.write_private(".auth_token", "ws\n");
    let args = ["--owner=octo-org", "--permission=contents=read", "token"];
    let token = client.helper(&args).run().success().stdout.trim().to_owned();
    assert_eq!(server.github.live_tokens(), [token]);
    let minted = server.github.api_requests().into_iter().find(|seen| seen.method == "POST").expect("a mint");
    assert_eq!(minted.json()["permissions"], serde_json::json!({ "contents": "read" }));
    let args = ["--owner=octo-org", "--permission=administration=write", "--timeout=10m", "token"];
    let refused = client.helper(&args).run();
    refused.fails_with(4);
    assert!(
        message(&refused)
            .ends_with(": the broker answered 500: it cannot get this token, and trying again does not help"),
        "{}",
        refused.stderr
    );
    let hint = "\nhint: the cause is in the broker's log: ask the platform's operator\n";
    assert!(refused.stderr.ends_with(hint), "{}", refused.stderr);
    assert_eq!(server.github.mint_requests(), 2, "the token, and the refusal");
}

/// Each workspace has its own bearer and repository; only the broker has the key.
#[test]
fn twenty_workspaces_clone_and_push_with_bearers_and_limits_of_their_own() {
    const WORKSPACES: usize = 20;
    let (github, sandbox) = app_sandbox();
    let mut lines = String::new();
    for number in 0..WORKSPACES {
        let name = format!("repo-{number}");
        github.create_repository("octo-org", &name);
        github.commit_file("octo-org", &name, "README.md", name.as_bytes());
        let limits =
            format!("workspace=ws-{number} owner=octo-org repository={name} permission=contents=write");
        lines += &line(&sandbox, &format!("ws-{number}"), &format!("bearer-{number}"), &limits);
    }
    sandbox.write_private("bearers", lines);
    let listen = ["serve", "--listen", "127.0.0.1:0", "--bearer-file", "bearers"];
    let mut running = sandbox.helper(&listen).spawn();
    let port = port(&running.wait_for_stderr("listening on "));
    let git = Git::default_git();
    std::thread::scope(|scope| {
        for number in 0..WORKSPACES {
            let (git, github) = (&git, &github);
            scope.spawn(move || {
                let workspace = Sandbox::new();
                workspace.set_env("GITHUB_APP_HOST", github.url());
                workspace.set_env("PLATFORM_URL", format!("http://127.0.0.1:{port}"));
                workspace.set_env("WORKSPACE_ID", format!("ws-{number}"));
                workspace.set_env("CONFIGS_DIR", workspace.path());
                workspace.write_private(".auth_token", format!("bearer-{number}\n"));
                workspace.helper(&["setup"]).run().success();
                let url = |number: usize| github.clone_url("octo-org", &format!("repo-{number}"));
                git.command(&workspace, workspace.path(), &["clone", "-q", &url(number), "work"]).success();
                let work = workspace.path().join("work");
                git.command(&workspace, &work, &["commit", "-q", "--allow-empty", "-m", "x"]).success();
                git.command(&workspace, &work, &["push", "-q", "origin", "HEAD:main"]).success();
                let other = url((number + 1) % WORKSPACES);
                let refused = git.command(&workspace, workspace.path(), &["ls-remote", &other]);
                assert_ne!(refused.status, 0, "GitHub refuses another workspace's repository");
            });
        }
    });
    assert_eq!(github.mints(), WORKSPACES);
    let log = running.stderr_so_far();
    assert!(github.minted_tokens().iter().all(|token| !log.contains(token)));
}
