//! The real gh, where it is installed: `token` is what `gh auth login --with-token` wants to read.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use crate::common::app_sandbox;
use crate::support::needs::GH;

const HOST: &str = "ghe.test";

/// gh's `http_unix_socket` is how it can be pointed at a loopback server: what arrives there goes to the port.
fn forward(socket: &Path, port: u16) {
    let listener = UnixListener::bind(socket).expect("a new socket");
    thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", port))) else { return };
            pump(client, server);
        }
    });
}

fn pump(client: UnixStream, server: TcpStream) {
    let (mut from_client, mut to_client) = (client.try_clone().expect("a handle"), client);
    let (mut from_server, mut to_server) = (server.try_clone().expect("a handle"), server);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    thread::spawn(move || {
        let _ = io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Write);
    });
}

#[test]
fn gh_logs_in_with_what_token_prints() {
    let (github, sandbox) = app_sandbox();
    let Some(gh) = GH.find() else { return };
    let socket = sandbox.path().join("gh.sock");
    forward(&socket, github.server().port());
    sandbox.set_env("GH_CONFIG_DIR", sandbox.path().join("gh"));
    sandbox.set_env("GH_PROMPT_DISABLED", "1");
    sandbox
        .write_private("gh/config.yml", format!("version: \"1\"\nhttp_unix_socket: {}\n", socket.display()));
    let token = sandbox.helper(&["token"]).run().success().stdout.clone();
    assert_eq!(token.lines().count(), 1);
    let login = ["auth", "login", "--hostname", HOST, "--with-token"];
    sandbox.command(&gh, &login).stdin(&token).run().success();
    let kept = sandbox.command(&gh, &["auth", "token", "--hostname", HOST]).run();
    assert!(kept.success().stdout == token, "gh keeps the token as it is");
}
