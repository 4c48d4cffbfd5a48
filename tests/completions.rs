//! Completions are made from the command line's own definitions, and real shells take them.

use std::collections::BTreeSet;
use std::path::Path;

use crate::docs::{all_help, commands, long_options, man};
use crate::support::needs::{BASH, FISH, Need, ZSH};
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;

/// The shells that read a script without running it where `-n` asks for that.
const CHECKING: [Need; 3] = [BASH, ZSH, FISH];

fn script(sandbox: &Sandbox, shell: &str) -> String {
    let output = sandbox.helper(&["completions", shell]).run();
    assert_eq!(output.success().stderr, "");
    output.stdout
}

/// Runs a shell, if it is installed.
fn in_shell(sandbox: &Sandbox, shell: &Need, args: &[&str]) -> Option<Output> {
    Some(sandbox.command(shell.find()?, args).run())
}

/// The shells that the binary lists when asked for an unknown one.
fn shells(sandbox: &Sandbox) -> Vec<String> {
    let refusal = sandbox.helper(&["completions", "?"]).run();
    let listed = refusal.fails_with(2).stderr.split("possible values: ").nth(1).expect("a list of shells");
    listed.lines().next().unwrap_or_default().split(", ").map(str::to_owned).collect()
}

#[test]
fn each_script_knows_all_commands_and_options_and_is_valid_in_its_shell() {
    let sandbox = Sandbox::new();
    let (commands, help) = (commands(), all_help());
    let words = commands.iter().flat_map(|command| command.name.split(' ')).collect::<BTreeSet<_>>();
    let options = long_options(&help);
    let shells = shells(&sandbox);
    assert!(shells.len() > 3, "{shells:?}");
    for shell in shells {
        let text = script(&sandbox, &shell);
        let options = options.iter().map(|option| option.trim_start_matches('-'));
        for word in words.iter().copied().chain(options) {
            assert!(text.contains(word), "{shell}: {word}");
        }
        assert!(man().contains(&shell), "the manual page lacks {shell}");
        let file = sandbox.write(&format!("completion.{shell}"), text);
        if let Some(checking) = CHECKING.iter().find(|need| need.program == shell)
            && let Some(output) = in_shell(&sandbox, checking, &["-n", &file.to_string_lossy()])
        {
            output.expect(0, "", "");
        }
    }
}

/// What bash offers for the last of these words.
fn bash_offers(sandbox: &Sandbox, file: &Path, words: &str, last: &str) -> String {
    let count = words.split(' ').count();
    let lines = format!(
        "source '{}'; COMP_WORDS=({words} {last}); COMP_CWORD={count}; \
         _git-credential-github-app git-credential-github-app '{last}' x; echo \"${{COMPREPLY[*]}}\"",
        file.display()
    );
    let output = in_shell(sandbox, &BASH, &["-c", &lines]).expect("bash");
    output.success().stdout.trim().to_owned()
}

#[test]
fn bash_completes_commands_and_their_options() {
    let sandbox = Sandbox::new();
    if !BASH.is_met() {
        return;
    }
    let file = sandbox.write("completion.bash", script(&sandbox, "bash"));
    let name = "git-credential-github-app";
    assert_eq!(bash_offers(&sandbox, &file, name, "ref"), "refresh");
    assert_eq!(bash_offers(&sandbox, &file, &format!("{name} revoke"), "--al"), "--all --allow-http");
    assert_eq!(bash_offers(&sandbox, &file, &format!("{name} refresh"), "--min"), "--min-life");
}

#[test]
fn an_unknown_shell_is_a_usage_error_that_names_the_known_ones() {
    Sandbox::new().helper(&["completions", "tcsh"]).run().expect(
        2,
        "",
        "git-credential-github-app: invalid value 'tcsh' for '<SHELL>'\n\
         hint: possible values: bash, elvish, fish, powershell, zsh\n\
         hint: a similar value exists: 'zsh'\n\
         hint: git-credential-github-app completions --help lists its options\n",
    );
}
