//! `completions`: a shell's completions, made from the same definitions as the command line itself.

use anyhow::Result;
use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::commands::print;
use crate::tokens::secret::Secret;

/// Runs the command.
pub fn run(arguments: &CompletionsArgs) -> Result<()> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut script);
    print(&Secret::new(String::from_utf8(script)?))
}
