//! git-credential-github-app: gives git and gh a fresh GitHub App installation token.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

mod app_jwt;
mod broker;
mod cache;
mod cli;
mod clock;
mod commands;
mod error;
mod gh;
mod git;
mod http;
mod private_key;
mod process;
mod protocol;
mod provider;
mod report;
mod scope;
mod secret;
mod settings;
mod token;

fn main() -> ExitCode {
    let cli = match plain(std::env::args_os()).map_or_else(cli::Cli::try_parse, Ok) {
        Ok(cli) => cli,
        Err(error) => return report::command_line(&error),
    };
    let report = report::Report::new(&cli.options, settings::no_color());
    match commands::run(&cli, report) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report.error(&error);
            ExitCode::from(error::Failure::of(&error).kind.exit_code())
        }
    }
}

/// The command line as git makes it for a helper without options. Clap would first build the tables of all commands,
/// a third of what a `get` that finds its token in the cache costs beyond starting a process.
fn plain(mut args: impl Iterator<Item = OsString>) -> Option<cli::Cli> {
    let (operation, None) = (args.nth(1)?, args.next()) else { return None };
    let command = match operation.to_str()? {
        "get" => cli::Command::Get,
        "store" => cli::Command::Store,
        "erase" => cli::Command::Erase,
        _ => return None,
    };
    Some(cli::Cli { options: cli::Options::default(), command })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> impl Iterator<Item = OsString> {
        ["helper"].into_iter().chain(line.split_ascii_whitespace()).map(OsString::from)
    }

    #[test]
    fn a_plain_command_line_is_what_clap_makes_of_it() {
        for line in ["get", "store", "erase"] {
            let (plain, by_clap) =
                (plain(args(line)).unwrap(), cli::Cli::try_parse_from(args(line)).unwrap());
            assert_eq!(format!("{plain:?}"), format!("{by_clap:?}"));
        }
    }

    #[test]
    fn any_other_command_line_is_left_to_clap() {
        for line in ["", "token", "capability", "get --quiet", "--quiet get", "get get", "GET"] {
            assert!(plain(args(line)).is_none(), "{line}");
        }
    }
}
