//! The broker's Unix socket among other users.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::process::Signal;

use crate::common::{app_sandbox, message};
use crate::serve::{ADMIN, line};
use crate::support::github::LoopbackGitHub;
use crate::support::http_client::get_unix;
use crate::support::needs::left_out;
use crate::support::process::{Output, Run, Running};
use crate::support::sandbox::Sandbox;
use crate::support::users::{Common, User, give, mode, victim_and_attacker};

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

fn serve(user: User, sandbox: &Sandbox, socket: &Path) -> Run {
    let listen = format!("--listen=unix:{}", socket.display());
    // With no mask at all, every bit of the mode is the program's own doing.
    let script = format!("umask 0; exec \"$1\" serve {listen}");
    user.run(sandbox, "sh", &["-c", &script, "sh", &sandbox.binary().to_string_lossy()])
}

#[test]
fn no_other_user_can_use_or_replace_the_socket() {
    let Some((victim, attacker)) = victim_and_attacker() else { return };
    let common = Common::new();
    let (_github, sandbox) = server_of(victim, &common);
    let socket = common.directory("shared", 0o1777).join("broker.sock");
    let mut running = serve(victim, &sandbox, &socket).spawn();
    running.wait_for_stderr("listening on unix:");
    assert_eq!(fs::symlink_metadata(&socket).expect("the socket").mode() & 0o777, 0o600);
    assert_eq!(ask(victim, &common, &socket).status, 0, "its owner is served");
    let lair = common.sandbox_of(attacker);
    let connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])";
    let refused = attacker.run(&lair, "python3", &["-c", connect, &socket.to_string_lossy()]).run();
    assert!(refused.stderr.contains("Permission denied"), "{}", refused.stderr);
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

/// Starts a broker of a user's on a socket that it inherits as systemd would hand it over.
fn serve_inherited(user: User, sandbox: &Sandbox, listener: UnixListener, args: &str) -> Run {
    let script = format!(
        "exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$1\" serve --listen=systemd {args}"
    );
    user.run(sandbox, "sh", &["-c", &script, "sh", &sandbox.binary().to_string_lossy()]).stdin_from(listener)
}

#[test]
fn without_bearers_an_inherited_socket_of_any_mode_serves_only_its_own_user_and_root() {
    let Some((victim, attacker)) = victim_and_attacker() else { return };
    let common = Common::new();
    let (github, sandbox) = server_of(victim, &common);
    let socket = common.directory("run", 0o755).join("broker.sock");
    let listener = UnixListener::bind(&socket).expect("a new socket");
    mode(&socket, 0o666);
    let mut running = serve_inherited(victim, &sandbox, listener, "").spawn();
    running.wait_for_stderr("listening on ");
    for (asker, own) in [(victim, true), (attacker, false)] {
        let output = ask(asker, &common, &socket);
        assert_eq!(output.status, if own { 0 } else { 4 }, "{asker:?}: {}", output.stderr);
        assert_eq!(output.stdout.is_empty(), !own);
    }
    assert_eq!(github.mints(), 1, "nothing was minted for the other one");
    let refused = ask(attacker, &common, &socket);
    assert!(message(&refused).contains("403: it refuses a request without a bearer"), "{}", refused.stderr);
    for (target, status) in [
        (ADMIN, 200),
        ("/workspaces/ws-1/github-installation-token", 200),
        ("/metrics", 200),
        ("/healthz", 200),
    ] {
        assert_eq!(get_unix(&socket, target).status, status, "root: {target}");
    }
    // A bearer of his choice helps him no more than a workspace of his choice.
    let lair = common.sandbox_of(attacker);
    let broker = format!("--broker-url=unix:{}", socket.display());
    let other_route = attacker.run(&lair, common.binary(), &["--timeout=1s", &broker, "token"]);
    let other_route = other_route.env("WORKSPACE_ID", "ws-1").env("GITHUB_APP_BROKER_TOKEN", "x").run();
    other_route.fails_with(4);
    let log = running.wait_for_stderr("/workspaces/ws-1/github-installation-token [-] 403");
    let (own, other) = (victim.id(), attacker.id());
    assert!(log.contains(&format!(" uid={own} - GET {ADMIN} [owner=octo-org] 200 ")), "{log}");
    assert!(log.contains(&format!(" uid={other} - GET {ADMIN} [-] 403 ")), "{log}");
}

#[test]
fn with_bearers_an_inherited_socket_serves_every_client_that_has_one() {
    let Some((victim, attacker)) = victim_and_attacker() else { return };
    let common = Common::new();
    let (_github, sandbox) = server_of(victim, &common);
    sandbox.write_private("bearers", line(&sandbox, "ws-1", "a-bearer-of-the-other-users", ""));
    victim.own(sandbox.path());
    let socket = common.directory("run", 0o755).join("broker.sock");
    let listener = UnixListener::bind(&socket).expect("a new socket");
    mode(&socket, 0o666);
    let mut running = serve_inherited(victim, &sandbox, listener, "--bearer-file=bearers").spawn();
    running.wait_for_stderr("listening on ");
    assert_eq!(ask(victim, &common, &socket).status, 4, "its own user needs one then, too");
    let client = common.sandbox_of(attacker);
    let broker = format!("--broker-url=unix:{}", socket.display());
    let asked = attacker.run(&client, common.binary(), &["--timeout=1s", &broker, "token"]);
    assert_eq!(asked.env("GITHUB_APP_BROKER_TOKEN", "a-bearer-of-the-other-users").run().status, 0);
}

