//! `status`: settings with their origins, the key's fingerprint, cached tokens; no secrets and no requests.

use serde_json::{Value, json};

use crate::common::{app_sandbox, broker_sandbox, fresh_tokens, get, password};
use crate::support::keys::{app_key_pem, pkcs8_pem, public_key_spki_der};
use crate::support::sandbox::Sandbox;

fn fingerprint() -> String {
    use base64::Engine as _;
    let digest = ring::digest::digest(&ring::digest::SHA256, &public_key_spki_der());
    format!("SHA256:{}", base64::engine::general_purpose::STANDARD.encode(digest))
}

fn status(sandbox: &Sandbox, args: &[&str]) -> Value {
    let output = sandbox.helper(&[args, &["status", "--json"]].concat()).run();
    assert_eq!(output.success().stderr, "");
    serde_json::from_str(&output.stdout).expect("JSON")
}

#[test]
fn settings_key_and_tokens_are_shown_with_origins_and_without_secrets() {
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN", "hunter2");
    for name in ["GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN"] {
        sandbox.set_env(name, "hunter2");
    }
    sandbox.configure_helper(&github.url(), &[]);
    let token = password(&get(&sandbox, &github, "Octo-Org/hello"));
    let asked = github.server().requests().len();
    let text = sandbox.helper(&["--permission=contents=read", "status"]).run();
    assert_eq!(text.success().stderr, "");
    let cells = |line: &str| {
        line.split("  ").map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect()
    };
    let lines: Vec<Vec<String>> = text.stdout.lines().map(cells).collect();
    let home = sandbox.home().display().to_string();
    for line in [
        ["settings file", &format!("{home}/.config/git-credential-github-app/config.toml (does not exist)")],
        ["source", "app"],
        ["private key", &format!("{} (file)", fingerprint())],
        ["cache", &format!("{home}/.cache/git-credential-github-app")],
        ["git", &format!("asks this helper first, with the path ({})", sandbox.gitconfig().display())],
        ["gh", &format!("{home}/.config/gh, shadowed by GH_ENTERPRISE_TOKEN")],
        ["host", &format!("{} (GITHUB_APP_HOST)", github.url())],
        ["api_url", &format!("{} (default)", github.api_url())],
        ["permission", "contents=read (--permission)"],
        ["GITHUB_APP_BROKER_TOKEN", "(not shown) (GITHUB_APP_BROKER_TOKEN)"],
    ] {
        assert!(lines.contains(&line.map(str::to_owned).to_vec()), "{line:?} in\n{}", text.stdout);
    }
    let cached = lines.last().expect("a line");
    assert_eq!(cached[0], format!("octo-org at {}", github.host()));
    assert!(cached[1].ends_with("left"), "{cached:?}");
    assert_eq!(cached[2..], ["all repositories; all permissions", "app, installation 7"]);

    let json = status(&sandbox, &[]);
    assert_eq!((&json["source"], &json["problem"]), (&json!("app"), &Value::Null));
    assert_eq!(json["private_key"]["fingerprint"], json!(fingerprint()));
    let helper = &json["git"]["helpers"][0];
    assert_eq!((&helper["ours"], &json["git"]["use_http_path"]), (&json!(true), &json!(true)));
    assert_eq!(json["gh"]["shadowed_by"], json!(["GH_ENTERPRISE_TOKEN"]));
    let cached = &json["tokens"][0];
    assert_eq!(
        (
            &cached["host"],
            &cached["owner"],
            &cached["account"],
            &cached["installation_id"],
            &cached["source"]
        ),
        (&json!(github.url()), &json!("octo-org"), &json!("octo-org"), &json!(7), &json!("app"))
    );
    assert!((3500..=3600).contains(&cached["seconds_left"].as_i64().expect("a number")));
    for secret in [token.as_str(), "hunter2", "BEGIN", "eyJ"] {
        assert!(!text.stdout.contains(secret) && !json.to_string().contains(secret), "{secret}");
    }
    assert_eq!(github.server().requests().len(), asked, "no network");
}

