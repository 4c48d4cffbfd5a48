//! `doctor`: each thing that can be wrong, provoked on purpose.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::common::{app_sandbox, broker_sandbox, fresh_tokens, get, without_home};
use crate::support::broker::{FakeBroker, error_response};
use crate::support::github::LoopbackGitHub;
use crate::support::http_server::Response;
use crate::support::keys::other_key_pem;
use crate::support::needs::SCRIPT;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;
use crate::support::wrong_clock::{library, off_by};

mod configuration;
mod helper_lines;
mod machine;
mod network;
mod remotes;

type Answer = fn() -> Response;

/// What doctor has found.
struct Found {
    output: Output,
    checks: Vec<Value>,
}

fn doctor(sandbox: &Sandbox, args: &[&str]) -> Found {
    read(sandbox.helper(&[&["doctor", "--json"], args].concat()).run())
}

/// The same in a directory.
fn doctor_in(sandbox: &Sandbox, dir: &Path, args: &[&str]) -> Found {
    read(sandbox.helper(&[&["doctor", "--json"], args].concat()).cwd(dir).run())
}

/// Runs the command that is the first hint for this finding, as people copy it. Then the finding is gone.
#[track_caller]
fn hint_helps(sandbox: &Sandbox, dir: &Path, state: &str, message: &str) {
    let text = || sandbox.helper(&["doctor"]).cwd(dir).run().stdout;
    let before = text();
    let mut lines = before.lines();
    let found = lines.find(|line| line.starts_with(state) && line.contains(message));
    assert!(found.is_some(), "{state} {message}:\n{before}");
    let hint = lines.next().and_then(|line| line.strip_prefix("      hint: ")).expect("a hint");
    let run = sandbox.command("sh", &["-c", hint]).cwd(dir).run();
    assert!(!run.stderr.contains("error") && !run.stderr.contains("usage"), "{hint}: {}", run.stderr);
    let after = text();
    assert!(!after.contains(message), "after {hint}:\n{after}");
}

fn read(output: Output) -> Found {
    let json: Value = serde_json::from_str(&output.stdout).expect("JSON in every case");
    assert_eq!(json["ok"].as_bool(), Some(output.status == 0), "{}", output.stdout);
    let checks = json["checks"].as_array().expect("a list").clone();
    for check in &checks {
        assert_eq!(check["state"] == "ok", check["hint"].is_null(), "what is not ok has a hint: {check}");
    }
    Found { output, checks }
}

impl Found {
    /// Asserts a check with this state whose message and hint hold these texts.
    #[track_caller]
    fn has(&self, state: &str, name: &str, message: &str, hint: &str) -> &Self {
        let fits = |check: &&Value| {
            let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
            text("state") == state
                && text("name") == name
                && text("message").contains(message)
                && text("hint").contains(hint)
        };
        assert!(
            self.checks.iter().any(|check| fits(&check)),
            "{state} {name} {message:?}: {:#?}",
            self.checks
        );
        assert_eq!(self.output.status == 0, !self.checks.iter().any(|check| check["state"] == "fail"));
        self
    }

    /// Asserts that no check of this name says anything but well.
    #[track_caller]
    fn is_content_with(&self, name: &str) -> &Self {
        let found: Vec<_> =
            self.checks.iter().filter(|check| check["name"] == name && check["state"] != "ok").collect();
        assert!(found.is_empty(), "{found:#?}");
        self
    }

    #[track_caller]
    fn fails(&self, name: &str, message: &str, hint: &str) -> &Self {
        self.has("fail", name, message, hint)
    }
}

/// Adds lines to the sandbox's git configuration.
fn append(sandbox: &Sandbox, lines: &str) {
    let before = fs::read_to_string(sandbox.gitconfig()).expect("a file of ours");
    fs::write(sandbox.gitconfig(), before + lines).expect("a file of ours");
}

/// A sandbox in which everything is as it should be.
fn healthy() -> (LoopbackGitHub, Sandbox) {
    let (github, sandbox) = app_sandbox();
    github.grant(7, &[("contents", "write"), ("workflows", "write"), ("metadata", "read")]);
    sandbox.configure_helper(&github.url(), &[]);
    (github, sandbox)
}

