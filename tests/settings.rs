//! Wrong input: each mistake has one line that names the setting and its origin, a hint, and the right exit code.

use std::fs;

use crate::common::{REQUEST, app_sandbox, broker_sandbox, from_now, message, password};
use crate::support::broker::FakeBroker;
use crate::support::keys::public_key_pem;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;

#[track_caller]
fn complains(output: &Output, status: i32, text: &str) {
    assert_eq!((output.status, output.stdout.as_str()), (status, ""), "{}", output.stderr);
    assert!(message(output).contains(text), "expected {text:?} in: {}", output.stderr);
    let mut lines = output.stderr.lines().skip(1).peekable();
    assert!(lines.peek().is_some() && lines.all(|line| line.starts_with("hint: ")), "{}", output.stderr);
}

#[test]
fn no_settings_at_all_is_explained() {
    let sandbox = Sandbox::new();
    complains(&sandbox.helper(&["token"]).run(), 3, "no token source is configured");
    let get = sandbox.helper(&["get"]).stdin(REQUEST).run();
    assert_eq!((get.status, get.stdout.as_str()), (0, "quit=1\n"));
    complains(&sandbox.helper(&["--on-failure=next", "get"]).stdin(REQUEST).run(), 3, "no token source");
}

#[test]
fn plain_http_goes_to_brokers_that_only_this_machine_or_its_network_knows() {
    let sandbox = broker_sandbox("http://127.0.0.1:1", "bearer");
    for (host, near) in [
        ("localhost", true),
        ("127.0.0.1", true),
        ("[::1]", true),
        ("[::ffff:127.0.0.1]", true),
        ("platform", true),
        ("host.docker.internal", true),
        ("2130706433", false),
        ("0x7f000001", false),
        ("0X8080808", false),
        ("01002004010", false),
        ("0", false),
        ("127.1", false),
        ("0177.0.0.1", false),
        ("localhost.", false),
        ("platform.", false),
        ("[::ffff:8.8.8.8]", false),
        ("[::1%25lo]", false),
        ("evil%2eexample", false),
    ] {
        let url = format!("http://{host}:8080");
        let status = sandbox.helper(&["status"]).env("GITHUB_APP_BROKER_URL", &url).run();
        let refused = status.success().stdout.contains("\nsource         problem: ");
        assert_eq!(refused, !near, "{host}: {}", status.stdout);
        if !near {
            sandbox.helper(&["token"]).env("GITHUB_APP_BROKER_URL", url).run().fails_with(3);
        }
    }
}

#[test]
fn a_bad_option_is_a_usage_error_and_a_bad_variable_or_key_a_settings_error() {
    let sandbox = broker_sandbox("http://127.0.0.1:1", "bearer");
    for (option, variable, value, text) in [
        ("--margin", "GITHUB_APP_MARGIN", "4 parsecs", "bad duration \"4 parsecs\""),
        ("--margin", "GITHUB_APP_MARGIN", "56m", "every call would mint"),
        ("--margin", "GITHUB_APP_MARGIN", "2h", "every call would mint"),
        ("--timeout", "GITHUB_APP_TIMEOUT", "0s", "leaves no time"),
        ("--timeout", "GITHUB_APP_TIMEOUT", "30", "bad duration"),
        ("--host", "GITHUB_APP_HOST", "http://github.com", "loopback host only"),
        ("--host", "GITHUB_APP_HOST", "user:pass@github.com", "a user or password"),
        ("--api-url", "GITHUB_APP_API_URL", "http://api.example.com", "plain http"),
        ("--api-url", "GITHUB_APP_API_URL", "https://u:hunter2@h/", "a user or password"),
        (
            "--broker-url",
            "GITHUB_APP_BROKER_URL",
            "http://broker.example.com",
            "plain http would show the bearer",
        ),
        ("--broker-url", "GITHUB_APP_BROKER_URL", "broker", "this is not an http or https URL"),
        ("--source", "GITHUB_APP_SOURCE", "magic", "bad value"),
        ("--owner", "GITHUB_APP_OWNER", "a/b", "bad owner"),
        ("--on-failure", "GITHUB_APP_ON_FAILURE", "panic", "bad value"),
    ] {
        let by_option = sandbox.helper(&[option, value, "token"]).run();
        complains(&by_option, 2, &format!("option {option}: "));
        complains(&by_option, 2, text);
        let by_variable = sandbox.helper(&["token"]).env(variable, value).run();
        complains(&by_variable, 3, &format!("environment variable {variable}: "));
        let key = option.trim_start_matches('-').replace('-', "_");
        let file = sandbox.write("config.toml", format!("{key} = \"{value}\"\n"));
        let by_file = sandbox
            .helper(&["token"])
            .env("GITHUB_APP_CONFIG", file)
            .env_remove("GITHUB_APP_BROKER_URL")
            .run();
        complains(&by_file, 3, &format!("key {key} in "));
        assert!(![by_option, by_variable, by_file].iter().any(|output| output.stderr.contains("hunter2")));
    }
    for args in [
        &["--per-repository=maybe", "token"][..],
        &["--permission", "contents", "token"],
        &["--repository", "a/b", "token"],
        &["--installation-id", "x", "--source", "app", "token"],
    ] {
        assert!([2, 3].contains(&sandbox.helper(args).run().status), "{args:?}");
    }
    sandbox.helper(&["--ownr", "acme", "token"]).run().expect(
        2,
        "",
        "git-credential-github-app: unexpected argument '--ownr' found\n\
         hint: a similar argument exists: '--owner'\n\
         hint: git-credential-github-app token --help lists its options\n",
    );
    sandbox.helper(&["--ownr", "acme"]).run().expect(
        2,
        "",
        "git-credential-github-app: unexpected argument '--ownr' found\n\
         hint: a similar argument exists: '--owner'\n\
         hint: git-credential-github-app --help lists the commands and options\n",
    );
    for (args, message) in [
        (&["exec"][..], "the following required arguments were not provided: <CMD>..."),
        (&["setup", "--undo", "--print"], "the argument '--undo' cannot be used with '--print'"),
        (
            &["setup", "--undo", "--print", "--identity"],
            "the argument '--undo' cannot be used with: --print, --identity",
        ),
        (&["refresh", "--gh", "--al"], "unexpected argument '--al' found"),
        (&["serve", "hash-bearer", "--al"], "unexpected argument '--al' found"),
    ] {
        let named = args.iter().take_while(|word| !word.starts_with('-'));
        let command = named.copied().collect::<Vec<_>>().join(" ");
        let output = sandbox.helper(args).run();
        output.fails_with(2);
        let first = format!("git-credential-github-app: {message}\n");
        let last = format!("hint: git-credential-github-app {command} --help lists its options\n");
        assert!(output.stderr.starts_with(&first) && output.stderr.ends_with(&last), "{}", output.stderr);
        let help = sandbox.helper(&[command.split(' ').collect::<Vec<_>>(), vec!["--help"]].concat()).run();
        assert_eq!(help.success().stderr, "", "the help that is named is there");
    }
    sandbox.helper(&[]).run().fails_with(2);
}

