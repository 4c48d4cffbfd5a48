//! The README, the manual page and the changelog say what the built binary does: every option, variable, exit code
//! and command is in them, and nothing else is. What they show to copy is run by `tests/recipes.rs`.

use std::collections::BTreeSet;

use git_credential_github_app::settings_table;

use crate::support::sandbox::Sandbox;

const NAME: &str = "git-credential-github-app";
const README: &str = include_str!("../README.md");
const CHANGELOG: &str = include_str!("../CHANGELOG.md");
const OPERATIONS: [&str; 4] = ["get", "store", "erase", "capability"];

/// The variables beside those of settings that change what the binary does.
const OTHER_VARIABLES: [&str; 11] = [
    "ALL_PROXY",
    "GH_CONFIG_DIR",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_COLOR",
    "NO_PROXY",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "XDG_CONFIG_HOME",
];

/// Every variable that changes what the binary does.
fn variables() -> BTreeSet<&'static str> {
    let of_settings = settings_table().into_iter().flat_map(|row| row.variables).copied();
    of_settings.chain(OTHER_VARIABLES).collect()
}

/// The manual page without the escapes that keep words apart from their source.
fn man() -> String {
    include_str!("../man/git-credential-github-app.1")
        .replace(r"\-", "-")
        .replace(r"\(aq", "'")
        .replace(r"\(rs", "\\")
        .replace(r"\fI", "")
}

/// Both documents and their names.
fn documents() -> [(&'static str, String); 2] {
    [("README", README.to_owned()), ("manual page", man())]
}

fn help(args: &[&str]) -> String {
    Sandbox::new().helper(args).run().success().stdout.clone()
}

fn all_help() -> String {
    let general = help(&["--help"]);
    let each = commands(&general).into_iter().map(|command| help(&[&command, "--help"]));
    each.fold(general.clone(), |all, help| all + &help)
}

/// Words of letters, digits, `-` and `_`: `--host` is no part of `--hostname`.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).collect()
}

fn long_options(text: &str) -> BTreeSet<&str> {
    let is_option = |word: &&str| {
        word.strip_prefix("--").is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
    };
    words(text).into_iter().filter(is_option).collect()
}

/// The options that take a value, so that the word after one is no command.
fn options_with_value(help: &str) -> BTreeSet<&str> {
    help.lines()
        .filter_map(|line| line.trim_start().split_once(" <"))
        .map(|(option, _)| option.trim_start_matches("-v, ").trim())
        .filter(|option| option.starts_with("--") && !option.contains(' '))
        .collect()
}

/// What `--help` lists under "Commands".
fn commands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect()
}

#[test]
fn every_option_of_the_binary_is_in_the_readme_and_the_manual_page() {
    let help = all_help();
    let options = long_options(&help);
    assert!(options.len() > 20, "the help lists options: {options:?}");
    for (name, text) in documents() {
        let missing: Vec<_> = options.difference(&long_options(&text)).copied().collect();
        assert!(missing.is_empty(), "the {name} lacks {missing:?}");
    }
}

#[test]
fn the_manual_page_lists_no_option_that_the_binary_does_not_have() {
    let (help, man) = (all_help(), man());
    let section = man.split(".SH OPTIONS").nth(1).and_then(|rest| rest.split(".SH").next());
    let listed = long_options(section.expect("a section OPTIONS"));
    let unknown: Vec<_> = listed.difference(&long_options(&help)).copied().collect();
    assert!(unknown.is_empty(), "not in the help: {unknown:?}");
}

#[test]
fn every_environment_variable_is_in_the_readme_and_the_manual_page() {
    let help = all_help();
    let in_help = words(&help).into_iter().filter(|word| {
        word.contains('_') && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    });
    let variables = variables();
    let unlisted: Vec<_> = in_help.filter(|name| !variables.contains(name)).collect();
    assert!(unlisted.is_empty(), "add these to the list in this file: {unlisted:?}");
    for (name, text) in documents() {
        let missing: Vec<_> = variables.difference(&words(&text)).copied().collect();
        assert!(missing.is_empty(), "the {name} lacks {missing:?}");
        let prefixed = |word: &&str| word.starts_with("GITHUB_APP_");
        let unknown: Vec<_> =
            words(&text).into_iter().filter(prefixed).filter(|word| !variables.contains(word)).collect();
        assert!(unknown.is_empty(), "the {name} names {unknown:?}, which nothing reads");
    }
}

#[test]
fn every_exit_code_has_a_row_in_the_readme_and_the_manual_page() {
    let man = man();
    let status = man.split(".SH EXIT STATUS").nth(1).and_then(|rest| rest.split(".SH").next());
    let status = status.expect("a section EXIT STATUS");
    for code in 0..=5 {
        assert!(README.contains(&format!("\n| {code} | ")), "the README lacks exit code {code}");
        assert!(status.contains(&format!("\n.TP\n.B {code}\n")), "the manual page lacks exit code {code}");
    }
    assert!(!README.contains("\n| 6 | ") && !status.contains("\n.B 6\n"), "there is no exit code 6");
}

#[test]
fn operations_and_commands_are_those_of_the_binary() {
    let commands = commands(&help(&["--help"]));
    let man = man();
    for operation in OPERATIONS {
        assert!(commands.iter().any(|command| command == operation), "the help lacks {operation}");
        assert!(man.contains(&format!("\n.TP\n.B {operation}\n")), "the manual page lacks {operation}");
        let named =
            README.contains(&format!("`{operation}`")) || README.contains(&format!("{NAME} {operation}"));
        assert!(named, "the README lacks {operation}");
    }
    for command in commands.iter().filter(|command| !OPERATIONS.contains(&command.as_str())) {
        assert!(man.contains(&format!("\n.TP\n.B {command}\n")), "the manual page lacks {command}");
        assert!(README.contains(&format!("{NAME} {command}")), "the README lacks {command}");
    }
}

#[test]
fn every_command_that_the_documents_use_exists() {
    let help = all_help();
    let (commands, valued) = (commands(&help), options_with_value(&help));
    let called = format!("{NAME} ");
    assert!(valued.contains("--owner") && valued.contains("--min-life"), "read from the help: {valued:?}");
    for (name, text) in documents() {
        let mut used = 0;
        // Not in a command line: uninstalling with cargo, and the manual page's NAME.
        let lines = text.lines().filter(|line| !line.contains("cargo ") && !line.contains(" - "));
        for rest in lines.flat_map(|line| line.split(&called).skip(1)) {
            let mut arguments = rest.split([' ', '`', ')']).peekable();
            while let Some(option) = arguments.next_if(|word| word.starts_with('-')) {
                if valued.contains(option) {
                    arguments.next();
                }
            }
            let word = arguments.next().unwrap_or_default();
            if !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()) {
                used += 1;
                assert!(commands.iter().any(|command| command == word), "the {name} uses {NAME} {rest}");
            }
        }
        assert!(used > 2, "the {name} shows how to use it");
    }
}

#[test]
fn the_readme_tries_the_project_with_two_commands() {
    for line in ["cargo run --example demo", "cargo test"] {
        assert!(README.lines().any(|own| own == line), "{line} stands alone, to copy");
    }
}

#[test]
fn versions_in_the_documents_are_the_binarys() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(help(&["--version"]), format!("{NAME} {version}\n"));
    let title = man().lines().next().unwrap_or_default().to_owned();
    assert!(title.contains(&format!("\"{NAME} {version}\"")), "{title}");
    let known = ["## [Unreleased]".to_owned(), format!("## [{version}]")];
    assert!(known.iter().any(|heading| CHANGELOG.contains(heading)), "the changelog knows {version}");
}
