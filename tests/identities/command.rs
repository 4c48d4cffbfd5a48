//! `--broker-token-command`: run at each fetch and only then, within the time limit, and never shown.

use super::{broker, taken, workspace};
use crate::common::message;

/// Prints `NAME-1` when it is run first, `NAME-2` the next time, and so on.
fn counting(dir: &std::path::Path, name: &str) -> String {
    let file = dir.join("runs").display().to_string();
    format!("echo x >> '{file}'; echo \" {name}-$(wc -l < '{file}' | tr -d ' ') \"")
}

#[test]
fn the_command_is_run_at_each_fetch_and_not_for_a_token_from_the_cache() {
    let (broker, seen) = broker();
    let sandbox = workspace(&broker);
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN_COMMAND", counting(sandbox.path(), "jwt"));
    for _ in 0..2 {
        sandbox.helper(&["token"]).run().expect(0, "for-jwt-1\n", "");
    }
    sandbox.helper(&["--no-cache", "token"]).run().expect(0, "for-jwt-2\n", "");
    assert_eq!(taken(&seen), ["jwt-1", "jwt-2"]);
}

#[test]
fn what_the_command_made_for_a_fetch_is_not_made_again_when_it_is_refused() {
    let (broker, seen) = broker();
    let sandbox = workspace(&broker);
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN_COMMAND", counting(sandbox.path(), "refused"));
    let shown = format!(
        "git-credential-github-app: fetch a token from {}/admin/github-installation-token: the broker answered 401: \
         it does not accept the bearer\nhint: the broker's log says why: a token needs an issuer and an audience that \
         its trust file names\n",
        broker.url()
    );
    sandbox.helper(&["token"]).run().expect(4, "", &shown);
    assert_eq!(taken(&seen), ["refused-1"], "another one would have been refused like it");
}

#[test]
fn a_command_that_fails_hangs_or_prints_no_bearer_is_named_and_its_output_is_not() {
    let (broker, seen) = broker();
    let sandbox = workspace(&broker);
    let long = "head -c 16385 /dev/zero | tr '\\0' s; echo sentinel";
    for (command, status, text) in [
        ("echo sentinel; exit 3", 3, "the broker token command failed (exit status: 3)"),
        ("true", 3, "the broker token command printed nothing"),
        ("echo", 3, "the broker token command did not print one line of printable characters"),
        ("echo sentinel two", 3, "did not print one line of printable characters"),
        ("printf 'sentinel\\nsentinel\\n'", 3, "did not print one line of printable characters"),
        ("printf 'sentinel\\377'", 3, "did not print one line of printable characters"),
        (long, 3, "did not print one line of printable characters"),
        ("yes sentinel", 3, "the broker token command cannot be used: it printed more than"),
        ("no-such-program-sentinel 2> /dev/null", 3, "the broker token command failed (exit status: 127)"),
        ("exec sleep 60", 5, "the broker token command did not end in time"),
    ] {
        let args = ["-v", "--timeout=2s", "--broker-token-command", command, "token"];
        let output = sandbox.helper(&args).run();
        assert_eq!((output.status, output.stdout.as_str()), (status, ""), "{command}: {}", output.stderr);
        assert!(output.stderr.contains(text), "{command}: {}", output.stderr);
        assert!(output.stderr.contains("\nhint: "), "{command}: {}", output.stderr);
        assert!(!output.stderr.contains("sentinel"), "{command}: {}", output.stderr);
    }
    assert_eq!(taken(&seen).len(), 0, "the broker is not asked without a bearer");
}

#[test]
fn a_token_in_the_place_of_the_command_is_refused_at_once() {
    let (broker, seen) = broker();
    let jwt = "eyJhbGciOiJFUzI1NiJ9.eyJhIjoxfQ.c2VudGluZWw";
    let output = workspace(&broker).helper(&["--broker-token-command", jwt, "token"]).run();
    output.fails_with(2);
    assert_eq!(message(&output), "option --broker-token-command: this is a JWT, not a command");
    assert!(!output.stderr.contains("c2VudGluZWw"), "{}", output.stderr);
    assert_eq!(taken(&seen).len(), 0);
}

