//! Several hosts and Apps in one settings file: each request is answered by the profile of its host and owner.

use std::path::Path;

use serde_json::Value;

use crate::common::{configure_app, message, password, request_for};
use crate::support::github::{LoopbackGitHub, Options};
use crate::support::keys::app_key_pem;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;
use crate::support::strace;

mod real;

/// Two hosts and three Apps: `one` for octo-org and `two` for all others at the first, `three` at the second.
struct World {
    first: LoopbackGitHub,
    second: LoopbackGitHub,
    sandbox: Sandbox,
}

fn github(issuers: &[&str], owners: &[(u64, &str)]) -> LoopbackGitHub {
    let issuers = issuers.iter().map(|issuer| (*issuer).to_owned()).collect();
    let github = LoopbackGitHub::start(Options { issuers, ..Options::default() });
    for (id, owner) in owners {
        github.add_installation(*id, owner);
        github.create_repository(owner, "hello");
        github.commit_file(owner, "hello", "README.md", b"hello\n");
    }
    github
}

impl World {
    fn new() -> Self {
        let first = github(&["Iv-one", "Iv-two"], &[(7, "octo-org"), (8, "beta-org")]);
        let second = github(&["Iv-three"], &[(9, "gamma")]);
        let sandbox = Sandbox::new();
        let key = sandbox.write_private("app.pem", app_key_pem());
        let world = Self { first, second, sandbox };
        world.write_settings(&format!(
            "private_key_file = \"{}\"\n[profile.one]\nhost = \"{first}\"\napp_id = \"Iv-one\"\nowners = [\"octo-org\"]\n\
             [profile.two]\nhost = \"{first}\"\napp_id = \"Iv-two\"\n\
             [profile.three]\nhost = \"{second}\"\napp_id = \"Iv-three\"\n",
            key.display(),
            first = world.first.url(),
            second = world.second.url(),
        ));
        world
    }

    fn write_settings(&self, text: &str) {
        let dir = self.sandbox.home().join(".config/git-credential-github-app");
        std::fs::create_dir_all(&dir).expect("a directory of ours");
        std::fs::write(dir.join("config.toml"), text).expect("a file of ours");
    }

    fn get(&self, github: &LoopbackGitHub, path: &str) -> Output {
        self.sandbox.helper(&["get"]).stdin(request_for(github, path)).run()
    }

    fn token(&self, cwd: &Path, args: &[&str]) -> Output {
        self.sandbox.helper(&[args, &["token"]].concat()).cwd(cwd).run()
    }
}

/// Which Apps have minted, by the issuers of their JWTs.
fn issuers(github: &LoopbackGitHub) -> Vec<String> {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let api = github.api_requests();
    let mints = api.iter().filter(|seen| seen.target.ends_with("/access_tokens"));
    let issuer = |jwt: &str| {
        let claims = engine.decode(jwt.split('.').nth(1)?).ok()?;
        Some(serde_json::from_slice::<Value>(&claims).ok()?["iss"].as_str()?.to_owned())
    };
    mints.filter_map(|seen| issuer(seen.header("authorization")?.strip_prefix("Bearer ")?)).collect()
}

#[test]
fn the_profile_of_host_and_owner_answers_and_no_other() {
    let world = World::new();
    password(&world.get(&world.first, "octo-org/hello"));
    password(&world.get(&world.first, "OCTO-ORG/hello"));
    password(&world.get(&world.first, "beta-org/hello"));
    password(&world.get(&world.second, "gamma/hello"));
    assert_eq!(issuers(&world.first), ["Iv-one", "Iv-two"], "a listed owner before an unlisted one");
    assert_eq!(issuers(&world.second), ["Iv-three"]);
    let foreign = world.sandbox.helper(&["get"]).stdin("protocol=https\nhost=gitlab.com\n").run();
    foreign.expect(0, "", "");
    let github_com = world.sandbox.helper(&["get"]).stdin("protocol=https\nhost=github.com\n").run();
    github_com.expect(0, "", "");
}

