//! The broker: bearers, a service of systemd, a deployment on Kubernetes.

use super::pod::{Pod, Secret, world_for_all};
use super::world::World;
use super::yaml;
use crate::serve::port;
use crate::support::http_client::get;
use crate::support::keys::app_key_pem;
use crate::support::needs::SYSTEMD_ANALYZE;
use crate::support::process::{Output, Running};
use crate::support::sandbox::shell_word;

/// The bearer whose hash is in the documents' line.
const BEARER: &str = "test";
const ROUTE: &str = "/workspaces/ws-1/github-installation-token";

/// A workspace's helper asks the broker.
fn ask(world: &World, url: &str, bearer: &str) -> Output {
    let configs = world.sandbox.path().join("configs");
    world.sandbox.write_private("configs/.auth_token", bearer);
    let token = world.sh("git-credential-github-app --source=broker token").env("CONFIGS_DIR", configs);
    token.env("PLATFORM_URL", url).env("WORKSPACE_ID", "ws-1").run()
}

/// Starts a server of a recipe's words on a free port of this machine.
fn start(world: &World, words: &str) -> (Running, u16) {
    let mut running = world.sh(&format!("exec {words}")).spawn();
    let log = running.wait_for_stderr("listening on ");
    assert!(!log.contains("warning"), "{log}");
    (running, port(&log))
}

/// A new bearer, and a server that knows it.
pub fn bearers(recipe: &str) {
    let world = World::configured("OWNER", &["REPO"]);
    let (hash, serve) = recipe.trim_end().rsplit_once('\n').expect("two lines");
    let made = world.sh(hash).run();
    let bearer = made.success().stderr.split_whitespace().last().expect("a bearer").to_owned();
    let (_running, port) = start(&world, &format!("{serve} --listen 127.0.0.1:0"));
    let output = ask(&world, &format!("http://127.0.0.1:{port}"), &bearer);
    assert_eq!(output.success().stderr, "");
    assert_eq!(world.github.live_tokens(), [output.stdout.trim()]);
}

/// The line of a bearer that may have little.
pub fn line(recipe: &str) {
    let world = World::configured("acme", &["website", "docs"]);
    world.sandbox.write_private("home/bearers", recipe);
    let (_running, port) =
        start(&world, "git-credential-github-app serve --listen 127.0.0.1:0 --bearer-file bearers");
    assert_eq!(get(port, ROUTE, BEARER, "").status, 200);
    for beyond in ["?repository=docs", "?permission=contents=admin", "?owner=other"] {
        assert_eq!(get(port, &format!("{ROUTE}{beyond}"), BEARER, "").status, 403, "{beyond}");
    }
    let admin = get(port, "/admin/github-installation-token", BEARER, "");
    assert_eq!(admin.status, 403);
}

/// A unit, run as systemd would run it.
pub fn unit(recipe: &str) {
    let world = World::new("OWNER", &["REPO"]);
    let values = |key: &str| {
        let lines = recipe.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        lines.map(str::to_owned).collect::<Vec<String>>()
    };
    let credentials = world.sandbox.path().join("credentials");
    let place = credentials.display().to_string();
    for credential in values("LoadCredential") {
        let (name, from) = credential.split_once(':').expect("a name and a file");
        let content = match from {
            "/etc/github-app/key.pem" => app_key_pem().to_owned(),
            "/etc/github-app/bearers" => {
                super::documents::text("ws-1 sha256:").replace("acme", "OWNER").replace("website", "REPO")
            }
            _ => panic!("what is {from}?"),
        };
        world.sandbox.write_private(&format!("credentials/{name}"), content);
    }
    for variable in values("Environment") {
        let (name, value) = variable.split_once('=').expect("a variable");
        world.sandbox.set_env(name, value.replace("%d", &place));
    }
    let [command] = values("ExecStart").try_into().expect("one command");
    let command = command.replace("${CREDENTIALS_DIRECTORY}", &shell_word(&place));
    let (mut running, port) = start(&world, &command.replace(":8080", ":0"));
    let output = ask(&world, &format!("http://127.0.0.1:{port}"), BEARER);
    assert_eq!(output.success().stderr, "");
    let [reload] = values("ExecReload").try_into().expect("one command");
    world.sh(&reload.replace("$MAINPID", &running.id().to_string())).run().success();
    running.wait_for_stderr("read the settings, the key and the CAs again");
    verified_by_systemd(&world, recipe);
}

/// Where systemd is, it knows every word of the unit.
fn verified_by_systemd(world: &World, recipe: &str) {
    if SYSTEMD_ANALYZE.is_met() {
        let text = recipe.replace("/usr/local/bin/git-credential-github-app", "/bin/true");
        let file = world.sandbox.write("github-app-broker.service", text);
        let check =
            world.sandbox.command("systemd-analyze", &["--man=no", "verify", &file.to_string_lossy()]).run();
        assert!(!check.stderr.contains("github-app-broker"), "{}", check.stderr);
    }
}

/// A deployment and its network policy.
pub fn deployment(recipe: &str) {
    let (deployment, policy) = recipe.split_once("---\n").expect("two documents");
    let (deployment, policy) = (yaml::read(deployment), yaml::read(policy));
    let template = &deployment["spec"]["template"];
    for selector in [&deployment["spec"]["selector"], &policy["spec"]["podSelector"]] {
        assert_eq!(selector["matchLabels"], template["metadata"]["labels"]);
    }
    let container = &template["spec"]["containers"][0];
    for (probe, path) in [("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")] {
        let get = &container[probe]["httpGet"];
        assert_eq!(
            (&get["path"], &get["port"], &get["scheme"]),
            (&path.into(), &8443.into(), &"HTTPS".into())
        );
    }
    assert_eq!(policy["spec"]["ingress"][0]["ports"][0]["port"], 8443);

    let Some(place) = world_for_all("OWNER", &["REPO"]) else { return };
    let (certificate, key) = (place.0.ca.certificate_pem().to_owned(), place.0.ca.key_pem().to_owned());
    let hash =
        place.0.sh("git-credential-github-app serve hash-bearer ws-1").stdin("a-long-enough-bearer").run();
    let secrets: [Secret; 2] = [
        ("github-app", &[("key.pem", app_key_pem()), ("bearers", &hash.success().stdout)]),
        ("github-app-broker-tls", &[("tls.crt", &certificate), ("tls.key", &key)]),
    ];
    let pod = Pod::start(place, &template["spec"], &secrets);
    let args: Vec<String> = container["args"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|arg| pod.inside(arg.as_str().expect("text")).replace("0.0.0.0:8443", "127.0.0.1:0"))
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut running = pod.run(pod.world.sandbox.binary(), &args).spawn();
    let log = running.wait_for_stderr("listening on ");
    assert!(!log.contains("warning"), "{log}");
    let output = ask(&pod.world, &format!("https://localhost:{}", port(&log)), "a-long-enough-bearer");
    assert_eq!(output.success().stderr, "");
    let log = running.stderr_so_far();
    assert!(!log.contains("everybody") && !log.contains("warning"), "{log}");
}
