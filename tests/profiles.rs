//! Several hosts and Apps in one settings file: each request is answered by the profile of its host and owner.

use std::path::Path;

use serde_json::Value;

use crate::common::{Cloud, attribute, configure_app, message, password, request_for, targets};
use crate::support::gh::ghs;
use crate::support::git::gits;
use crate::support::github::{LoopbackGitHub, Options};
use crate::support::keys::app_key_pem;
use crate::support::namespace::mounting;
use crate::support::process::{Output, Run};
use crate::support::sandbox::Sandbox;
use crate::support::strace;

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
fn two_hosts_and_three_apps_serve_one_superproject_with_every_git() {
    for git in gits() {
        let World { first, second, sandbox } = &World::new();
        for github in [first, second] {
            sandbox.configure_helper(&github.url(), &[]);
        }
        let run = |cwd: &Path, args: &[&str]| {
            let allowed = ["-c", "protocol.file.allow=always"];
            git.command(sandbox, cwd, &[&allowed[..], args].concat()).success().stdout.clone()
        };
        run(sandbox.path(), &["clone", "-q", &first.clone_url("octo-org", "hello"), "work"]);
        let work = sandbox.path().join("work");
        run(&work, &["submodule", "--quiet", "add", &first.clone_url("beta-org", "hello"), "beta"]);
        run(&work, &["submodule", "--quiet", "add", &second.clone_url("gamma", "hello"), "gamma"]);
        run(&work, &["commit", "-q", "-m", "Add submodules"]);
        run(&work, &["push", "-q", "origin", "HEAD:main"]);
        let url = first.clone_url("octo-org", "hello");
        run(sandbox.path(), &["clone", "-q", "--recurse-submodules", &url, "again"]);
        assert!(sandbox.path().join("again/gamma/README.md").exists(), "{}", git.full_version());
        assert_eq!((issuers(first).len(), issuers(second).len()), (2, 1), "one mint an App");

        // In each clone the token is that of its owner's App.
        for (dir, github, installation) in
            [("again", first, 7), ("again/beta", first, 8), ("again/gamma", second, 9)]
        {
            let json = sandbox.helper(&["token", "--json"]).cwd(sandbox.path().join(dir)).run();
            let json: Value = serde_json::from_str(&json.success().stdout).expect("JSON");
            assert_eq!(
                (json["installation_id"].as_u64(), json["api_url"].as_str()),
                (Some(installation), Some(github.api_url().as_str())),
                "{dir}"
            );
            let show = ["exec", "--", "sh", "-c", "printf %s \"$GH_ENTERPRISE_TOKEN\""];
            let shown = sandbox.helper(&show).cwd(sandbox.path().join(dir)).run();
            assert_eq!(shown.success().stdout, json["token"].as_str().expect("a token"), "{dir}");
        }
        assert_eq!((issuers(first).len(), issuers(second).len()), (2, 1), "all from the cache");
        // With the host given, the clone still says whose it is.
        let by_host = ["--host", &first.url(), "token", "--json"];
        let json = sandbox.helper(&by_host).cwd(sandbox.path().join("again/beta")).run();
        let json: Value = serde_json::from_str(&json.success().stdout).expect("JSON");
        assert_eq!(json["installation_id"].as_u64(), Some(8));
        let json = sandbox.helper(&by_host).cwd(sandbox.path().join("again")).run();
        let json: Value = serde_json::from_str(&json.success().stdout).expect("JSON");
        assert_eq!(json["installation_id"].as_u64(), Some(7));
    }
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

#[test]
fn gh_is_logged_in_to_every_host_and_works_in_each_clone() {
    for gh in ghs() {
        let place = Cloud::new();
        let sandbox = &place.sandbox;
        sandbox.set_env("PATH", gh.path_variable());
        sandbox.remove_env("GITHUB_APP_CLIENT_ID");
        sandbox.remove_env("GITHUB_APP_PRIVATE_KEY_FILE");
        let text = format!(
            "private_key_file = \"{}\"\n[profile.cloud]\napp_id = \"{id}\"\n[profile.server]\nhost = \"ghe.test\"\napp_id = \"{id}\"\n",
            sandbox.path().join("app.pem").display(),
            id = crate::support::github::CLIENT_ID,
        );
        sandbox.set_env("GITHUB_APP_CONFIG", sandbox.write_private("config.toml", text));
        for host in ["https://github.com", "https://ghe.test"] {
            sandbox.configure_helper(host, &[]);
        }
        sandbox.helper(&["refresh", "--all", "--gh"]).run().expect(0, "", "");
        for host in ["github.com", "ghe.test"] {
            let kept = sandbox.command("gh", &["auth", "token", "--hostname", host]).run();
            assert!(place.github.live_tokens().contains(&kept.success().stdout.trim().to_owned()), "{host}");
            let url = format!("https://{host}/octo-org/hello");
            sandbox.command("git", &["clone", "-q", &url, host]).run().success();
            let api = ["exec", "--", "gh", "api", "repos/octo-org/hello", "--jq", ".name"];
            let shown = sandbox.helper(&api).cwd(sandbox.path().join(host)).run();
            shown.expect(0, "hello\n", "");
        }
        assert!(!targets(&place.github).is_empty());
    }
}

#[test]
fn the_machines_settings_are_read_after_the_users_own() {
    let world = World::new();
    let system = world.sandbox.write_private(
        "etc/config.toml",
        format!(
            "host = \"{}\"\napp_id = \"Iv-three\"\nprivate_key_file = \"{}\"\nmargin = \"9m\"\n",
            world.second.url(),
            world.sandbox.path().join("app.pem").display()
        ),
    );
    // Only in a mount namespace of its own is /etc nobody else's.
    let mount = format!(
        "mount -t tmpfs none /etc && mkdir /etc/git-credential-github-app && \
         cp {} /etc/git-credential-github-app/",
        system.display()
    );
    let prepare = || mounting(&world.sandbox, world.sandbox.binary(), &mount, "exec \"$0\" \"$@\"");
    if prepare().is_none() {
        return;
    }
    let run = |args: &[&str], input: &str| {
        args.iter().fold(prepare().expect("as before"), Run::arg).stdin(input).run()
    };
    world.write_settings("margin = \"10m\"\n");
    let output = run(&["-v", "get"], &request_for(&world.second, "gamma/hello"));
    assert!(attribute(&output, "password").is_some(), "{}", output.stderr);
    assert!(
        output.stderr.contains("setting margin from key margin in ")
            && output.stderr.contains("/home/.config/"),
        "{}",
        output.stderr
    );
    world.write_settings(&format!(
        "host = \"{}\"\napp_id = \"Iv-one\"\nprivate_key_file = \"{}\"\n",
        world.first.url(),
        world.sandbox.path().join("app.pem").display()
    ));
    assert!(attribute(&run(&["get"], &request_for(&world.first, "octo-org/hello")), "password").is_some());
    assert!(attribute(&run(&["get"], &request_for(&world.second, "gamma/hello")), "password").is_some());
    assert_eq!((issuers(&world.first).len(), issuers(&world.second).len()), (1, 1));
}
