//! `exec`: the command is replaced by CMD, which finds a fresh token where gh looks for one.

use rustix::process::Signal;

use crate::common::{Cloud, app_sandbox, broker_sandbox, fresh_tokens, message};
use crate::support::gh::ghs;
use crate::support::keys::app_key_pem;

const SHOW: &str = "echo \"$GH_TOKEN|$GITHUB_TOKEN|$GH_ENTERPRISE_TOKEN|$GITHUB_ENTERPRISE_TOKEN|$GH_HOST\"";

#[test]
fn each_kind_of_host_has_its_own_variables_and_foreign_tokens_are_taken_away() {
    for (host, cloud) in [(None, true), (Some("acme.ghe.com"), true), (Some("ghe.test"), false)] {
        let place = Cloud::at(host);
        for name in ["GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_HOST"]
        {
            place.sandbox.set_env(name, "stale");
        }
        let output = place.sandbox.helper(&["exec", "--", "sh", "-c", SHOW]).run();
        let [token] = place.github.live_tokens().try_into().expect("one token");
        let gh_host = host.unwrap_or_default();
        let shown = if cloud {
            format!("{token}|{token}|||{gh_host}\n")
        } else {
            format!("||{token}|{token}|{gh_host}\n")
        };
        output.expect(0, &shown, "");
    }
}

#[test]
fn the_command_gets_a_token_of_an_hour_and_not_the_app() {
    let place = Cloud::new();
    place.sandbox.remove_env("GITHUB_APP_PRIVATE_KEY_FILE");
    place.sandbox.set_env("GITHUB_APP_PRIVATE_KEY", app_key_pem());
    place.sandbox.set_env("GITHUB_APP_BROKER_TOKEN", "bearer");
    let names = "env | grep -o '^GITHUB_APP_PRIVATE_KEY=\\|^GITHUB_APP_BROKER_TOKEN=' | sort";
    place.sandbox.helper(&["exec", "--", "sh", "-c", names]).run().expect(0, "", "");
    let both = "GITHUB_APP_BROKER_TOKEN=\nGITHUB_APP_PRIVATE_KEY=\n";
    place.sandbox.helper(&["exec", "--with-secrets", "--", "sh", "-c", names]).run().expect(0, both, "");
}

#[test]
fn the_command_is_the_process_its_status_and_signals_are_cmds() {
    let (_github, sandbox) = app_sandbox();
    sandbox.helper(&["exec", "--", "sh", "-c", "exit 7"]).run().expect(7, "", "");
    sandbox.helper(&["exec", "sh", "-c", "echo \"$1\"", "x", "--json"]).run().expect(0, "--json\n", "");
    sandbox.helper(&["exec", "--", "cat"]).stdin("passed on").run().expect(0, "passed on", "");
    let mut running = sandbox.helper(&["exec", "--", "sh", "-c", "echo $$ >&2; exec sleep 60"]).spawn();
    let pid = running.wait_for_stderr("\n");
    assert_eq!(pid.trim(), running.id().to_string(), "the process is replaced");
    running.signal(Signal::TERM);
    assert_eq!(running.wait().status, 128 + 15);
    // A broken pipe must end CMD as it does without us.
    let yes = sandbox.helper(&["exec", "--", "sh", "-c", "yes | head -n 1"]).run();
    yes.expect(0, "y\n", "");
}

#[test]
fn a_command_that_cannot_run_has_the_exit_code_of_env() {
    let (_github, sandbox) = app_sandbox();
    let missing = sandbox.helper(&["exec", "--", "no-such-command"]).run();
    missing.expect(
        127,
        "",
        "git-credential-github-app: run no-such-command: No such file or directory (os error 2)\n\
         hint: check the command's name and the PATH\n",
    );
    let file = sandbox.write("plain.txt", "text");
    sandbox.helper(&["exec", &file.to_string_lossy()]).run().fails_with(126);
    sandbox.helper(&["exec"]).run().fails_with(2);
}

#[test]
fn without_a_token_the_command_does_not_run() {
    let (github, sandbox) = app_sandbox();
    github.suspend(7, true);
    let marker = sandbox.path().join("ran");
    let output = sandbox.helper(&["exec", "--", "touch", &marker.to_string_lossy()]).run();
    output.fails_with(4);
    assert!(message(&output).contains("suspended") && !marker.exists(), "{}", output.stderr);
}

#[test]
fn every_gh_works_under_exec_whatever_is_in_its_environment() {
    for gh in ghs() {
        let place = Cloud::new();
        place.sandbox.set_env("GH_TOKEN", "stale");
        place.sandbox.set_env("PATH", gh.path_variable());
        let output =
            place.sandbox.helper(&["exec", "--", "gh", "api", "repos/octo-org/hello", "--jq", ".name"]).run();
        output.expect(0, "hello\n", "");
    }
}

#[test]
fn exec_takes_the_token_from_the_cache() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let show = ["exec", "--", "sh", "-c", SHOW];
    let first = sandbox.helper(&show).run().success().stdout.clone();
    assert_eq!(sandbox.helper(&show).run().success().stdout, first);
    assert_eq!(broker.requests().len(), 1);
}