#[test]
fn profiles_that_fit_alike_are_an_error_that_names_both() {
    let world = World::new();
    let host = world.first.url();
    world.write_settings(&format!(
        "private_key_file = \"/k\"\n[profile.a]\nhost = \"{host}\"\napp_id = \"1\"\n[profile.b]\nhost = \"{host}\"\napp_id = \"2\"\n"
    ));
    let hint = "hint: choose one with --profile, --host or --owner, or give each profile its owners in the settings file\n";
    let get = world.get(&world.first, "octo-org/hello");
    let lines = format!("git-credential-github-app: several profiles fit for octo-org: a, b\n{hint}");
    get.expect(0, "quit=1\n", &lines);
    let lines = format!("git-credential-github-app: several profiles fit: a, b\n{hint}");
    world.token(world.sandbox.path(), &[]).expect(3, "", &lines);
}

#[test]
fn commands_take_the_profile_that_is_named_or_that_host_and_owner_choose() {
    let world = World::new();
    let cwd = world.sandbox.path();
    let (first, second) = (world.first.url(), world.second.url());
    for (args, issuer) in [
        (&["--profile", "one", "--owner", "octo-org"][..], "Iv-one"),
        (&["--profile", "two", "--owner", "beta-org"], "Iv-two"),
        (&["--host", &second], "Iv-three"),
        (&["--owner", "octo-org"], "Iv-one"),
        (&["--host", &first, "--owner", "beta-org"], "Iv-two"),
    ] {
        let before = (issuers(&world.first), issuers(&world.second));
        world.token(cwd, &[args, &["--no-cache"]].concat()).success();
        let minted =
            [&issuers(&world.first)[before.0.len()..], &issuers(&world.second)[before.1.len()..]].concat();
        assert_eq!(minted, [issuer], "{args:?}");
    }
    let by_variable = world.sandbox.helper(&["token"]).env("GITHUB_APP_PROFILE", "three").run();
    by_variable.success();
    for (args, status, text) in [
        (&["--profile", "four"][..], 2, "option --profile: no profile four"),
        (
            &["--profile", "three", "--host", "ghe.example.com"],
            3,
            "no profile of the settings file is for ghe.example.com",
        ),
        (&["--host", "ghe.example.com"], 3, "no profile of the settings file is for ghe.example.com"),
        (&[], 3, "several profiles fit: two, three"),
        (
            &["--profile", "one", "--app-id", "Iv-two"],
            2,
            "option --profile names a profile, and option --app-id another source",
        ),
    ] {
        let output = world.token(cwd, args);
        assert_eq!((output.status, output.stdout.as_str()), (status, ""), "{args:?}: {}", output.stderr);
        assert!(
            message(&output).starts_with(text) && output.stderr.contains("\nhint: "),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn an_app_of_the_environment_is_a_profile_of_its_own() {
    let world = World::new();
    configure_app(&world.sandbox, &world.second);
    world.sandbox.set_env("GITHUB_APP_CLIENT_ID", "Iv-three");
    password(&world.get(&world.second, "gamma/hello"));
    world.get(&world.first, "octo-org/hello").expect(0, "", "");
    // A profile that is named on the command line beats it, one that the environment names as well does not.
    world.token(world.sandbox.path(), &["--profile", "one", "--owner", "octo-org"]).success();
    assert_eq!(issuers(&world.first), ["Iv-one"]);
    let both = world.sandbox.helper(&["token"]).env("GITHUB_APP_PROFILE", "one").run();
    assert_eq!(
        message(&both),
        "environment variable GITHUB_APP_PROFILE names a profile, and environment variable GITHUB_APP_CLIENT_ID another source of tokens"
    );
    assert_eq!(both.status, 3);
}

#[test]
fn a_profile_is_checked_like_the_rest_of_the_file() {
    let world = World::new();
    for (text, wrong) in [
        ("[profile.one]\nap_id = 1\n", "unknown key profile.one.ap_id"),
        ("[profile.\"a b\"]\nowners = [\"x\"]\n", "bad profile name a b"),
        ("profile = 3\n", "profile is not a table"),
        ("[profile]\none = 3\n", "profile one is not a table"),
        ("[profile.one]\nowners = [\"a/b\"]\n", "key profile.one.owners in "),
        ("[profile.one]\nhost = \"http://github.com\"\n", "key profile.one.host in "),
    ] {
        world.write_settings(text);
        let output = world.token(world.sandbox.path(), &[]);
        assert!(output.fails_with(3).stderr.contains(wrong), "{text}: {}", output.stderr);
        let get = world.sandbox.helper(&["get"]).stdin("protocol=https\nhost=github.com\n").run();
        assert!(get.stdout == "quit=1\n" && get.stderr.contains(wrong), "{text}: {}", get.stderr);
    }
}

#[test]
fn status_shows_every_profile() {
    let world = World::new();
    password(&world.get(&world.second, "gamma/hello"));
    let text = world.sandbox.helper(&["status"]).run();
    for line in [
        "profile one",
        "profile two",
        "profile three",
        "    app_id Iv-two (settings file)",
        "    owners octo-org (settings file)",
    ] {
        assert!(
            text.success().stdout.lines().any(|shown| shown.split_whitespace().eq(line.split_whitespace())),
            "{line}\n{}",
            text.stdout
        );
    }
    let json = world.sandbox.helper(&["status", "--json"]).run();
    let json: Value = serde_json::from_str(&json.success().stdout).expect("JSON");
    let names: Vec<&str> = json["profiles"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["profile"].as_str())
        .collect();
    assert_eq!(names, ["one", "two", "three"]);
    assert_eq!(json["tokens"].as_array().map(Vec::len), Some(1), "one cache, listed once");
}

#[test]
fn doctor_checks_every_profile() {
    let world = World::new();
    let text = world.sandbox.helper(&["doctor", "--json"]).run();
    let json: Value = serde_json::from_str(&text.stdout).expect("JSON");
    let checks = json["checks"].as_array().expect("a list");
    let apps: Vec<&str> = checks
        .iter()
        .filter(|check| check["name"] == "App")
        .filter_map(|check| check["message"].as_str())
        .collect();
    assert_eq!(apps.len(), 3, "{checks:?}");
}

#[test]
fn refresh_all_renews_the_tokens_of_every_profile() {
    let world = World::new();
    world.first.set_token_life(600);
    world.second.set_token_life(600);
    password(&world.get(&world.first, "octo-org/hello"));
    password(&world.get(&world.second, "gamma/hello"));
    world.first.set_token_life(3600);
    world.second.set_token_life(3600);
    world.sandbox.helper(&["refresh", "--all"]).run().expect(0, "", "");
    assert_eq!(issuers(&world.first), ["Iv-one", "Iv-one"]);
    assert_eq!(issuers(&world.second), ["Iv-three", "Iv-three"]);
}

#[test]
fn revoke_ends_the_tokens_of_every_host() {
    let world = World::new();
    password(&world.get(&world.first, "octo-org/hello"));
    password(&world.get(&world.second, "gamma/hello"));
    world.sandbox.helper(&["revoke", "--host", &world.second.url()]).run().expect(0, "", "");
    assert_eq!((world.first.live_tokens().len(), world.second.live_tokens().len()), (1, 0));
    world.sandbox.helper(&["revoke", "--all"]).run().expect(0, "", "");
    assert_eq!(world.first.live_tokens().len(), 0);
}

#[test]
fn a_hit_reads_one_settings_file_and_one_entry() {
    let world = World::new();
    password(&world.get(&world.first, "beta-org/hello"));
    let request = request_for(&world.first, "beta-org/hello");
    let Some(opened) = strace::opened(&world.sandbox, &["get"], &request) else { return };
    let home = world.sandbox.home().to_string_lossy().into_owned();
    let ours: Vec<&String> = opened.iter().filter(|path| path.starts_with(&home)).collect();
    let settings = ours.iter().filter(|path| path.ends_with("config.toml")).count();
    let entries = ours.iter().filter(|path| path.contains(".json")).count();
    assert_eq!((settings, entries, ours.len()), (1, 1, 2), "{ours:?}");
}
