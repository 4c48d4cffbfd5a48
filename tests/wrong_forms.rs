//! Every setting with every wrong form of value, as option, variable and key of the file: the right exit code, one line
//! and its hints, and nothing of what was put there.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git_credential_github_app::{SettingRow, settings_table};

use crate::support::http_server::{HttpServer, Response};
use crate::support::keys::{app_key_pem, pkcs8_pem};
use crate::support::process::{Output, Run};
use crate::support::sandbox::Sandbox;
use crate::support::tokens::{random_text, stateless_token};

/// A wrong value, and whether every setting that holds a name, a path, an ID or a URL must refuse it.
struct Wrong {
    name: &'static str,
    value: Vec<u8>,
    must_be_refused: bool,
}

fn wrong(name: &'static str, value: impl Into<Vec<u8>>, must_be_refused: bool) -> Wrong {
    Wrong { name, value: value.into(), must_be_refused }
}

fn jwt() -> String {
    let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(r#"{"iss":"12345"}"#), random_text(40))
}

fn wrongs() -> &'static [Wrong] {
    static WRONGS: LazyLock<Vec<Wrong>> = LazyLock::new(make);
    &WRONGS
}

fn make() -> Vec<Wrong> {
    let pem = app_key_pem();
    let classic = format!("ghs_{}", random_text(36).replace(['-', '_'], "x"));
    vec![
        wrong("a private key", pem, true),
        wrong("a private key in one line", pem.replace('\n', "\\n"), true),
        wrong("a private key with blanks", pem.replace('\n', " "), true),
        wrong("a PKCS#8 key", pkcs8_pem(), true),
        wrong("a key in base64", STANDARD.encode(pem), true),
        wrong(
            "a key without its armour",
            pem.lines().filter(|line| !line.contains("--")).collect::<String>(),
            true,
        ),
        wrong("a classic token", classic.clone(), true),
        wrong("a stateless token", stateless_token(12345), true),
        wrong("a token in a URL", format!("https://x-access-token:{classic}@github.com"), true),
        wrong("a JWT", jwt(), true),
        wrong("several lines", "one\ntwo", true),
        wrong("more than 1,024 bytes", "x".repeat(1025), true),
        wrong("nothing", "", false),
        wrong("blanks", "  ", false),
        wrong("a NUL", "a\0b", false),
        wrong("bytes that are not UTF-8", b"/k\xff.pem".to_vec(), false),
        wrong("another user's home", "~nobody/key.pem", false),
        wrong("a relative path", "keys/app.pem", false),
        wrong("a directory", "/", false),
        wrong("a URL", "https://github.com/o/r", false),
        wrong("a number", "12345", false),
        wrong("a duration", "300ms", false),
        wrong("a bearer", "q8Zr0Vf3kXn5mB7yT2wL9cHsJ4dGaPeU6iKoE1vRbSx", false),
    ]
}

/// Commands whose output is the user's own: they run what they are told.
fn holds_a_name(row: &SettingRow) -> bool {
    !["Command", "KeyText", "Bearer"].contains(&row.form.as_str())
}

fn is_flag(row: &SettingRow) -> bool {
    row.form == "Flag"
}

/// No key, token, JWT or bearer, nor a piece of one.
#[track_caller]
fn shows_nothing(row: &SettingRow, output: &Output, wrong: &Wrong, what: &str) {
    let value = String::from_utf8_lossy(&wrong.value);
    // A shell names the command that it does not find: that is the user's own.
    let is_ours = |line: &&str| row.form != "Command" || !line.contains("sh: ");
    let ours = |text: &str| text.lines().filter(is_ours).collect::<Vec<_>>().join("\n");
    for text in [ours(&output.stdout), ours(&output.stderr)] {
        let pieces = value.split_whitespace().filter(|piece| piece.len() >= 30 && !piece.starts_with("xxx"));
        for piece in pieces.flat_map(|piece| [&piece[..20], &piece[piece.len() - 20..]]) {
            assert!(!text.contains(piece), "{what} shows a part of {}", wrong.name);
        }
        assert!(!text.contains("-----BEGIN") && !text.contains("panicked"), "{what}, {}: {text}", wrong.name);
    }
}

/// A failure has one line and then at least one hint.
#[track_caller]
fn is_well_said(row: &SettingRow, output: &Output, what: &str) {
    if output.status == 0 {
        return;
    }
    // What a command says on its standard error comes before our word on it.
    let is_commands = |line: &&str| row.form == "Command" && !line.starts_with("git-credential-github-app: ");
    let mut lines =
        output.stderr.lines().skip_while(is_commands).filter(|line| !line.contains(": warning: "));
    let first = lines.next().unwrap_or_default();
    assert!(first.starts_with("git-credential-github-app: "), "{what}: {}", output.stderr);
    let hints: Vec<&str> = lines.collect();
    assert!(
        !hints.is_empty() && hints.iter().all(|line| line.starts_with("hint: ")),
        "{what}: {}",
        output.stderr
    );
}

