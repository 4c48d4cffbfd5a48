//! The broker and its bearers.

use super::world::World;
use crate::serve::port;
use crate::support::http_client::get;
use crate::support::process::{Output, Running};

/// The bearer whose hash is in the documents' line.
pub const BEARER: &str = "test";
const ROUTE: &str = "/workspaces/ws-1/github-installation-token";

/// A workspace's helper asks the broker.
pub fn ask(world: &World, url: &str, bearer: &str) -> Output {
    let configs = world.sandbox.path().join("configs");
    world.sandbox.write_private("configs/.auth_token", bearer);
    let token = world.sh("git-credential-github-app --source=broker token").env("CONFIGS_DIR", configs);
    token.env("PLATFORM_URL", url).env("WORKSPACE_ID", "ws-1").run()
}

/// Starts a server of a recipe's words on a free port of this machine.
pub fn start(world: &World, words: &str) -> (Running, u16) {
    let mut running = world.sh(&format!("exec {words}")).spawn();
    let log = running.wait_for_stderr("listening on ");
    assert!(!log.contains("warning"), "{log}");
    (running, port(&log))
}

/// A workspace whose platform has set everything.
pub fn workspace(recipe: &str) {
    let world = World::configured("OWNER", &["REPO"]);
    let made = world.sh("umask 077; git-credential-github-app serve hash-bearer ws-1 >> bearers").run();
    let bearer = made.success().stderr.split_whitespace().last().expect("a bearer").to_owned();
    world.sandbox.write_private("configs/.auth_token", bearer);
    let (_running, port) =
        start(&world, "git-credential-github-app serve --listen 127.0.0.1:0 --bearer-file bearers");
    let configs = world.sandbox.path().join("configs");
    let run = world.sh(recipe).env("CONFIGS_DIR", configs).env("WORKSPACE_ID", "ws-1");
    let output = run.env("PLATFORM_URL", format!("http://127.0.0.1:{port}")).run();
    assert!(output.success().stdout.contains("broker"), "{}", output.stdout);
    assert_eq!(world.github.live_tokens().len(), 1, "the broker's");
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

/// The first look of the runbook; a stand-in for curl shows what the broker answers.
pub fn first_look(recipe: &str) {
    let world = World::configured("OWNER", &["REPO"]);
    let made = world.sh("umask 077; git-credential-github-app serve hash-bearer ws-1 >> bearers").run();
    let bearer = made.success().stderr.split_whitespace().last().expect("a bearer").to_owned();
    let (_running, port) =
        start(&world, "git-credential-github-app serve --listen 127.0.0.1:0 --bearer-file bearers");
    assert_eq!(get(port, ROUTE, &bearer, "").status, 200);
    for page in ["readyz", "metrics"] {
        let answer = get(port, &format!("/{page}"), "", "");
        world.sandbox.write_private(&format!("home/{page}"), format!("{}\n", answer.body));
    }
    world.stand_in("curl", r#"cat "$HOME/${2#http://127.0.0.1:8080/}""#);
    let seen = world.sh(recipe).run();
    let shown = [
        "{\"status\":\"ok\"}",
        "github_app_requests_total{status=\"200\"} 1",
        "github_app_mints_total{outcome=\"ok\"} 1",
        "github_app_mints_waiting 0",
        "github_app_installations_paused 0",
    ];
    let lines: Vec<&str> = seen.success().stdout.lines().collect();
    assert_eq!(shown.map(|line| lines.contains(&line)), [true; 5], "{lines:?}");
}
