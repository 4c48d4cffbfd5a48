//! What people run: token, exec, refresh, status, revoke, serve, and commands of the settings.

use std::fs;

use super::machine::Machine;
use super::{app_machine, request};
use crate::common::message;
use crate::support::connect_proxy::ConnectProxy;
use crate::support::github::CLIENT_ID;
use crate::support::http_client;
use crate::support::keys::app_key_pem;

#[test]
fn exec_hands_a_token_over_and_ends_with_the_commands_exit_code() {
    let Some((github, machine)) = app_machine() else { return };
    let machine = machine.with("GITHUB_APP_BROKER_TOKEN", "bearer");
    let exec = |args: &[&str]| machine.helper(&[&["--owner=octo-org", "exec", "--"], args].concat()).run();
    let shown = exec(&["cmd", "/c", "echo %GH_ENTERPRISE_TOKEN%%GITHUB_APP_BROKER_TOKEN%"]);
    let [token] = github.live_tokens().try_into().expect("one token");
    assert_eq!(shown.success().stdout, format!("{token}%GITHUB_APP_BROKER_TOKEN%\r\n"));
    for code in [0, 1, 7, 255] {
        exec(&["cmd", "/c", &format!("exit {code}")]).fails_with(code);
    }
    machine.write("my tools/script.cmd", "@exit /b 9\r\n");
    exec(&["script"]).fails_with(9);
    let missing = exec(&["no-such-program"]);
    assert!(message(missing.fails_with(127)).starts_with("run no-such-program: "), "{}", missing.stderr);
}

#[test]
fn tokens_are_printed_shown_refreshed_and_revoked() {
    let Some((github, machine)) = app_machine() else { return };
    let token = machine.helper(&["--owner=octo-org", "token"]).run();
    let [live] = github.live_tokens().try_into().expect("one token");
    token.expect(0, &format!("{live}\n"), "");
    let status = machine.helper(&["status", "--json"]).run();
    let status: serde_json::Value = serde_json::from_str(&status.success().stdout).expect("JSON");
    let file = machine.path("AppData/Roaming/git-credential-github-app/config.toml");
    assert!(status.to_string().contains(&file.replace('\\', "\\\\")), "{status}");
    assert!(status.to_string().contains(CLIENT_ID) && !status.to_string().contains(&live), "{status}");
    machine.helper(&["refresh", "--all", "--min-life=2h"]).run().expect(0, "", "");
    assert_eq!(github.mints(), 2);
    machine.helper(&["--owner=octo-org", "revoke"]).run().success();
    assert!(!github.live_tokens().contains(&live) || github.live_tokens().len() < 2);
    let text = machine.helper(&["status"]).run();
    assert!(text.success().stdout.contains("source "), "{}", text.stdout);
}

#[test]
fn gh_is_logged_in_where_it_keeps_its_login_on_windows() {
    let Some((github, machine)) = app_machine() else { return };
    let proxy = ConnectProxy::to(github.server().port());
    // gh takes no host with a port.
    let file = "AppData/Roaming/git-credential-github-app/config.toml";
    let settings = fs::read_to_string(machine.file(file)).expect("text");
    let settings = settings.replace(&github.url(), "ghe.test");
    machine.write(file, format!("{settings}proxy = '{}'\r\nowner = 'octo-org'\r\n", proxy.url()));
    machine.helper(&["refresh", "--gh"]).run().expect(0, "", "");
    let [token] = github.live_tokens().try_into().expect("one token");
    let login = fs::read_to_string(machine.file("AppData/Roaming/GitHub CLI/token")).expect("a login");
    assert_eq!(login.trim_end(), token);
    machine.helper(&["refresh", "--gh"]).run().expect(0, "", "");
}

#[test]
fn commands_of_the_settings_run_by_cmd_where_git_has_no_shell() {
    let Some((github, machine)) = app_machine() else { return };
    let key = machine.write("other keys/app.pem", app_key_pem());
    let settings = fs::read_to_string(machine.file("AppData/Roaming/git-credential-github-app/config.toml"));
    let settings = settings.expect("text");
    let (before, after) = settings.split_once("private_key_file").expect("a key");
    let rest = after.split_once("\r\n").expect("more lines").1;
    let settings = format!("{before}private_key_command = 'type \"{key}\"'\r\n{rest}");
    machine.write("AppData/Roaming/git-credential-github-app/config.toml", settings);
    machine.get(&request(&github)).success();
    assert_eq!(github.mints(), 1);
}

#[test]
fn powershell_has_completions() {
    let Some(machine) = Machine::new() else { return };
    let script = machine.helper(&["completions", "powershell"]).run();
    assert!(script.success().stdout.contains("Register-ArgumentCompleter"), "{}", script.stdout);
}

#[test]
fn the_broker_serves_over_tcp_and_refuses_what_windows_has_not() {
    let Some((github, machine)) = app_machine() else { return };
    let hashed = machine.helper(&["serve", "hash-bearer", "ws"]).stdin("abearerofsomelength\r\n").run();
    let line = format!("{} owner=octo-org\r\n", hashed.success().stdout.trim_end());
    let bearers = machine.write("bearers", line);
    for place in ["unix:C:\\x", "systemd"] {
        let refused = machine.helper(&["serve", "--listen", place, "--bearer-file", &bearers]).run();
        let expected = "there are no Unix sockets and no systemd on this system";
        assert_eq!((refused.status, message(&refused)), (3, expected), "{}", refused.stderr);
    }
    let broker = ["--broker-url=unix:C:\\x", "--source=broker", "token"];
    let refused = machine.helper(&broker).run();
    assert!(message(refused.fails_with(2)).contains("there are no Unix sockets"), "{}", refused.stderr);
    let mut serving = machine.helper(&["serve", "--listen=127.0.0.1:0", "--bearer-file", &bearers]).spawn();
    let log = serving.wait_for_stderr("listening on ");
    let address = log.split("listening on 127.0.0.1:").nth(1).and_then(|rest| rest.split(' ').next());
    let port = address.and_then(|port| port.parse().ok()).expect("a port");
    let route = "/admin/github-installation-token";
    let answer = http_client::get(port, route, "abearerofsomelength", "");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let wrong = http_client::get(port, route, "anotherbearerofalength", "");
    assert_eq!((wrong.status, github.mints()), (401, 1));
}
