//! What a person at a terminal is told where git, which must be answered in silence, is told nothing.

use crate::common::{app_sandbox, broker_sandbox, fresh_tokens, request_for};
use crate::support::git::gits;
use crate::support::needs::SCRIPT;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;
use crate::support::terminal::on_terminal;

const NAME: &str = "git-credential-github-app";
const WAITS: &str = "waits for git's request on standard input: lines such as protocol=https and host=github.com, then an empty line";

/// Runs the helper with these words and this input on a terminal; its streams are redirected as the shell has it.
fn at_terminal(sandbox: &Sandbox, words: &str, typed: &str) -> Output {
    let line = format!("'{}' {words}", sandbox.binary().display());
    on_terminal(sandbox, &line).stdin(typed).run()
}

/// The helper's own lines.
fn said(output: &Output) -> Vec<String> {
    let lines = output.stdout.lines().map(|line| line.trim_end_matches('\r'));
    let ours = lines.filter(|line| line.starts_with(NAME) || line.starts_with("hint:"));
    ours.map(|line| line.strip_prefix(&format!("{NAME}: ")).unwrap_or(line).to_owned()).collect()
}

#[test]
fn an_owner_without_the_app_and_a_persons_user_name_are_reported_before_git_prompts() {
    let (github, sandbox) = app_sandbox();
    if !SCRIPT.is_met() {
        return;
    }
    let stranger = request_for(&github, "Stranger/repo");
    let mine = format!("{}username=me\n", request_for(&github, "octo-org/hello"));
    let narrowed = request_for(&github, "octo-org/hello");
    for (name, request, options, line) in [
        ("stranger", &stranger, "", "not ours: the App is not installed for Stranger"),
        ("mine", &mine, "", "not ours: me is a person's user name"),
        (
            "narrowed",
            &narrowed,
            "--per-repository --repository other",
            "not ours: the settings narrow tokens to other repositories",
        ),
    ] {
        let file = sandbox.write(name, request);
        let get = |options: &str, redirections: &str| {
            at_terminal(&sandbox, &format!("{options} get <'{}' {redirections}", file.display()), "")
        };
        // Twice: the second time without a request.
        for _ in 0..2 {
            let output = get(&format!("--color=never {options}"), "");
            assert_eq!(said(&output), [format!("{line}; git asks its other helpers, then you")], "{name}");
            assert_eq!((output.status, output.stdout.lines().count()), (0, 1), "{name}: {}", output.stdout);
        }
        assert_eq!(get(&format!("-q {options}"), "").stdout, "", "{name}: quiet");
        let log = sandbox.path().join("log");
        get(options, &format!("2>'{}'", log.display()));
        assert_eq!(std::fs::read_to_string(&log).expect("a log"), "", "{name}: no terminal, no word");
        let args: Vec<&str> = options.split_whitespace().chain(["get"]).collect();
        sandbox.helper(&args).stdin(request).run().expect(0, "", "");
        let verbose = sandbox.helper(&[&["-v"], &args[..]].concat()).stdin(request).run();
        assert!(verbose.stderr.contains("not ours: "), "{name}: {}", verbose.stderr);
    }
    for operation in ["store", "erase"] {
        let file = sandbox.path().join("mine");
        let output = at_terminal(&sandbox, &format!("{operation} <'{}'", file.display()), "");
        assert_eq!((output.status, output.stdout.as_str()), (0, ""), "{operation}: git asks nobody");
    }
}

#[test]
fn a_user_name_cannot_move_the_cursor() {
    let (github, sandbox) = app_sandbox();
    if !SCRIPT.is_met() {
        return;
    }
    let file =
        sandbox.write("request", format!("{}username=\x1b[2Jme\n", request_for(&github, "octo-org/hello")));
    let output = at_terminal(&sandbox, &format!("get <'{}'", file.display()), "");
    assert!(
        output.stdout.contains("\\u{1b}[2Jme is a person's") && !output.stdout.contains('\x1b'),
        "{output:?}"
    );
}

#[test]
fn git_shows_the_line_before_it_asks_the_person() {
    for git in gits() {
        let (github, sandbox) = app_sandbox();
        if !SCRIPT.is_met() {
            return;
        }
        github.create_repository("stranger", "repo");
        sandbox.configure_helper(&github.url(), &[]);
        let with_user = github.clone_url("octo-org", "hello").replace("://", "://me@");
        for (url, line, question) in [
            (
                github.clone_url("stranger", "repo"),
                "the App is not installed for stranger",
                "could not read Username for",
            ),
            (with_user, "me is a person's user name", "could not read Password for"),
        ] {
            let output = on_terminal(&sandbox, &format!("'{}' ls-remote {url}", git.path().display())).run();
            let (before, _) = output.stdout.split_once(question).expect(question);
            assert!(before.contains(line), "{}: {}", git.full_version(), output.stdout);
        }
    }
}

#[test]
fn an_operation_typed_by_a_person_says_what_it_waits_for_and_works() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    if !SCRIPT.is_met() {
        return;
    }
    for operation in ["get", "store", "erase"] {
        let output = at_terminal(&sandbox, operation, "protocol=https\nhost=github.com\n\n");
        assert_eq!(said(&output), [format!("{operation} {WAITS}")]);
        assert_eq!((output.status, output.stdout.contains("password=ghs_")), (0, operation == "get"));
        let output = at_terminal(&sandbox, &format!("-q {operation}"), "\n");
        assert_eq!((output.status, said(&output).len()), (0, 0), "quiet");
        let piped = sandbox.helper(&[operation]).stdin("protocol=https\nhost=gitlab.com\n").run();
        piped.expect(0, "", "");
    }
    assert_eq!(said(&at_terminal(&sandbox, "capability", "")), [] as [&str; 0]);
}

#[test]
fn a_mistyped_command_gets_a_suggestion_on_a_terminal_and_silence_in_a_pipe() {
    let sandbox = Sandbox::new();
    if !SCRIPT.is_met() {
        return;
    }
    let list = "hint: git-credential-github-app --help lists the commands";
    for (word, meant) in [
        ("doctr", Some("doctor")),
        ("staus", Some("status")),
        ("setpu", Some("setup")),
        ("toekn", Some("token")),
        ("--owner acme refrsh --all", Some("refresh")),
        ("gett", Some("get")),
        ("capabilities", Some("capability")),
        ("frobnicate", None),
        ("help", None),
    ] {
        let shown = word.trim_start_matches("--owner acme ").split(' ').next().expect("a word");
        let mut expected = vec![format!("unknown command {shown}")];
        expected.extend(meant.map(|meant| format!("hint: did you mean {meant}?")));
        expected.push(list.to_owned());
        let output = at_terminal(&sandbox, &format!("--color=never {word}"), "");
        assert_eq!((output.status, said(&output)), (2, expected), "{word}");
        let words: Vec<&str> = word.split(' ').collect();
        sandbox.helper(&words).stdin("protocol=https\nhost=github.com\n").run().expect(0, "", "");
    }
}