#[test]
fn the_fingerprint_matches_the_app_page_whatever_the_form_of_the_key() {
    let (_github, sandbox) = app_sandbox();
    sandbox.remove_env("GITHUB_APP_PRIVATE_KEY_FILE");
    for text in [app_key_pem().to_owned(), pkcs8_pem(), app_key_pem().replace('\n', "\\n")] {
        sandbox.set_env("GITHUB_APP_PRIVATE_KEY", text);
        assert_eq!(status(&sandbox, &[])["private_key"]["fingerprint"], json!(fingerprint()));
    }
    let marker = sandbox.path().join("ran");
    let command = format!("touch {}", marker.display());
    for option in ["--private-key-command", "--sign-command"] {
        let json = status(&sandbox, &[option, &command]);
        assert_eq!(json["private_key"]["fingerprint"], Value::Null);
        let setting = |setting: &&Value| setting["origin"] == json!(format!("option {option}"));
        let shown =
            json["settings"].as_array().expect("a list").iter().find(setting).expect("the setting").clone();
        assert_eq!(shown["value"], Value::Null, "a command line may hold a secret");
    }
    assert!(!marker.exists(), "no command is run");
}

#[test]
fn a_wrong_setting_or_key_is_part_of_the_answer() {
    let sandbox = Sandbox::new();
    let json = status(&sandbox, &[]);
    assert!(json["problem"].as_str().is_some_and(|text| text.starts_with("no token source is configured; ")));
    assert_eq!((&json["source"], &json["tokens"]), (&Value::Null, &json!([])));
    assert!(!sandbox.home().join(".cache").exists(), "nothing is made");
    let (_github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", sandbox.path().join("missing.pem"));
    let problem = status(&sandbox, &[])["private_key"]["problem"].clone();
    assert!(problem.as_str().is_some_and(|text| text.contains("No such file")), "{problem}");
    let text = sandbox.helper(&["status"]).run();
    assert!(text.success().stdout.contains("private key    problem: read private key "), "{}", text.stdout);
    sandbox.set_env("GITHUB_APP_CONFIG", sandbox.write("config.toml", "broken"));
    let broken = sandbox.helper(&["status"]).run();
    assert!(broken.fails_with(3).stdout.contains("config.toml line 1: not valid TOML"), "{}", broken.stdout);
    assert!(broken.stdout.contains("GITHUB_APP_PRIVATE_KEY_FILE") || broken.stdout.contains("gh "));
    assert!(broken.stderr.starts_with("git-credential-github-app: settings file "), "{}", broken.stderr);
}

#[test]
fn a_password_in_a_url_is_not_shown() {
    let sandbox = broker_sandbox("https://me:hunter2@broker.test/x", "bearer");
    let output = sandbox.helper(&["status"]).run();
    assert!(output.success().stdout.contains("a user or password inside a URL is not allowed"));
    assert!(!output.stdout.contains("hunter2"), "{}", output.stdout);
}

#[test]
fn cached_tokens_that_look_alike_are_told_apart() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    for workspace in ["one", "two"] {
        sandbox.helper(&["token"]).env("WORKSPACE_ID", workspace).run().success();
    }
    sandbox.helper(&["--owner=acme", "token"]).env("WORKSPACE_ID", "two").run().success();
    let text = sandbox.helper(&["status"]).run().success().stdout.clone();
    let listed = text.split("tokens\n").nth(1).expect("tokens");
    let without_time = |line: &str| {
        let cells =
            line.split("  ").map(str::trim).filter(|cell| !cell.is_empty() && !cell.ends_with("left"));
        cells.collect::<Vec<_>>().join("  ")
    };
    let lines: Vec<String> = listed.lines().map(without_time).collect();
    let dir = sandbox.home().join(".cache/git-credential-github-app");
    let is_there = |name: &str| {
        let files = std::fs::read_dir(&dir).expect("a cache").map(|file| file.expect("a file").file_name());
        name.len() == 8 && files.into_iter().any(|file| file.to_string_lossy().starts_with(name))
    };
    let entries: Vec<&str> = lines[..2]
        .iter()
        .filter_map(|line| line.strip_prefix("github.com  all repositories; all permissions  broker  entry "))
        .collect();
    assert!(entries.len() == 2 && entries[0] != entries[1], "{text}");
    assert!(entries.iter().all(|entry| is_there(entry)), "{text}");
    assert_eq!(lines[2..], ["acme at github.com  all repositories; all permissions  broker"], "{text}");
}
