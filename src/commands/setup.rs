//! `setup`: writes the settings file and git's configuration, and takes away again exactly what it wrote. Doing it twice
//! does nothing the second time.

use std::path::PathBuf;

use anyhow::Result;

use super::provide::{ask_without_git, note_origins, provider};
use super::{doctor, print};
use crate::cli::{Options, SetupArgs};
use crate::clock::Deadline;
use crate::error::{Failure, Kind};
use crate::http::Client;
use crate::provider::{TokenProvider, bot};
use crate::report::Report;
use crate::secret::Secret;
use crate::settings::{
    KeySource, Listed, Place as SettingsPlace, Settings, Sources, given_for_file, programs,
};

mod files;
mod git_config;
mod program;
mod questions;
mod record;
mod settings_file;
mod timer;
mod undo;

use git_config::Place;
use record::{Change, Record};

/// Runs the command.
pub fn run(options: &Options, arguments: &SetupArgs, report: Report) -> Result<()> {
    if arguments.undo {
        return undo::run(options, arguments, report);
    }
    let mut options = options.clone();
    if Sources::read_or_empty(&options).settings().is_err()
        && options_are_missing(&options)
        && questions::can_ask()
    {
        questions::fill(&mut options)?;
    }
    let sources = Sources::read_or_empty(&options);
    let settings = sources.settings()?;
    note_origins(&sources, report)?;
    let plan = Plan::make(&options, arguments, settings, report)?;
    if arguments.print {
        return print(&Secret::new(plan.to_text()?));
    }
    let done = plan.apply(report)?;
    let done = if done.is_empty() { vec!["everything was set up already".to_owned()] } else { done };
    print(&Secret::new(done.iter().flat_map(|line| [line, "\n"]).collect::<String>() + "\n"))?;
    // As git will run it: with the settings file, and without the options given here.
    let Options { config, verbose, quiet, color, .. } = options;
    let bare = Options { config, verbose, quiet, color, ..Options::default() };
    let checks = doctor::examine(&Sources::read(&bare), None, report);
    print(&Secret::new(checks.to_text(report)))
}

/// Whether no option says where tokens come from.
fn options_are_missing(options: &Options) -> bool {
    options.app_id.is_none() && options.broker_url.is_none() && options.private_key_file.is_none()
}

/// All that is to be written.
struct Plan {
    settings: Settings,
    deadline: Deadline,
    settings_path: PathBuf,
    settings_file: Option<settings_file::Plan>,
    git_file: PathBuf,
    git: Vec<git_config::Plan>,
    timer: Option<timer::Plan>,
}

impl Plan {
    fn make(options: &Options, arguments: &SetupArgs, settings: Settings, report: Report) -> Result<Self> {
        let deadline = Deadline::after(settings.timeout);
        let place = SettingsPlace::of(options)?.ok_or_else(|| {
            Failure::new(Kind::Settings, "there is no home directory for the settings file")
                .hint("set HOME, or name the file with --config")
        })?;
        let settings_path = std::path::absolute(&place.path)?;
        let settings_file = settings_file::plan(&settings_path, &given_for_file(options)?)?;
        let mut command = vec![program::path()?.to_string_lossy().into_owned()];
        if !place.is_default() {
            command.extend(["--config".to_owned(), settings_path.to_string_lossy().into_owned()]);
        }
        let helper = command.iter().map(|word| program::shell_word(word)).collect::<Vec<_>>().join(" ");
        let mut git = vec![git_config::Plan::helper(&settings.host.url(), &helper)];
        if arguments.identity {
            let bot = identity(&settings, deadline, report)?;
            git.push(git_config::Plan::identity(&bot.name, &bot.email));
        }
        let timer =
            arguments.timer.map(|kind| timer_plan(kind, &settings, arguments.gh, command)).transpose()?;
        if timer.is_some() {
            warn_of_environment(&Sources::read_or_empty(options), report)?;
        }
        let git_file = place_of(arguments).path(deadline)?;
        Ok(Self { settings, deadline, settings_path, settings_file, git_file, git, timer })
    }

