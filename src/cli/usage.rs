//! Answers a command line that is not a command, with the help that somebody who mistyped one should read.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Command, CommandFactory};

use crate::cli::Cli;
use crate::report;
use crate::tokens::error::{self, Failure, Kind, escape};

/// Answers a command line that is not a command: with help or version if asked for, otherwise with one line and hints.
pub fn answer(error: &clap::Error, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        let _ = error.print();
        return if error.use_stderr() { ExitCode::from(Kind::Usage.exit_code()) } else { ExitCode::SUCCESS };
    }
    let text = error.to_string();
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let mut message = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    if message.ends_with(':') {
        // What is meant stands below, one in a line.
        let named: Vec<&str> = lines.by_ref().map(str::trim).take_while(|line| !line.is_empty()).collect();
        message = format!("{message} {}", named.join(", "));
    }
    let mut failure = Failure::new(Kind::Usage, escape(&message));
    for line in lines.map(str::trim) {
        if let Some(tip) = line.strip_prefix("tip: ") {
            failure = failure.hint(escape(tip));
        } else if line.starts_with("[possible values: ") {
            failure = failure.hint(escape(line.trim_matches(['[', ']'])));
        }
    }
    let failure = failure.hint(hint(args));
    report::say(&error::render(&failure.into()));
    ExitCode::from(Kind::Usage.exit_code())
}

/// The hint for a command line that clap refused: the help of the command that was meant, because only that lists the
/// command's own options.
fn hint(args: impl IntoIterator<Item = OsString>) -> String {
    let mut command = Cli::command();
    command.build();
    let words: Vec<String> = args.into_iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let names = meant(&command, words.get(1..).unwrap_or_default());
    let program = command.get_name();
    if names.is_empty() {
        return format!("{program} --help lists the commands and options");
    }
    format!("{program} {} --help lists its options", names.join(" "))
}

/// The names of the command, and of a command below it, as far as they can be told.
fn meant<'a>(command: &'a Command, words: &[String]) -> Vec<&'a str> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            break;
        }
        if word.starts_with('-') {
            if takes_next(command, word) {
                words.next();
            }
        } else if let Some(found) = command.find_subcommand(word) {
            let mut names = vec![found.get_name()];
            names.extend(meant(found, words.as_slice()));
            return names;
        }
    }
    Vec::new()
}

/// Whether an option's value is the next word; of an option that is not known nobody can tell.
fn takes_next(command: &Command, word: &str) -> bool {
    let known = |arg: &&clap::Arg| arg.get_long().is_some_and(|name| word.strip_prefix("--") == Some(name));
    let option = command.get_arguments().find(known);
    option.is_some_and(|arg| arg.get_action().takes_values() && !arg.is_require_equals_set())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_was_meant_is_found_between_options_and_their_values() {
        for (line, help) in [
            ("setup --undo --print", "setup --help lists its options"),
            ("--owner token setup --bad", "setup --help lists its options"),
            ("--owner=token -v --bad setup", "setup --help lists its options"),
            ("--per-repository setup --bad", "setup --help lists its options"),
            ("--ownr acme refresh", "refresh --help lists its options"),
            ("serve --listen x hash-bearer --bad", "serve hash-bearer --help lists its options"),
            ("serve --listen hash-bearer --bad", "serve --help lists its options"),
            ("exec", "exec --help lists its options"),
            ("exec --bad -- setup", "exec --help lists its options"),
            ("--bad", "--help lists the commands and options"),
            ("--owner", "--help lists the commands and options"),
            ("", "--help lists the commands and options"),
        ] {
            let args = ["helper"].into_iter().chain(line.split_ascii_whitespace()).map(OsString::from);
            assert_eq!(hint(args), format!("git-credential-github-app {help}"), "{line}");
        }
    }
}