#[test]
fn the_settings_file_is_checked_key_by_key() {
    let sandbox = Sandbox::new();
    let config = |text: &str| {
        let file = sandbox.write("config.toml", text);
        sandbox.helper(&["--config", file.to_str().expect("UTF-8"), "token"]).run()
    };
    complains(&config("priv_key = 1\n"), 3, "unknown key priv_key");
    complains(&config("host = \"github.com\"\nbroken\n"), 3, "config.toml line 2: not valid TOML");
    complains(&config("token = ghs_sentinel\n"), 3, "line 1: not valid TOML");
    assert!(!config("token = ghs_sentinel\n").stderr.contains("sentinel"));
    complains(&config("app_id = [1]\n"), 3, "wrong type");
    complains(&config("app_id = 12345\n"), 3, "an App ID is configured, but no private key");
    complains(&config("private_key_file = \"k\"\n"), 3, "a private key is configured, but no App");
    complains(&config("source = \"broker\"\n"), 3, "no broker is configured");
    complains(
        &sandbox.helper(&["--config", "/no/such/file", "token"]).run(),
        2,
        "read settings file /no/such/file",
    );
    complains(
        &sandbox.helper(&["token"]).env("GITHUB_APP_CONFIG", "/no/such").run(),
        3,
        "read settings file /no/such",
    );
}

#[test]
fn a_broken_settings_file_stops_github_com_and_leaves_other_hosts_to_other_helpers() {
    let sandbox = Sandbox::new();
    sandbox.set_env("GITHUB_APP_CONFIG", sandbox.write("config.toml", "broken"));
    assert_eq!(sandbox.helper(&["get"]).stdin(REQUEST).run().stdout, "quit=1\n");
    let other = sandbox.helper(&["get"]).stdin("protocol=https\nhost=gitlab.com\n").run();
    assert_eq!((other.status, other.stdout.as_str()), (0, ""));
    sandbox.helper(&["get"]).stdin("protocol=https\n").run().expect(0, "", "");
    let bad_host = sandbox.helper(&["--host", "http://github.com", "get"]).env_remove("GITHUB_APP_CONFIG");
    bad_host.stdin("protocol=https\nhost=gitlab.com\n").run().expect(
        0,
        "",
        "git-credential-github-app: warning: option --host: plain http is accepted for a loopback host only; \
         not answering\n",
    );
    assert!(
        other.stderr.contains("warning: settings file") && other.stderr.contains("not answering"),
        "{}",
        other.stderr
    );
}

