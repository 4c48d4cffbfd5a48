//! The unit, run as systemd would run it.

use crate::common::from_now;
use crate::recipes::broker::{BEARER, ask, start};
use crate::recipes::documents;
use crate::recipes::world::World;
use crate::support::keys::app_key_pem;
use crate::support::needs::SYSTEMD_ANALYZE;
use crate::support::sandbox::shell_word;

const SERVICE: &str = include_str!("../../deploy/systemd/github-app-broker.service");
const SOCKET: &str = include_str!("../../deploy/systemd/github-app-broker.socket");
const PROGRAM: &str = "/usr/local/bin/git-credential-github-app";
/// Rules for a cluster that is not there: they are read, and this is all that is done with them.
const TRUST: &str = include_str!("../../deploy/kubernetes/broker/trust.toml");

fn values(key: &str) -> Vec<String> {
    let lines = SERVICE.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_unit_serves_with_what_systemd_gives_it_and_reloads() {
    let world = World::new("OWNER", &["REPO"]);
    let places = ["credentials", "logs"].map(|name| world.sandbox.path().join(name).display().to_string());
    let [credentials, logs] = &places;
    std::fs::create_dir(logs).expect("a new directory");
    for credential in values("LoadCredential") {
        let (name, from) = credential.split_once(':').expect("a name and a file");
        let content = match from {
            "/etc/github-app/key.pem" => app_key_pem().to_owned(),
            "/etc/github-app/bearers" => {
                documents::text("ws-1 sha256:").replace("acme", "OWNER").replace("website", "REPO")
            }
            _ => panic!("what is {from}?"),
        };
        world.sandbox.write_private(&format!("credentials/{name}"), content);
    }
    let trust = world.sandbox.write_private("trust.toml", TRUST).display().to_string();
    for variable in values("Environment") {
        let (name, value) = variable.split_once('=').expect("a variable");
        world.sandbox.set_env(name, value.replace("%d", credentials));
    }
    let [command] = values("ExecStart").try_into().expect("one command");
    let command = command
        .replace("${CREDENTIALS_DIRECTORY}", &shell_word(credentials))
        .replace("${LOGS_DIRECTORY}", &shell_word(logs))
        .replace("/etc/github-app/trust.toml", &shell_word(&trust));
    let listen = SOCKET.lines().find_map(|line| line.strip_prefix("ListenStream=")).expect("a place");
    assert_eq!(listen, "127.0.0.1:8080", "what the documents say");
    let (mut running, port) = start(&world, &command.replace("--listen systemd", "--listen 127.0.0.1:0"));
    let output = ask(&world, &format!("http://127.0.0.1:{port}"), BEARER);
    assert_eq!(output.success().stderr, "");
    let audit = std::fs::read_to_string(format!("{logs}/audit.log")).expect("an audit log");
    assert!(audit.contains("\"decision\":\"allow\"") && audit.contains(&from_now(0)[..10]), "{audit}");
    let [reload] = values("ExecReload").try_into().expect("one command");
    world.sh(&reload.replace("$MAINPID", &running.id().to_string())).run().success();
    running.wait_for_stderr("read the settings, the key and the CAs again");
}

#[test]
fn systemd_knows_every_word_of_the_units_and_finds_little_that_the_service_could_do_harm_with() {
    if !SYSTEMD_ANALYZE.is_met() {
        return;
    }
    let sandbox = crate::support::sandbox::Sandbox::new();
    let service = sandbox.write("github-app-broker.service", SERVICE.replace(PROGRAM, "/bin/true"));
    let socket = sandbox.write("github-app-broker.socket", SOCKET);
    let analyze = |args: &[&str]| sandbox.command("systemd-analyze", args).run();
    let (service, socket) = (service.display().to_string(), socket.display().to_string());
    let check = analyze(&["--man=no", "verify", &service, &socket]);
    assert!(!check.stderr.contains("github-app-broker"), "{}", check.stderr);
    // From 0 to 10, in tenths; what has to talk to the network does not come much lower.
    let security = analyze(&["security", "--offline=yes", "--threshold=15", "--no-pager", &service]);
    assert_eq!(security.status, 0, "{}{}", security.stdout, security.stderr);
}
