//! git-credential-github-app: gives git and gh a fresh GitHub App installation token.
//!
//! [`run`] is the program. [`tokens`], [`platform`], the broker and the settings are public only for benchmarks,
//! fuzzing and tests; nobody else should depend on them.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

pub mod broker;
mod cli;
mod commands;
pub mod platform;
mod programs;
#[cfg(test)]
mod properties;
mod report;
mod session;
pub mod settings;
pub mod tokens;

/// Runs the whole program: reads the command line, runs the command, reports errors.
#[must_use]
pub fn run() -> ExitCode {
    platform::process::hide_memory();
    tokens::fault::watch(report::say);
    platform::process::look_in(settings::search_path());
    let cli = match operation(std::env::args_os()).map_or_else(cli::Cli::try_parse, Ok) {
        Ok(cli) => cli,
        Err(error) => return cli::usage::answer(&error, std::env::args_os()),
    };
    let report = cli.report(settings::no_color());
    match tokens::fault::guarded(|| cli.run(report)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report.error(&error);
            ExitCode::from(tokens::error::Failure::of(&error).kind.exit_code())
        }
    }
}

/// Parses the command line as git writes it: the helper's options, if any, and git's operation. For any other command
/// line, clap builds the tables of all commands first, which costs more than a `get` that hits the cache. Anything
/// unexpected here is left to clap.
fn operation(args: impl Iterator<Item = OsString>) -> Option<cli::Cli> {
    let mut args: Vec<OsString> = args.collect();
    let command = match args.pop()?.to_str()? {
        "get" => cli::Command::Get,
        "store" => cli::Command::Store,
        "erase" => cli::Command::Erase,
        _ => return None,
    };
    let options = match args.len() {
        0 => return None,
        1 => settings::options::Options::default(),
        _ => settings::options::HelperLine::try_parse_from(args).ok()?.options,
    };
    Some(cli::Cli { options, command })
}

/// A setting, as the tests of documents and wrong values need it.
#[derive(Debug)]
pub struct SettingRow {
    /// The key in the settings file; empty if it has none.
    pub key: &'static str,
    /// The option with its hyphens; empty if it has none.
    pub option: String,
    /// The environment variables, the first one first.
    pub variables: &'static [&'static str],
    /// The kind of text that it holds.
    pub form: String,
}

/// Every setting there is.
#[must_use]
pub fn settings_table() -> Vec<SettingRow> {
    let row = |key: &settings::schema::Key| {
        let setting = key.row();
        let form = format!("{:?}", setting.form);
        SettingRow { key: setting.key(), option: setting.option_name(), variables: setting.variables, form }
    };
    settings::schema::KEYS.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> impl Iterator<Item = OsString> {
        ["helper"].into_iter().chain(line.split_ascii_whitespace()).map(OsString::from)
    }

    #[test]
    fn an_operation_is_what_clap_makes_of_the_whole_command_line() {
        for line in [
            "get",
            "store",
            "erase",
            "-v get",
            "--owner acme --repository a --repository=b -vv store",
            "--config /f --host h --api-url u --app-id 1 --installation-id 2 --private-key-file k get",
            "--per-repository --allow-http --no-cache --no-verify --margin 1m --timeout 5s --color always get",
            "--per-repository=false --permission contents=read --source app --on-failure next erase",
            "--owner get get",
        ] {
            let (quick, by_clap) =
                (operation(args(line)).unwrap(), cli::Cli::try_parse_from(args(line)).unwrap());
            assert_eq!(quick.options, by_clap.options, "{line}");
            assert_eq!(format!("{:?}", quick.command), format!("{:?}", by_clap.command), "{line}");
        }
    }

    #[test]
    fn any_other_command_line_is_left_to_clap() {
        for line in [
            "",
            "token",
            "capability",
            "get --quiet",
            "get get",
            "token get",
            "exec -- get",
            "--owner get",
            "--help get",
            "--version get",
            "--no-such-option get",
            "GET",
        ] {
            assert!(operation(args(line)).is_none(), "{line}");
        }
        assert!(operation(std::iter::empty()).is_none());
    }
}
