//! `completions`: prints shell completions, generated from the same definitions as the command line.

use anyhow::Result;
use clap::Args;

use crate::commands::print;
use crate::tokens::secret::Secret;

/// Which shell
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// bash, zsh, fish, elvish or powershell
    #[arg(value_enum, hide_possible_values = true)]
    pub shell: clap_complete::Shell,
}

/// Runs the command with the definition of the whole command line.
pub fn run(arguments: &CompletionsArgs, mut command: clap::Command) -> Result<()> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut script);
    print(&Secret::new(String::from_utf8(script)?))
}
