//! SIGHUP: everything that comes from files is read again, and what cannot be used changes nothing.

use std::fs;

use rustix::process::Signal;

use super::{ADMIN, Server, line, port};
use crate::common::{app_sandbox, tls_github};
use crate::support::github::CLIENT_ID;
use crate::support::http_client::get;
use crate::support::keys::{app_key_pem, other_key_pem};
use crate::support::process::Running;
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;

const AGAIN: &str = "read the settings, the key and the CAs again";

/// Tells it, and waits until it has said so often what it says in the end.
fn hang_up(running: &mut Running, said: &str, times: usize) -> String {
    running.signal(Signal::HUP);
    loop {
        let log = running.wait_for_stderr(said);
        if log.matches(said).count() >= times {
            return log;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
}

/// The status of a request for a scope that was not requested before.
fn mint(port: u16, number: usize) -> u16 {
    let permission = ["contents=read", "contents=write", "issues=read", "pull_requests=read"][number];
    get(port, &format!("{ADMIN}?permission={permission}"), "admin", "").status
}

/// A broker with its settings in a file.
fn serve(sandbox: &Sandbox) -> (Running, u16) {
    sandbox.write_private("bearers", line(sandbox, "admin", "admin", ""));
    let args = ["--config=config.toml", "serve", "--listen=127.0.0.1:0", "--bearer-file=bearers"];
    let mut running = sandbox.helper(&args).spawn();
    let port = port(&running.wait_for_stderr("listening on "));
    (running, port)
}

#[test]
fn it_ends_nothing_and_bearers_are_read_again_at_once() {
    let mut server = Server::start();
    let before = get(server.port, ADMIN, "admin", "");
    assert_eq!(before.status, 200);
    hang_up(&mut server.running, AGAIN, 1);
    assert_eq!(get(server.port, ADMIN, "admin", "").body, before.body, "tokens stay");
    server.sandbox.write_private("bearers", line(&server.sandbox, "other", "other", ""));
    let log = hang_up(&mut server.running, AGAIN, 2);
    assert!(log.contains("read bearer file bearers again: 1 bearer"), "{log}");
    assert_eq!(get(server.port, ADMIN, "admin", "").status, 401);
    let other = get(server.port, ADMIN, "other", "");
    assert_eq!((other.status, server.github.mints()), (200, 2), "it has a token of its own");
    assert_ne!(other.body, before.body);
    server.running.signal(Signal::TERM);
    assert_eq!(server.running.wait().status, 0);
}

#[test]
fn the_settings_and_the_key_that_they_name_are_read_again() {
    let (github, sandbox) = app_sandbox();
    for name in ["GITHUB_APP_HOST", "GITHUB_APP_CLIENT_ID", "GITHUB_APP_PRIVATE_KEY_FILE"] {
        sandbox.remove_env(name);
    }
    sandbox.write_private("old.pem", other_key_pem());
    sandbox.write_private("new.pem", app_key_pem());
    let settings = |key: &str, more: &str| {
        let (host, issuer) = (github.url(), CLIENT_ID);
        let text = format!(
            "host = \"{host}\"\napp_id = \"{issuer}\"\nprivate_key_file = \"{key}\"\nowner = \"octo-org\"\n{more}"
        );
        sandbox.write_private("config.toml", text);
    };
    settings("old.pem", "");
    let (mut running, port) = serve(&sandbox);
    assert_eq!(mint(port, 0), 500, "the key of another App");
    settings("new.pem", "");
    hang_up(&mut running, AGAIN, 1);
    assert_eq!(mint(port, 1), 200);

    for (times, (key, more, complaint)) in [
        ("new.pem", "colour = \"red\"\n", "unknown key colour"),
        ("missing.pem", "", "read private key "),
        ("new.pem", "repository = [\"hello\"]\n", "which takes a restart"),
        ("new.pem", "margin = [\n", "config.toml"),
    ]
    .into_iter()
    .enumerate()
    {
        settings(key, more);
        let kept = "; continuing with the settings as they were\n";
        let log = hang_up(&mut running, kept, times + 1);
        assert!(log.contains(complaint), "{complaint}: {log}");
        assert_eq!(mint(port, 1), 200);
    }
    // They count for new tokens too.
    assert_eq!(mint(port, 2), 200);
    settings("new.pem", "");
    fs::remove_file(sandbox.path().join("config.toml")).expect("a file of ours");
    let log = hang_up(&mut running, "; continuing with the settings as they were\n", 5);
    assert!(log.contains("config.toml"), "{log}");
    assert_eq!(mint(port, 3), 200);
    assert!(!log.contains("BEGIN"), "{log}");
}

#[test]
fn a_new_ca_and_another_github_count_after_it_and_old_tokens_do_not() {
    let (first, second) = (TestCa::new(), TestCa::new());
    let (old, new) = (tls_github(&first), tls_github(&second));
    let sandbox = Sandbox::new();
    sandbox.write_private("app.pem", app_key_pem());
    for (name, ca) in [("first", &first), ("second", &second)] {
        let pem = fs::read(ca.ca_pem_path(sandbox.path())).expect("a CA");
        sandbox.write(&format!("{name}.pem"), pem);
    }
    let settings = |github: &str, ca: &str| {
        let text = format!(
            "host = \"{}\"\napi_url = \"{github}/api/v3\"\napp_id = \"{CLIENT_ID}\"\nprivate_key_file = \"app.pem\"\n\
             owner = \"octo-org\"\nca_file = \"{ca}.pem\"\nverify = false\n",
            github.trim_start_matches("https://")
        );
        sandbox.write_private("config.toml", text);
    };
    settings(&old.url(), "first");
    let (mut running, port) = serve(&sandbox);
    let before = get(port, ADMIN, "admin", "");
    assert_eq!(before.status, 200, "{}", running.stderr_so_far());
    settings(&new.url(), "second");
    hang_up(&mut running, AGAIN, 1);
    let after = get(port, ADMIN, "admin", "");
    assert_eq!(after.status, 200, "{}", running.stderr_so_far());
    assert_ne!(after.body, before.body);
    assert_eq!((old.mints(), new.mints()), (1, 1));
    settings(&new.url(), "missing");
    let log = hang_up(&mut running, "; continuing with the settings as they were\n", 1);
    assert!(log.contains("missing.pem"), "{log}");
}
