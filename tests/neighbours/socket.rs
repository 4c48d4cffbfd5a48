//! The broker's Unix socket among other users.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::process::Signal;

use crate::common::{app_sandbox, message};
use crate::support::github::LoopbackGitHub;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;
use crate::support::users::{Common, User, give, victim_and_attacker};

/// A sandbox of a user's with an App, for the binary that all can run.
fn server_of(user: User, common: &Common) -> (LoopbackGitHub, Sandbox) {
    let (github, app) = app_sandbox();
    let sandbox = common.sandbox_of(user);
    for name in ["GITHUB_APP_HOST", "GITHUB_APP_CLIENT_ID"] {
        sandbox.set_env(name, &app.env()[std::ffi::OsStr::new(name)]);
    }
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    let key = sandbox.write_private("app.pem", crate::support::keys::app_key_pem());
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", key);
    user.own(sandbox.path());
    (github, sandbox)
}

/// A user's helper asks the broker on a socket.
fn ask(user: User, common: &Common, socket: &Path) -> Output {
    let sandbox = common.sandbox_of(user);
    let broker = format!("--broker-url=unix:{}", socket.display());
    user.run(&sandbox, common.binary(), &["--timeout=1s", &broker, "token"]).run()
}

fn serve(user: User, sandbox: &Sandbox, socket: &Path) -> crate::support::process::Run {
    let listen = format!("--listen=unix:{}", socket.display());
    // With no mask at all, every bit of the mode is the program's own doing.
    let script = format!("umask 0; exec \"$1\" serve {listen}");
    user.run(sandbox, "sh", &["-c", &script, "sh", &sandbox.binary().to_string_lossy()])
}

#[test]
fn nobody_else_can_use_or_replace_the_socket() {
    let Some((victim, attacker)) = victim_and_attacker() else { return };
    let common = Common::new();
    let (_github, sandbox) = server_of(victim, &common);
    let socket = common.directory("shared", 0o1777).join("broker.sock");
    let mut running = serve(victim, &sandbox, &socket).spawn();
    running.wait_for_stderr("listening on unix:");
    assert_eq!(fs::symlink_metadata(&socket).expect("the socket").mode() & 0o777, 0o600);
    assert_eq!(ask(victim, &common, &socket).status, 0, "its owner is served");
    let refused = ask(attacker, &common, &socket);
    refused.fails_with(5);
    assert!(message(&refused).contains("Permission denied"), "{}", refused.stderr);
    let lair = common.sandbox_of(attacker);
    // To a directory on the same disk: mv would leave a copy on another one.
    let away = format!("mv -t {}", lair.home().display());
    for command in ["rm -f", "chmod 777", &away] {
        assert!(!attacker.can(&lair, &format!("{command} {}", socket.display())), "{command}");
    }
    // A second broker at the same place, of the attacker's: it neither starts nor takes the first one away.
    let (_other, hostile) = server_of(attacker, &common);
    serve(attacker, &hostile, &socket).run().fails_with(3);
    assert_eq!(ask(victim, &common, &socket).status, 0);
    running.signal(Signal::TERM);
    running.wait().success();
    assert!(!socket.exists(), "it is taken away at the end");
}

#[test]
fn what_the_attacker_has_put_in_the_sockets_place_is_neither_followed_nor_served_from() {
    let Some((victim, attacker)) = victim_and_attacker() else { return };
    let common = Common::new();
    let (_github, sandbox) = server_of(victim, &common);
    let shared = common.directory("shared", 0o1777);
    let target = sandbox.home().join("target");
    let listening = UnixListener::bind(shared.join("listening")).expect("a new socket");
    drop(UnixListener::bind(shared.join("stale")).expect("a new socket"));
    symlink(&target, shared.join("dangling")).expect("a link");
    fs::write(shared.join("file"), "kept").expect("a new file");
    for name in ["listening", "stale", "dangling", "file"] {
        let place = shared.join(name);
        std::os::unix::fs::lchown(&place, Some(attacker.id()), Some(attacker.id())).expect("root gives");
        let output = serve(victim, &sandbox, &place).run();
        output.fails_with(3);
        assert!(
            message(&output).starts_with(&format!("listen on {}: ", place.display())),
            "{}",
            output.stderr
        );
        assert!(place.symlink_metadata().is_ok(), "{name} is as it was");
    }
    assert!(!target.exists(), "no socket behind the link");
    assert_eq!(fs::read_to_string(shared.join("file")).expect("a file"), "kept");
    drop(listening);
}

#[test]
fn a_directory_that_others_may_change_is_no_place_for_a_socket() {
    let Some((victim, _)) = victim_and_attacker() else { return };
    let common = Common::new();
    let (_github, sandbox) = server_of(victim, &common);
    for bits in [0o777, 0o770] {
        let place = common.directory(&format!("place-{bits:o}"), bits);
        give(&place, victim);
        let output = serve(victim, &sandbox, &place.join("broker.sock")).run();
        output.fails_with(3);
        assert!(message(&output).contains("others may change its directory"), "{}", output.stderr);
        assert!(!place.join("broker.sock").exists());
    }
}