    fn to_text(&self) -> Result<String> {
        let mut parts = Vec::new();
        if let Some(file) = &self.settings_file {
            parts.push(format!("# {}\n{}", self.settings_path.display(), file.text));
        }
        let lines = self.git.iter().map(|plan| git_config::to_text(&plan.lines)).collect::<String>();
        parts.push(format!("# {}\n{lines}", self.git_file.display()));
        parts.extend(self.timer.as_ref().map(timer::Plan::to_text).transpose()?);
        Ok(parts.join("\n"))
    }

    /// Writes it all; what was written is on record even where a later step fails.
    fn apply(self, report: Report) -> Result<Vec<String>> {
        let mut record = Record::read()?;
        let made = record::make_directory()?;
        let changes = &mut record.target(&self.settings.host.url(), &self.git_file).changes;
        changes.extend(made.into_iter().map(Change::Directory));
        let outcome = self.write(changes, report);
        record.write()?;
        outcome
    }

    fn write(self, changes: &mut Vec<Change>, report: Report) -> Result<Vec<String>> {
        let mut done = Vec::new();
        if let Some(file) = self.settings_file {
            settings_file::apply(&self.settings_path, file, changes)?;
            done.push(format!("wrote {}", self.settings_path.display()));
        }
        for plan in &self.git {
            let entries = git_config::entries(&self.git_file, self.deadline)?;
            if plan.is_met_by(&entries, &self.settings.host.url()) {
                continue;
            }
            // What an earlier setup has written for this part is out of date.
            done.extend(undo::undo_if(
                changes,
                self.deadline,
                report,
                |change| matches!(change, Change::Inserted(inserted) if inserted.part == plan.part),
            ));
            git_config::apply(&self.git_file, plan, self.deadline, changes)?;
            let lines = git_config::indented(&plan.lines);
            done.push(format!("added to {}:\n{lines}", self.git_file.display()));
        }
        if let Some(timer) = self.timer {
            done.extend(timer.apply(self.deadline, changes)?);
        }
        Ok(done)
    }
}

fn place_of(arguments: &SetupArgs) -> Place {
    match &arguments.file {
        Some(file) => Place::File(file.clone()),
        None if arguments.system => Place::System,
        None if arguments.local => Place::Local,
        None => Place::Global,
    }
}

fn identity(settings: &Settings, deadline: Deadline, report: Report) -> Result<bot::Bot> {
    let ask = ask_without_git(settings)?;
    let token = provider(settings, &ask.scope, deadline, report).token(&ask)?;
    bot::of(settings, &Client::new(&settings.proxies, deadline, report), &token)
}

fn timer_plan(
    kind: crate::cli::Timer,
    settings: &Settings,
    gh: bool,
    mut command: Vec<String>,
) -> Result<timer::Plan> {
    command.extend(["refresh", "--all", "--timeout", "60s"].map(str::to_owned));
    if gh {
        command.push("--gh".to_owned());
    }
    let runs_commands = settings
        .app
        .as_ref()
        .is_some_and(|app| matches!(app.key, KeySource::Command(_) | KeySource::SignCommand(_)));
    // cron and systemd have a short `PATH` of their own.
    let path = if gh || runs_commands { programs::path()? } else { None };
    Ok(timer::Plan { kind, host: settings.host.name.clone(), command, path })
}

/// A timer has none of this shell's variables.
fn warn_of_environment(sources: &Sources, report: Report) -> Result<()> {
    let listing = sources.listing()?;
    let names: Vec<&str> = listing.iter().filter_map(Listed::variable).collect();
    if !names.is_empty() {
        report.warn(&format!(
            "the timer will not have this shell's {}: give such settings to setup as options",
            names.join(", ")
        ));
    }
    Ok(())
}

/// So many things, in words.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