#[test]
fn all_is_well_from_key_to_repository() {
    let (github, sandbox) = healthy();
    let found = doctor(&sandbox, &["--repo", "octo-org/hello"]);
    for (name, message) in [
        ("settings", "the key of App Iv23liTestApp"),
        ("private key", "fingerprint SHA256:"),
        ("network", "answers"),
        ("clock", "agrees"),
        ("App", "test-app is App Iv23liTestApp"),
        ("installation", "octo-org has the App, with contents=write"),
        ("cache", ".cache/git-credential-github-app"),
        ("git", "version 2."),
        ("git configuration", "the helper is asked first"),
        ("git network", "git reaches 127.0.0.1"),
        ("repository", "git reads octo-org/hello"),
    ] {
        found.has("ok", name, message, "");
    }
    assert!(found.checks.iter().all(|check| check["state"] == "ok"), "{:#?}", found.checks);
    assert_eq!((found.output.status, found.output.stderr.as_str()), (0, ""));
    let text = sandbox.helper(&["doctor"]).run();
    assert_eq!(text.success().stderr, "");
    assert!(text.stdout.lines().all(|line| line.starts_with("ok    ")), "{}", text.stdout);
    for secret in github.minted_tokens() {
        assert!(!found.output.stdout.contains(&secret));
    }
}

#[test]
fn settings_and_keys_that_are_wrong() {
    let sandbox = Sandbox::new();
    let found = doctor(&sandbox, &[]);
    found.fails("settings", "no token source is configured", "GITHUB_APP_CLIENT_ID");
    assert_eq!(found.output.status, 3);
    assert!(found.output.stderr.contains(" checks failed"), "{}", found.output.stderr);
    let file = sandbox.write("config.toml", "priv_key = 1\n");
    let args = ["--config", &file.to_string_lossy()];
    doctor(&sandbox, &args).fails("settings", "unknown key priv_key", "known keys");

    let (_github, sandbox) = healthy();
    let key = sandbox.path().join("app.pem");
    for (mode, state, text) in [(0o644, "fail", "everybody may read"), (0o640, "warn", "its group may read")]
    {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).expect("a file of ours");
        doctor(&sandbox, &[]).has(state, "private key", text, "chmod 600");
    }
    let missing = ["--private-key-file=/no/such/key.pem", "--repo=octo-org/hello"];
    let found = doctor(&sandbox, &missing);
    found.fails("private key", "No such file", "GITHUB_APP_PRIVATE_KEY_FILE");
    // Once is enough.
    assert_eq!(found.output.stdout.matches("key.pem").count(), 1, "{}", found.output.stdout);
    let other = sandbox.write_private("other.pem", other_key_pem());
    let other = ["--private-key-file", &other.to_string_lossy()];
    doctor(&sandbox, &other).fails("App", "could not be decoded", "does not belong to App Iv23liTestApp");
    doctor(&sandbox, &["--app-id=Iv23unknown"]).fails("App", "'Issuer' claim", "does not know the App");
}

#[test]
fn a_wrong_clock_is_reported_with_its_offset_and_direction() {
    for (ahead_of_us, text) in [(-90, "1m 3"), (300, "5m 0s"), (-7200, "2h 0m")] {
        let (github, sandbox) = healthy();
        github.server().set_clock_offset(ahead_of_us);
        let direction = if ahead_of_us > 0 { "slow" } else { "fast" };
        doctor(&sandbox, &[]).fails("clock", direction, "NTP").fails("clock", &text[..2], "");
    }
    let (github, sandbox) = healthy();
    github.server().set_clock_offset(50);
    doctor(&sandbox, &[]).has("ok", "clock", "agrees", "");
    let Some(library) = library() else { return };
    let (_github, sandbox) = healthy();
    let found = read(off_by(sandbox.helper(&["doctor", "--json"]), &library, 7200).run());
    found.fails("clock", "the local clock is ", "NTP").fails("clock", " fast", "");
}

#[test]
fn installations_that_are_missing_suspended_or_short_of_permissions() {
    let (github, sandbox) = healthy();
    let page = "/settings/installations/7";
    github.grant(7, &[("contents", "read"), ("metadata", "read")]);
    let found = doctor(&sandbox, &[]);
    found.has("warn", "permissions", "contents=read: git push is refused", page);
    found.has("warn", "permissions", "does not grant workflows", page);
    assert_eq!(found.output.status, 0);
    let asking = ["--permission=contents=write"];
    doctor(&sandbox, &asking).fails("permissions", "contents=write (granted: read)", page);
    github.grant(7, &[("metadata", "read")]);
    doctor(&sandbox, &[]).fails("permissions", "does not grant the permission contents", page);
    github.suspend(7, true);
    doctor(&sandbox, &[]).fails("installation", "octo-org is suspended", page);
    doctor(&sandbox, &["--owner=stranger"]).fails("installation", "not installed for stranger", "install it");
    let found = doctor(&sandbox, &["--repo=other-org/x"]);
    found.fails("installation", "not installed for other-org", "install it");
    doctor(&sandbox, &["--installation-id=99"]).fails(
        "installation",
        "GitHub answered 404",
        "installation ID",
    );
    github.remove_installation(7);
    doctor(&sandbox, &[]).fails("installation", "not installed anywhere", "Install App");
}

