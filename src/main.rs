//! git-credential-github-app: gives git and gh a fresh GitHub App installation token.

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
    let cli = match cli::Cli::try_parse() {
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
