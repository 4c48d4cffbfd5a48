//! The options of `setup`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::commands::setup::git_config::ConfigPlace;
use crate::settings::{Given, Profile};

/// Options of `setup`
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("place").multiple(false))]
pub struct SetupArgs {
    /// Only show what would be written
    #[arg(long)]
    pub print: bool,
    /// Remove exactly what setup wrote for the host
    #[arg(long, conflicts_with_all = ["print", "identity", "insteadof", "timer"])]
    pub undo: bool,
    /// Also set the bot's user.name and user.email
    #[arg(long)]
    pub identity: bool,
    /// Also make git use https for this host's ssh URLs
    #[arg(long)]
    pub insteadof: bool,
    /// Also refresh every 30 minutes: systemd, cron or schtasks
    #[arg(long, value_name = "KIND", value_enum, hide_possible_values = true)]
    pub timer: Option<Timer>,
    /// Also log gh in from the timer
    #[arg(long, requires = "timer")]
    pub gh: bool,
    /// Set up all users, with files in /etc
    #[arg(long, group = "place")]
    pub system: bool,
    /// Set up this user (default)
    #[arg(long, group = "place")]
    pub global: bool,
    /// Change the git configuration of this repository
    #[arg(long, group = "place")]
    pub local: bool,
    /// Change this git configuration file
    #[arg(long, group = "place", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// What runs `refresh` every 30 minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Timer {
    /// Units of the user's systemd.
    Systemd,
    /// A line in the user's crontab.
    Cron,
    /// A command that creates a task of Windows' Task Scheduler.
    Schtasks,
}

/// What setup was asked to do.
#[derive(Clone, Copy)]
pub struct SetupRequest<'a> {
    /// The settings that its options give.
    pub given: &'a Given,
    /// The effective settings: options, environment and settings file.
    pub profile: &'a Profile<'a>,
    /// Its own options.
    pub arguments: &'a SetupArgs,
}

/// Which file of git configuration to change.
pub fn place_of(arguments: &SetupArgs) -> ConfigPlace {
    match &arguments.file {
        Some(file) => ConfigPlace::File(file.clone()),
        None if arguments.system => ConfigPlace::System,
        None if arguments.local => ConfigPlace::Local,
        None => ConfigPlace::Global,
    }
}
