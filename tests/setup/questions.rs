//! `setup` at a terminal: what it asks, and what becomes of a secret that is pasted there.

use std::fs;

use super::bare;
use crate::support::at_once::at_once;
use crate::support::github::{CLIENT_ID, LoopbackGitHub};
use crate::support::keys::app_key_pem;
use crate::support::pty::Terminal;
use crate::support::sandbox::Sandbox;

const HOST: &str = "Git host [github.com]: ";
const APP: &str = "The App's client ID or App ID (on its settings page): ";
const KEY: &str = "Path of the App's private key file (.pem): ";

/// setup on a terminal, with a reader after it that gets what setup leaves there, as a shell would.
fn start(sandbox: &Sandbox) -> Terminal {
    let script = "\"$0\" setup; echo \"status $?\"; case $(stty -a) in *' icanon '*' echo '*) echo as before; esac; \
                  read -r line; echo \"then [$line]\"";
    sandbox.set_env("NO_COLOR", "1");
    Terminal::start(sandbox, "/bin/sh", &["-c", script, &sandbox.binary().to_string_lossy()])
}

/// Answers a question; returns where the next one is to be looked for.
fn answer(terminal: &mut Terminal, mark: usize, question: &str, text: &str) -> usize {
    let mark = terminal.wait_for(mark, question);
    terminal.send(text);
    mark
}

/// Sees that the terminal is as it was and that nothing is left in it. Returns all that was on the screen.
#[track_caller]
fn ends(mut terminal: Terminal, mark: usize, status: i32) -> String {
    let mark = terminal.wait_for(mark, &format!("status {status}\r\n"));
    terminal.wait_for(mark, "as before\r\n");
    terminal.send("marker\n");
    terminal.wait_for(mark, "then [marker]\r\n");
    assert_eq!(terminal.wait(), 0);
    terminal.screen()
}

fn settings(sandbox: &Sandbox) -> Option<String> {
    fs::read_to_string(sandbox.home().join(".config/git-credential-github-app/config.toml")).ok()
}

fn machine() -> (LoopbackGitHub, Sandbox) {
    let (github, sandbox, _) = bare();
    fs::copy(sandbox.path().join("app.pem"), sandbox.home().join("app.pem")).expect("room on the disk");
    (github, sandbox)
}

#[test]
fn three_answers_are_enough() {
    let (github, sandbox) = machine();
    let mut terminal = start(&sandbox);
    let mark = answer(&mut terminal, 0, HOST, "github\r");
    let mark = terminal.wait_for(mark, "expected a host such as github.com, SUB.ghe.com or ");
    let mark = answer(&mut terminal, mark, HOST, &format!("{}\r", github.url()));
    let mark = answer(&mut terminal, mark, APP, &format!("oops\x15{CLIENT_ID}\r"));
    let mark = answer(&mut terminal, mark, KEY, "~me/app.pem\r");
    let mark = terminal.wait_for(mark, "only ~/ is expanded here");
    let mark = answer(&mut terminal, mark, KEY, "~/app.pem\r");
    let mark = terminal.wait_for(mark, "Its fingerprint is SHA256:");
    let screen = ends(terminal, mark, 0);
    assert!(screen.contains(&format!("{APP}{CLIENT_ID}\r\n")), "what is typed is seen: {screen}");
    let key = sandbox.home().join("app.pem");
    let expected = format!(
        "host = \"{}\"\napp_id = \"{CLIENT_ID}\"\nprivate_key_file = \"{}\"\n",
        github.url(),
        key.display()
    );
    assert_eq!(settings(&sandbox), Some(expected));
}

#[test]
fn a_pasted_key_is_neither_shown_nor_left_to_the_shell() {
    let pem = app_key_pem();
    let one_line = base64(pem);
    let cases = [
        ("as terminals without brackets send it", pem.replace('\n', "\r")),
        ("with its line ends", pem.to_owned()),
        ("between brackets", format!("\x1b[200~{}\x1b[201~", pem.replace('\n', "\r"))),
        ("as one line of base64", format!("{one_line}\r")),
        (
            "without its first and last line",
            pem.lines().filter(|line| !line.contains("---")).collect::<Vec<_>>().join("\r"),
        ),
    ];
    at_once(cases, |(name, paste)| {
        let (github, sandbox) = machine();
        let mut terminal = start(&sandbox);
        // At a wrong question first, then at the one for the path.
        let mark = answer(&mut terminal, 0, HOST, &paste);
        let mark = terminal.wait_for(mark, "this is the private key itself");
        let mark = terminal.wait_for(mark, "which is neither shown nor kept here\r\nexpected a host");
        let mark = answer(&mut terminal, mark, HOST, &format!("{}\r", github.url()));
        let mark = answer(&mut terminal, mark, APP, &format!("{CLIENT_ID}\r"));
        let mark = answer(&mut terminal, mark, KEY, &paste);
        let mark = terminal.wait_for(mark, "expected the path of the file that the private key is in\r\n");
        let mark = answer(&mut terminal, mark, KEY, "~/app.pem\r");
        let screen = ends(terminal, mark, 0);
        for secret in pem.lines().chain([one_line.as_str()]).filter(|line| !line.contains("---")) {
            assert!(!screen.contains(&secret[..16.min(secret.len())]), "{name}: {screen}");
        }
        assert!(!screen.contains("-----"), "{name}: {screen}");
        assert!(!settings(&sandbox).expect("settings").contains("---"), "{name}");
    });
}

#[test]
fn there_are_no_prompts_while_something_else_is_wrong() {
    let (_github, sandbox) = machine();
    sandbox.set_env("GITHUB_APP_CONFIG", sandbox.write_private("config.toml", "margn = \"4m\"\n"));
    let terminal = start(&sandbox);
    let screen = ends(terminal, 0, 3);
    assert!(screen.contains("unknown key margn") && !screen.contains(HOST), "{screen}");
}

#[test]
fn cancelling_the_prompts_leaves_nothing_behind() {
    // Ctrl-C is a signal to the program itself, as of every other: 128 + 2 to the shell.
    for (typed, status) in [("\x04", 2), ("\x03", 130), ("x\x03", 130), ("no\rno\rno\rno\r", 2)] {
        let (_github, sandbox) = machine();
        let mut terminal = start(&sandbox);
        let mut mark = 0;
        if typed.contains('\r') {
            for wrong in typed.split_inclusive('\r').take(3) {
                mark = answer(&mut terminal, mark, HOST, wrong);
            }
        } else {
            mark = answer(&mut terminal, mark, HOST, typed);
        }
        let screen = ends(terminal, mark, status);
        assert_eq!(screen.contains("the question was not answered\r\nhint: "), status == 2, "{screen}");
        assert_eq!(settings(&sandbox), None);
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