/// A broker that has nothing for anybody, and so ends at once what gets as far as that: settings are checked before anybody
/// is asked. What is tried is left alone.
fn base(sandbox: &Sandbox, row: &SettingRow, args: &[&str]) -> Run {
    static BROKER: LazyLock<HttpServer> =
        LazyLock::new(|| HttpServer::start(|_| Response::text(404, "404 page not found")));
    let mut run = sandbox.helper(args);
    for (key, variable, value) in [
        ("broker_url", "GITHUB_APP_BROKER_URL", BROKER.url().as_str()),
        ("timeout", "GITHUB_APP_TIMEOUT", "200ms"),
    ] {
        if row.key != key {
            run = run.env(variable, value);
        }
    }
    run
}

fn check(row: &SettingRow, wrong: &Wrong, what: &str, code: i32, run: &dyn Fn(&[&str]) -> Run) {
    let commands = [&["token"][..], &["status", "--json"], &["status"], &["-v", "doctor"]];
    // What doctor starts takes its time.
    let count = match wrong.name {
        "a private key" => 4,
        _ if wrong.must_be_refused => 3,
        _ => 2,
    };
    for command in &commands[..count] {
        let output = run(command).run();
        let what = format!("{} {what} with {} for {command:?}", row.key, wrong.name);
        if *command != ["-v", "doctor"] {
            is_well_said(row, &output, &what);
        }
        // A login or an ID may look like a bearer.
        let may_be_one =
            ["Owner", "Repository", "Issuer", "Word"].iter().any(|form| row.form.starts_with(form));
        if wrong.name == "a bearer" && may_be_one {
            continue;
        }
        shows_nothing(row, &output, wrong, &what);
        if wrong.must_be_refused && holds_a_name(row) {
            assert_eq!(output.status, code, "{what}\n{}\n{}", output.stdout, output.stderr);
        }
        if *command == ["token"] {
            assert_ne!(output.status, 1, "{what}: {}", output.stderr);
        }
    }
}

/// What is in the directory that relative paths would be in.
fn files(dir: &Path) -> Vec<OsString> {
    let mut names: Vec<OsString> =
        dir.read_dir().into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    names
}

#[test]
fn as_a_variable() {
    for row in settings_table() {
        for wrong in wrongs().iter().filter(|wrong| !wrong.value.contains(&0)) {
            let sandbox = Sandbox::new();
            let value = OsString::from_vec(wrong.value.clone());
            for variable in row.variables {
                check(&row, wrong, "as a variable", 3, &|args| {
                    base(&sandbox, &row, args).env(variable, &value)
                });
            }
            // A cache may well be at a relative path.
            let made = files(sandbox.path());
            assert!(made == ["gitconfig", "home", "tmp"] || row.key == "cache_dir", "{made:?} is made");
        }
    }
}

#[test]
fn as_an_option() {
    for row in settings_table().iter().filter(|row| !row.option.is_empty() && !is_flag(row)) {
        for wrong in wrongs().iter().filter(|wrong| !wrong.value.contains(&0)) {
            let sandbox = Sandbox::new();
            let value = OsString::from_vec(wrong.value.clone());
            check(row, wrong, "as an option", 2, &|args| {
                base(&sandbox, row, args).arg(&row.option).arg(&value)
            });
        }
    }
}

#[test]
fn as_a_key_of_the_settings_file() {
    for row in settings_table().iter().filter(|row| !row.key.is_empty()) {
        for wrong in wrongs() {
            let Ok(text) = std::str::from_utf8(&wrong.value) else { continue };
            let sandbox = Sandbox::new();
            let text = serde_json::to_string(text).expect("text");
            let file = sandbox.write_private("config.toml", format!("{} = {text}\n", row.key));
            let config = ["--config", &file.to_string_lossy()].map(str::to_owned);
            check(row, wrong, "as a key", 3, &|args| config.iter().fold(base(&sandbox, row, args), Run::arg));
        }
    }
}

#[test]
fn setup_writes_none_of_it() {
    for row in settings_table().iter().filter(|row| !row.option.is_empty() && !is_flag(row)) {
        for wrong in wrongs().iter().filter(|wrong| wrong.must_be_refused && holds_a_name(row)) {
            let sandbox = Sandbox::new();
            let value = OsString::from_vec(wrong.value.clone());
            let output = sandbox.helper(&["setup"]).arg(&row.option).arg(&value).run();
            let what = format!("setup {} with {}", row.option, wrong.name);
            assert_eq!(output.status, 2, "{what}: {}", output.stderr);
            is_well_said(row, &output, &what);
            shows_nothing(row, &output, wrong, &what);
            assert!(files(&sandbox.home()).is_empty(), "{what} writes {:?}", files(&sandbox.home()));
        }
    }
}