#[test]
fn a_socket_path_planted_by_an_attacker_is_neither_followed_nor_served_from() {
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
fn a_socket_in_a_directory_that_others_may_change_is_refused() {
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

/// A broker of one user, with a bearer for all, on a socket that everyone can connect to.
struct Shared {
    github: LoopbackGitHub,
    running: Running,
    _sandbox: Sandbox,
}

const BEARER: &str = "bearer-for-all-users";

impl Shared {
    fn start(user: User, common: &Common, socket: &Path) -> Self {
        let (github, sandbox) = server_of(user, common);
        sandbox.write_private("bearers", crate::serve::line(&Sandbox::new(), "all", BEARER, ""));
        user.own(sandbox.path());
        let listen = format!("--listen=unix:{}", socket.display());
        let args = ["serve", &listen, "--bearer-file=bearers"];
        let mut running = user.run(&sandbox, sandbox.binary(), &args).spawn();
        running.wait_for_stderr("listening on unix:");
        mode(socket, 0o666);
        Self { github, running, _sandbox: sandbox }
    }

    /// Stops it; it has received no request.
    fn was_not_asked(mut self) {
        self.running.signal(Signal::TERM);
        self.running.wait_for_stderr("stopped");
        let log = self.running.stderr_so_far();
        assert!(!log.contains("GET "), "{log}");
        assert_eq!(self.github.mints(), 0);
    }
}

/// A user's helper asks with the bearer.
fn ask_with_bearer(user: User, common: &Common, socket: &Path) -> Output {
    let sandbox = common.sandbox_of(user);
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN", BEARER);
    let broker = format!("--broker-url=unix:{}", socket.display());
    user.run(&sandbox, common.binary(), &["--no-cache", "--timeout=2s", &broker, "token"]).run()
}

const CURE: &str = "\nhint: let the broker listen where only root and its own user may write, such as in a directory of its own below /run; or run it as you\n";

#[test]
fn no_bearer_goes_to_a_socket_that_another_user_could_have_put_there() {
    let Some((victim, attacker)) = victim_and_attacker() else { return };
    let common = Common::new();
    let shared = common.directory("shared", 0o1777);
    let lair = common.directory("lair", 0o755);
    give(&lair, attacker);
    // His own in a directory of all, one in a directory of his own there, and a link of his to that.
    let (plain, inside, link) = (shared.join("broker.sock"), lair.join("broker.sock"), shared.join("link"));
    let brokers = [&plain, &inside].map(|socket| Shared::start(attacker, &common, socket));
    symlink(&lair, &link).expect("a link");
    std::os::unix::fs::lchown(&link, Some(attacker.id()), None).expect("root gives links away");
    for socket in [&plain, &inside, &link.join("broker.sock")] {
        let output = ask_with_bearer(victim, &common, socket);
        assert_eq!((output.status, output.stdout.as_str()), (3, ""), "{}", output.stderr);
        let (shown, who) = (socket.display(), attacker.id());
        let cause = format!(
            "fetch a token from unix:{shown}: the socket belongs to another user (user ID {who}), and others may change /"
        );
        assert!(message(&output).starts_with(&cause), "{}", output.stderr);
        assert!(message(&output).ends_with(" (mode 1777)"), "{}", output.stderr);
        assert!(output.stderr.ends_with(CURE), "{}", output.stderr);
    }
    for broker in brokers {
        broker.was_not_asked();
    }
}

#[test]
fn no_bearer_goes_to_another_users_process_at_a_socket_of_roots() {
    let Some((victim, attacker)) = victim_and_attacker() else { return };
    let common = Common::new();
    let socket = common.directory("shared", 0o1777).join("broker.sock");
    let broker = Shared::start(attacker, &common, &socket);
    chown(&socket, Some(0), Some(0)).expect("root takes it");
    let output = ask_with_bearer(victim, &common, &socket);
    let (shown, who) = (socket.display(), attacker.id());
    output.expect(
        3,
        "",
        &format!(
            "git-credential-github-app: fetch a token from unix:{shown}: another user's process answers at the socket (user ID {who})\n\
             hint: run the broker as root, as the owner of its socket, or as you\n"
        ),
    );
    broker.was_not_asked();
}

#[test]
fn a_services_socket_is_used_in_a_directory_that_no_other_user_can_write_to() {
    let Some((victim, service)) = victim_and_attacker() else { return };
    let common = Common::new();
    let Ok(place) = tempfile::TempDir::with_prefix_in("github-app-", "/run") else {
        return left_out("there is no /run", "a socket in a directory of a service");
    };
    mode(place.path(), 0o755);
    give(place.path(), service);
    let socket = place.path().join("broker.sock");
    let broker = Shared::start(service, &common, &socket);
    assert_eq!(ask_with_bearer(victim, &common, &socket).success().stderr, "");
    assert_eq!(broker.github.mints(), 1);
    mode(place.path(), 0o775);
    let output = ask_with_bearer(victim, &common, &socket);
    output.fails_with(3);
    let words = format!("others may change {} (mode 775)", place.path().display());
    assert!(message(&output).ends_with(&words), "{}", output.stderr);
}