#[test]
fn a_broker_that_does_not_serve_is_reported_with_the_cause() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    // The git host is github.com, which cannot be reached here: a proxy that does not exist makes that fail quickly.
    sandbox.set_env("HTTPS_PROXY", "http://127.0.0.1:1");
    doctor(&sandbox, &[]).has("ok", "broker", "gives a token with ", "");
    let wrong = broker_sandbox(&broker.url(), "other");
    wrong.set_env("HTTPS_PROXY", "http://127.0.0.1:1");
    doctor(&wrong, &[]).fails("broker", "answered 401", "belongs to this workspace");
    let answers: [(Answer, &str, &str); 4] = [
        (|| error_response(404, "no GitHub App configured"), "no GitHub App configured", "operator"),
        (|| Response::empty(404), "another tenant", "MOLECULE_ORG_ID"),
        (|| error_response(500, "token refresh failed"), "answered 500", "later"),
        (|| Response::text(200, "<html>"), "not the JSON object", "web page"),
    ];
    for (answer, message, hint) in answers {
        let broker = FakeBroker::guarded("bearer", move |_| answer());
        let sandbox = broker_sandbox(&broker.url(), "bearer");
        sandbox.set_env("HTTPS_PROXY", "http://127.0.0.1:1");
        doctor(&sandbox, &[]).fails("broker", message, hint);
        assert_eq!(broker.requests().len(), 1, "tried once");
    }
}

#[test]
fn a_cache_that_cannot_be_used() {
    let (_github, sandbox) = healthy();
    let dir = sandbox.path().join("open");
    fs::create_dir(&dir).expect("a new directory");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).expect("a directory of ours");
    let args = ["--cache-dir", &dir.to_string_lossy()];
    doctor(&sandbox, &args).fails("cache", "others may access it", "accessible only to you");
    let file = sandbox.write("file", "");
    doctor(&sandbox, &["--cache-dir", &file.to_string_lossy()]).fails(
        "cache",
        "not a directory",
        "accessible only to you",
    );
    doctor(&sandbox, &["--cache-dir", "/proc/no"]).fails(
        "cache",
        "use the cache /proc/no",
        "accessible only to you",
    );
    doctor(&sandbox, &["--no-cache"]).has("warn", "cache", "it is switched off", "--no-cache");
    let left =
        fs::read_dir(sandbox.home().join(".cache/git-credential-github-app")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "the probe is gone, and nothing was looked up for keeps: {left}");
}

#[test]
fn on_a_terminal_prose_is_folded_between_words_and_commands_are_whole() {
    let (_github, sandbox) = healthy();
    if !SCRIPT.is_met() {
        return;
    }
    append(&sandbox, "[credential]\n\thelper = cache\n");
    let typed = format!("stty cols 50; exec '{}' --color=never doctor", sandbox.binary().display());
    let output = sandbox.command("script", &["-qec", &typed, "/dev/null"]).run();
    let text = output.success().stdout.replace('\r', "");
    let folded =
        "warn  git configuration: the helper cache comes\n      after ours and gets a copy of each token\n";
    assert!(text.contains(folded), "{text}");
    let command = format!(
        "      hint: git config --file {} --unset-all credential.helper '^cache$'\n",
        sandbox.gitconfig().display()
    );
    assert!(text.contains(&command), "{text}");
    let plain = sandbox.helper(&["doctor"]).run().stdout;
    assert!(plain.contains(&folded.replace("\n      ", " ")), "{plain}");
}

#[test]
fn doctor_works_in_colour_on_demand_and_without_a_home() {
    let (github, sandbox) = healthy();
    let text = sandbox.helper(&["--color=always", "doctor"]).run();
    assert!(text.success().stdout.starts_with("\u{1b}[32mok  \u{1b}[0m  settings: "), "{}", text.stdout);
    let found = read(without_home(sandbox.helper(&["doctor", "--json"]), &sandbox).run());
    assert_eq!(found.output.status, 0, "{:#?}", found.checks);
    get(&sandbox, &github, "octo-org/hello").success();
}