#[test]
fn option_beats_environment_beats_file() {
    let sandbox = Sandbox::new();
    let serving = |token: &str| FakeBroker::serving("bearer", token, &from_now(3600));
    let (by_option, by_variable, by_file) = (serving("option"), serving("variable"), serving("file"));
    let dir = sandbox.home().join(".config/git-credential-github-app");
    fs::create_dir_all(&dir).expect("a directory of ours");
    let bearer = sandbox.write_private("bearer", "bearer");
    let text = format!(
        "broker_url = \"{}\"\nbroker_token_file = \"{}\"\nmargin = \"1m\"\n",
        by_file.url(),
        bearer.display()
    );
    fs::write(dir.join("config.toml"), text).expect("a file of ours");
    sandbox.helper(&["token"]).run().expect(0, "file\n", "");
    sandbox.set_env("GITHUB_APP_BROKER_URL", by_variable.url());
    sandbox.helper(&["token"]).run().expect(0, "variable\n", "");
    sandbox.helper(&["token", "--broker-url", &by_option.url()]).run().expect(0, "option\n", "");
    let verbose = sandbox.helper(&["-v", "token"]).run();
    assert!(verbose.stderr.contains("setting broker_url from environment variable GITHUB_APP_BROKER_URL\n"));
    assert!(verbose.stderr.contains("setting margin from key margin in "), "{}", verbose.stderr);
}

#[test]
fn every_wrong_private_key_is_told_apart() {
    let (_github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
    let key =
        |path: &std::path::Path| sandbox.helper(&["token"]).env("GITHUB_APP_PRIVATE_KEY_FILE", path).run();
    complains(&key(&sandbox.path().join("missing.pem")), 3, "No such file");
    complains(&key(&sandbox.home()), 3, "Is a directory");
    let pem = fs::read_to_string(sandbox.path().join("app.pem")).expect("the key");
    for (content, text) in [
        (public_key_pem(), "this is a public key"),
        (
            "-----BEGIN EC PRIVATE KEY-----\nYQ==\n-----END EC PRIVATE KEY-----\n".into(),
            "this is not an RSA key",
        ),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nYQ==\n-----END OPENSSH PRIVATE KEY-----\n".into(),
            "this is an OpenSSH key",
        ),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nYQ==\n-----END ENCRYPTED PRIVATE KEY-----\n".into(),
            "encrypted with a passphrase",
        ),
        (pem[..pem.len() / 2].to_owned(), "cut short or damaged"),
        ("ghs_sentinel".into(), "this is not a PEM private key"),
    ] {
        let path = sandbox.write_private("wrong.pem", content);
        let output = key(&path);
        complains(&output, 3, text);
        complains(&output, 3, &format!("read private key {}: ", path.display()));
        assert!(!output.stderr.contains("sentinel"));
    }
}

#[test]
fn a_key_that_everybody_may_read_is_used_with_a_warning() {
    let (_github, sandbox) = app_sandbox();
    let pem = fs::read_to_string(sandbox.path().join("app.pem")).expect("the key");
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", sandbox.write("open.pem", pem));
    let output = sandbox.helper(&["token"]).run();
    assert_eq!(output.success().stderr.lines().count(), 1);
    assert!(
        output.stderr.contains("warning: everybody may read the private key")
            && output.stderr.contains("(mode 644)")
    );
}

#[test]
fn commands_that_fail_hang_or_print_garbage_are_told_apart() {
    let (_github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
    sandbox.remove_env("GITHUB_APP_PRIVATE_KEY_FILE");
    for (option, command, status, text) in [
        ("--private-key-command", "echo trouble >&2; exit 3", 3, "trouble"),
        ("--private-key-command", "true", 3, "the private key command printed nothing"),
        ("--private-key-command", "echo nonsense", 3, "this is not a PEM private key"),
        ("--sign-command", "exit 1", 3, "the sign command failed (exit status: 1)"),
        ("--sign-command", "echo garbage", 3, "not an RS256 signature"),
        ("--sign-command", "true", 3, "the sign command printed nothing"),
        ("--sign-command", "exec sleep 60", 5, "the sign command did not end in time"),
    ] {
        let output = sandbox.helper(&[option, command, "--timeout", "1s", "token"]).run();
        assert_eq!((output.status, output.stdout.as_str()), (status, ""), "{command}: {}", output.stderr);
        assert!(output.stderr.contains(text), "{command}: {}", output.stderr);
    }
}

#[test]
fn a_missing_bearer_file_is_named() {
    let sandbox = Sandbox::new();
    sandbox.set_env("PLATFORM_URL", "http://127.0.0.1:1");
    sandbox.set_env("CONFIGS_DIR", sandbox.path());
    complains(&sandbox.helper(&["token"]).run(), 3, ".auth_token: No such file");
}

#[test]
fn colour_and_quiet_do_what_they_say() {
    let sandbox = Sandbox::new();
    assert!(!sandbox.helper(&["token"]).run().stderr.contains('\u{1b}'), "stderr is no terminal");
    assert!(sandbox.helper(&["--color", "always", "token"]).run().stderr.contains('\u{1b}'));
    let broker = FakeBroker::serving("bearer", "t", &from_now(3600));
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    assert_eq!(password(&sandbox.helper(&["-q", "get"]).stdin(REQUEST).run()), "t");
}
