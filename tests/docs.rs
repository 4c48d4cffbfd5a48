//! The README with `docs/`, the manual page, completions and the changelog say what the built binary's own help says: every
//! command, option, variable, exit code and shell is in them, and nothing else is. What they show to copy:
//! `tests/recipes.rs`.

use std::collections::BTreeSet;

use git_credential_github_app::settings_table;

use crate::recipes::documents::guide;
use crate::support::sandbox::Sandbox;

const NAME: &str = "git-credential-github-app";
const README: &str = include_str!("../README.md");
const CHANGELOG: &str = include_str!("../CHANGELOG.md");

/// The variables beside those of settings that change what the binary does.
const OTHER_VARIABLES: [&str; 14] = [
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ALL_PROXY",
    "GH_CONFIG_DIR",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_COLOR",
    "NO_PROXY",
    "PATH",
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
pub fn man() -> String {
    include_str!("../man/git-credential-github-app.1")
        .replace(r"\-", "-")
        .replace(r"\(aq", "'")
        .replace(r"\(rs", "\\")
        .replace(r"\fI", "")
        .replace(r"\fB", "")
}

/// The guide (the README and `docs/`), the manual page, and their names.
fn documents() -> [(&'static str, String); 2] {
    [("guide", guide()), ("manual page", man())]
}

fn help(args: &[&str]) -> String {
    Sandbox::new().helper(args).run().success().stdout.clone()
}

/// A command of the binary, or a command's own one such as `serve hash-bearer`.
pub struct Command {
    pub name: String,
    help: String,
}

impl Command {
    /// The options that no other command has.
    fn own_options(&self) -> BTreeSet<&str> {
        let own = self.help.split("\nOptions:\n").nth(1).and_then(|rest| rest.split("\nSettings:\n").next());
        let mut options = long_options(own.unwrap_or_default());
        options.remove("--help");
        options
    }
}

/// All commands, as the help lists them.
pub fn commands() -> Vec<Command> {
    fn below(name: &str, help: &str, found: &mut Vec<Command>) {
        let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        // A description may go on below; it is indented further.
        let lines = listed.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
        for word in lines.filter_map(|line| line.split_whitespace().next()) {
            let name = format!("{name} {word}").trim_start().to_owned();
            let args: Vec<&str> = name.split(' ').chain(["--help"]).collect();
            let help = self::help(&args);
            below(&name, &help, found);
            found.push(Command { name, help });
        }
    }
    let mut found = Vec::new();
    below("", &help(&["--help"]), &mut found);
    found
}

/// The help of the program and of all its commands.
pub fn all_help() -> String {
    commands().into_iter().fold(help(&["--help"]), |all, command| all + &command.help)
}

/// A section of the manual page.
fn section(name: &str) -> String {
    let man = man();
    let found = man.split(&format!(".SH {name}\n")).nth(1).and_then(|rest| rest.split("\n.SH ").next());
    found.unwrap_or_else(|| panic!("the manual page has no section {name}")).to_owned()
}

/// What the paragraphs of a section are about: their tags, without the macros.
fn tags(section: &str) -> Vec<String> {
    let after = section.split(".TP\n").skip(1).filter_map(|rest| rest.lines().next());
    after
        .map(|line| {
            let words = line.split_once(' ').map_or("", |(_macro, words)| words);
            words.replace(['"', ','], "").split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// Words of letters, digits, `-` and `_`: `--host` is no part of `--hostname`.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).collect()
}

/// The words that begin with two hyphens.
pub fn long_options(text: &str) -> BTreeSet<&str> {
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

#[test]
fn every_option_of_the_binary_is_in_the_guide_and_the_manual_page() {
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
    let (help, section) = (all_help(), section("OPTIONS"));
    let unknown: Vec<_> = long_options(&section).difference(&long_options(&help)).copied().collect();
    assert!(unknown.is_empty(), "not in the help: {unknown:?}");
}

#[test]
fn every_environment_variable_is_in_the_guide_and_the_manual_page() {
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
fn the_exit_codes_of_the_help_are_those_of_the_documents() {
    let help = help(&["--help"]);
    let listed = help.split("Exit status: ").nth(1).and_then(|rest| rest.lines().next()).expect("exit codes");
    let codes: Vec<&str> = listed.split(", ").filter_map(|code| code.split(' ').next()).collect();
    assert_eq!(tags(&section("EXIT STATUS")), codes, "in the manual page");
    let table = README.split("\n## Exit codes\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows = table.expect("a section").lines().filter_map(|row| row.strip_prefix("| ")?.split(' ').next());
    let rows: Vec<&str> = rows.filter(|cell| cell.bytes().all(|byte| byte.is_ascii_digit())).collect();
    assert_eq!(rows, codes, "in the README");
}

#[test]
fn each_command_of_the_help_has_its_paragraph_and_nothing_else_has() {
    let commands = commands();
    let names: BTreeSet<&str> = commands.iter().map(|command| command.name.as_str()).collect();
    assert!(names.contains("get") && names.contains("serve hash-bearer"), "read from the help: {names:?}");
    let tags: Vec<String> =
        tags(&section("OPERATIONS")).into_iter().chain(tags(&section("COMMANDS"))).collect();
    // A paragraph about an option begins with its command.
    let described: BTreeSet<&str> =
        tags.iter().map(|tag| tag.split(" --").next().unwrap_or_default()).collect();
    assert_eq!(described, names, "in the manual page");
    let guide = guide();
    for name in names {
        let called = guide.contains(&format!("`{name}`")) || guide.contains(&format!("{NAME} {name}"));
        assert!(called, "the guide lacks {name}");
    }
}

#[test]
fn each_option_of_a_command_is_in_its_paragraphs_and_in_the_synopsis() {
    let (listed, synopsis) = (section("COMMANDS"), section("SYNOPSIS"));
    let forms: Vec<&str> = synopsis.split(".PP\n").collect();
    for command in commands() {
        let form = |form: &&&str| {
            form.lines().any(|line| {
                line.split_once(' ').is_some_and(|(_, rest)| rest.trim_matches('"') == command.name)
            })
        };
        let own = command.own_options();
        if own.is_empty() {
            continue;
        }
        let form = forms.iter().find(form).unwrap_or_else(|| panic!("no synopsis of {}", command.name));
        let missing: Vec<_> = own.difference(&long_options(form)).copied().collect();
        assert!(missing.is_empty(), "the synopsis of {} lacks {missing:?}", command.name);
        let mut tags = tags(&listed);
        tags.retain(|tag| tag.starts_with(&command.name));
        let tags = tags.join(" ");
        let missing: Vec<_> = own.difference(&long_options(&tags)).copied().collect();
        assert!(missing.is_empty(), "the paragraphs of {} lack {missing:?}", command.name);
    }
}

#[test]
fn every_command_that_the_documents_use_exists() {
    let help = all_help();
    let (commands, valued) = (commands(), options_with_value(&help));
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
                assert!(commands.iter().any(|command| command.name == word), "the {name} uses {NAME} {rest}");
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
    assert_eq!(help(&["--version"]), crate::common::version_line(&crate::support::sandbox::Sandbox::new()));
    let title = man().lines().next().unwrap_or_default().to_owned();
    assert!(title.contains(&format!("\"{NAME} {version}\"")), "{title}");
    let known = ["## [Unreleased]".to_owned(), format!("## [{version}]")];
    assert!(known.iter().any(|heading| CHANGELOG.contains(heading)), "the changelog knows {version}");
}

#[test]
fn every_advisory_that_is_ignored_is_judged_in_writing() {
    let (deny, security) = (include_str!("../deny.toml"), include_str!("../SECURITY.md"));
    let judged = security.split("\n## Advisories\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    let judged = judged.expect("a section of its own");
    let ignored =
        deny.split("\nignore = [").nth(1).and_then(|rest| rest.split("\n]").next()).expect("a list");
    let entries: Vec<&str> = ignored.lines().filter(|line| line.contains("id = \"")).collect();
    assert!(
        !entries.is_empty() && ignored.matches("RUSTSEC-").count() == entries.len(),
        "each with a reason"
    );
    for entry in entries {
        let id = entry.split("id = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("an ID");
        assert!(judged.contains(&format!("**{id}**")), "{id} is judged");
        assert!(entry.contains("reason = \""), "{id} has a reason");
    }
    assert!(
        include_str!("../.ci/run").contains("cargo deny --offline check advisories"),
        "they are looked for"
    );
}