#[test]
fn the_highest_priority_bearer_wins_and_a_fresh_one_wins_over_a_stored_one() {
    let (broker, seen) = broker();
    let sandbox = workspace(&broker);
    let file = sandbox.write_private("bearer", "file\n").display().to_string();
    let config = sandbox.write("config.toml", "broker_token_command = \"echo settings\"\n");
    sandbox.set_env("GITHUB_APP_CONFIG", config);
    // Option and environment make up a profile of their own; this one rests on the file.
    for (args, environment, bearer) in [
        (&[][..], &[("GITHUB_APP_BROKER_TOKEN_FILE", file.as_str())][..], "file"),
        (&[], &[("GITHUB_APP_BROKER_TOKEN_FILE", &file), ("GITHUB_APP_BROKER_TOKEN", "text")], "text"),
        (
            &[],
            &[("GITHUB_APP_BROKER_TOKEN", "text"), ("GITHUB_APP_BROKER_TOKEN_COMMAND", "echo command")],
            "command",
        ),
        (
            &["--broker-token-file", &file],
            &[("GITHUB_APP_BROKER_TOKEN", "text"), ("GITHUB_APP_BROKER_TOKEN_COMMAND", "echo command")],
            "file",
        ),
        (&["--broker-token-file", &file, "--broker-token-command", "echo option"], &[], "option"),
    ] {
        let run = sandbox.helper(&[&["--no-cache"], args, &["token"]].concat());
        let output = environment.iter().fold(run, |run, (name, value)| run.env(name, value)).run();
        output.expect(0, &format!("for-{bearer}\n"), "");
    }
    assert_eq!(taken(&seen).len(), 5);
    let own = sandbox.write(
        "own.toml",
        format!("broker_url = \"{}\"\nbroker_token_command = \"echo settings\"\n", broker.url()),
    );
    let of_file = sandbox.helper(&["--no-cache", "token"]).env("GITHUB_APP_CONFIG", own);
    of_file.env_remove("GITHUB_APP_BROKER_URL").run().expect(0, "for-settings\n", "");
}

#[test]
fn two_identities_at_one_broker_never_share_a_token_of_the_cache() {
    let (broker, _) = broker();
    let sandbox = workspace(&broker);
    for _ in 0..2 {
        for name in ["reader", "writer"] {
            let command = format!("echo {name}");
            let output = sandbox.helper(&["--broker-token-command", &command, "token"]).run();
            output.expect(0, &format!("for-{name}\n"), "");
        }
    }
    assert_eq!(broker.requests().len(), 2, "and each has its own there");
}

#[test]
fn status_and_doctor_say_that_a_command_is_set_without_showing_or_running_it_for_nothing() {
    let (broker, seen) = broker();
    let sandbox = workspace(&broker);
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN_COMMAND", "echo sentinel");
    let status = sandbox.helper(&["status"]).run();
    for line in [
        "\nbearer         not known without running the broker token command\n",
        "  broker_token_command  (not shown) (GITHUB_APP_BROKER_TOKEN_COMMAND)\n",
    ] {
        assert!(status.success().stdout.contains(line), "{line:?} in\n{}", status.stdout);
    }
    let json = sandbox.helper(&["status", "--json"]).run();
    assert!(
        json.stdout.contains(r#""bearer":{"from":"broker token command","problem":null}"#),
        "{}",
        json.stdout
    );
    assert!(
        taken(&seen).is_empty() && !status.stdout.contains("sentinel") && !json.stdout.contains("sentinel")
    );
    let doctor = sandbox.helper(&["doctor"]).run();
    assert!(doctor.stdout.contains("ok    broker: gives a token with "), "{}", doctor.stdout);
    let doctor = sandbox.helper(&["doctor"]).env("GITHUB_APP_BROKER_TOKEN_COMMAND", "echo a b").run();
    let line = "the broker token command did not print one line of printable characters\n      hint: ";
    assert!(doctor.stdout.contains(line), "{}", doctor.stdout);
    assert_eq!(taken(&seen), ["sentinel"]);
}

#[test]
fn setup_writes_one_bearer_and_takes_the_others_away() {
    let (broker, _) = broker();
    let sandbox = workspace(&broker);
    sandbox.remove_env("GITHUB_APP_BROKER_URL");
    let file = || {
        let path = sandbox.home().join(".config/git-credential-github-app/config.toml");
        std::fs::read_to_string(path).expect("settings")
    };
    let url = broker.url();
    sandbox.helper(&["--broker-url", &url, "--broker-token-command", "echo one", "setup"]).run();
    assert_eq!(file(), format!("broker_url = \"{url}\"\nbroker_token_command = \"echo one\"\n"));
    sandbox.helper(&["--broker-audience", "aud", "setup"]).run();
    assert_eq!(file(), format!("broker_url = \"{url}\"\nbroker_audience = \"aud\"\n"));
}
