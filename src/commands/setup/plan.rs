//! Plans everything before anything is written.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::commands::setup::args::{SetupRequest, place_of};
use crate::commands::setup::git_config;
use crate::commands::setup::placement::Placement;
use crate::commands::setup::record::{Change, Record};
use crate::commands::setup::{files, settings_file, timer, undo};
use crate::platform::clock::Deadline;
use crate::platform::paths;
use crate::programs::own;
use crate::programs::words::shell_word;
use crate::report::Report;
use crate::session::{ask_or_default, provider};
use crate::settings::given_for_file;
use crate::settings::shell::Shell;
use crate::tokens::ask::TokenProvider;
use crate::tokens::config::Config;
use crate::tokens::error::{Failure, PROGRAM, shown};
use crate::tokens::github::bot;
use crate::tokens::http::Client;

/// Everything to write.
pub struct Plan {
    /// The wanted settings, including the given options.
    pub settings: Config,
    /// The profile, if the settings are one of several.
    profile: Option<String>,
    deadline: Deadline,
    /// Where to write.
    pub placement: Placement,
    /// This program, and the options that name its settings file.
    command: Vec<String>,
    settings_file: Option<settings_file::FilePlan>,
    /// The file of git configuration.
    pub git_file: PathBuf,
    git: Vec<git_config::GitPlan>,
    /// The timer to install.
    pub timer: Option<timer::TimerPlan>,
}

impl Plan {
    /// Plans what the options ask for.
    pub fn make(
        request: &SetupRequest,
        placement: Placement,
        settings: Config,
        report: Report,
    ) -> Result<Self> {
        let SetupRequest { given, profile, arguments } = *request;
        let deadline = Deadline::after(settings.timeout);
        let mut given = given_for_file(given)?;
        let mut shell = Shell::default();
        if arguments.timer.is_some() {
            shell = profile.shell(&settings, arguments.gh)?;
            given.append(&mut shell.settings);
        }
        let program = own::path()?;
        placement.check(&given, &program)?;
        let settings_file = settings_file::plan(&placement.settings, profile.name, &given)?;
        let mut command = vec![program.to_string_lossy().into_owned()];
        let config = ["--config".to_owned(), placement.settings.to_string_lossy().into_owned()];
        // root's timer refreshes what is for all users, not root's own settings.
        let is_there = settings_file.is_some() || placement.settings.exists();
        let is_told = !placement.is_usual || placement.all_users && is_there;
        let timer_command = [&command[..], if is_told { &config } else { &[] }].concat();
        if !placement.is_usual {
            command.extend(config);
        }
        let helper = command.iter().map(|word| word_for_shell(word)).collect::<Vec<_>>().join(" ");
        let mut git = vec![git_config::GitPlan::helper(&settings.host.url(), &helper)];
        if arguments.insteadof {
            git.push(git_config::GitPlan::instead_of(&settings.host));
        }
        if arguments.identity {
            let bot = identity(&settings, deadline, report)?;
            git.push(git_config::GitPlan::identity(&bot.name, &bot.email));
        }
        let timer = match arguments.timer {
            Some(kind) => Some(timer::TimerPlan::new(kind, &settings, arguments.gh, timer_command, &shell)?),
            None => None,
        };
        let git_file = place_of(arguments).path(deadline)?;
        let profile = profile.name.map(str::to_owned);
        let plan =
            Self { settings, profile, deadline, placement, command, settings_file, git_file, git, timer };
        plan.check_lines()?;
        Ok(plan)
    }

    /// Refuses line ends in everything that becomes a line of a file or is shown above one. Options and settings
    /// variables are checked earlier; these values come from the rest of the environment.
    fn check_lines(&self) -> Result<(), Failure> {
        own::check_line("the settings file's path", &self.placement.settings.to_string_lossy())?;
        own::check_line("the path of git's configuration", &self.git_file.to_string_lossy())?;
        own::check_line("this program's path", self.command.first().map_or("", String::as_str))?;
        self.timer.as_ref().map_or(Ok(()), timer::TimerPlan::check_lines)
    }

    /// Each planned step as a comment, with the text to write.
    pub fn to_text(&self) -> Result<String> {
        let mut parts = Vec::new();
        if let Some(file) = &self.settings_file {
            parts.push(format!("# write {}\n{}", shown(&self.placement.settings), file.shown()));
        }
        let git_file = shown(&self.git_file);
        let entries = git_config::entries(&self.git_file, self.deadline)?;
        let (there, missing): (Vec<_>, Vec<_>) =
            self.git.iter().partition(|plan| plan.is_met_by(&entries, &self.settings.host.url()));
        for (what, plans) in [("add to", missing), ("already in", there)] {
            let lines: Vec<_> = plans.into_iter().flat_map(|plan| plan.lines.clone()).collect();
            if !lines.is_empty() {
                parts.push(format!("# {what} {git_file}\n{}", git_config::to_text(&lines)));
            }
        }
        parts.extend(self.timer.as_ref().map(|timer| timer.to_text(self.deadline)).transpose()?);
        let mut directories = self.missing_directories()?;
        directories.extend(parts.iter().any(|part| !part.starts_with("# already ")).then(|| {
            let record = shown(&self.placement.record);
            format!("# record in {record} what was written, for setup --undo\n")
        }));
        parts.extend((!directories.is_empty()).then(|| directories.concat()));
        Ok(parts.join("\n"))
    }

    fn missing_directories(&self) -> Result<Vec<String>> {
        let mut files = vec![self.placement.record.clone()];
        files.extend(self.settings_file.as_ref().map(|_| self.placement.settings.clone()));
        files.push(self.git_file.clone());
        files.extend(self.timer.as_ref().map(timer::TimerPlan::files).transpose()?.into_iter().flatten());
        let mut missing: Vec<PathBuf> =
            files.iter().filter_map(|file| file.parent()).flat_map(files::missing).collect();
        missing.sort();
        missing.dedup();
        Ok(missing.iter().map(|dir| format!("# make the directory {}\n", shown(dir))).collect())
    }

    /// Writes everything. What was written is on record even if a later step fails. Returns what was done, in words.
    pub fn apply(&mut self, report: Report) -> Result<timer::Applied> {
        self.try_to_apply(report).map_err(|error| self.placement.explain(error, false))
    }

    fn try_to_apply(&mut self, report: Report) -> Result<timer::Applied> {
        let mut record = Record::read(&self.placement.record)?;
        let dir = self.placement.record.parent().unwrap_or(&self.placement.record);
        let made = if self.placement.all_users {
            files::make_public_directory(dir)
        } else {
            files::make_directory(dir, 0o700)
        };
        let made = made.with_context(|| format!("make the directory {}", dir.display()))?;
        self.changes(&mut record).extend(made.into_iter().map(Change::Directory));
        let outcome = self.write(&mut record, report);
        record.write()?;
        outcome
    }

    /// The `doctor` command for this set-up.
    pub fn doctor(&self) -> String {
        let options = self.command[1..].iter().map(|word| word_for_shell(word));
        let words = std::iter::once(PROGRAM.to_owned()).chain(options);
        words.chain(["doctor".to_owned()]).collect::<Vec<_>>().join(" ")
    }

    fn changes<'a>(&self, record: &'a mut Record) -> &'a mut Vec<Change> {
        &mut record.target(&self.settings.host.url(), &self.git_file, self.profile.as_deref()).changes
    }

    fn write(&mut self, record: &mut Record, report: Report) -> Result<timer::Applied> {
        let mut done = Vec::new();
        if let Some(file) = self.settings_file.take() {
            settings_file::apply(
                &self.placement.settings,
                file,
                self.placement.file_mode(),
                self.changes(record),
            )?;
            done.push(format!("wrote {}", shown(&self.placement.settings)));
        }
        let host_url = self.settings.host.url();
        for plan in &self.git {
            let entries = git_config::entries(&self.git_file, self.deadline)?;
            if plan.is_met_by(&entries, &host_url) {
                continue;
            }
            // What an earlier setup wrote for this part is out of date.
            let is_old =
                |change: &Change| matches!(change, Change::Inserted(known) if known.part == plan.part);
            for target in record.sharing(&host_url, &self.git_file) {
                done.extend(undo::undo_if(&mut target.changes, self.deadline, report, is_old));
            }
            let is_new = !self.git_file.exists();
            git_config::apply(&self.git_file, plan, self.deadline, self.changes(record))?;
            if is_new && self.placement.all_users {
                files::let_all_read(&self.git_file)?;
            }
            let lines = git_config::indented(&plan.lines);
            done.push(format!("added to {}:\n{lines}", shown(&self.git_file)));
        }
        let Some(timer) = &self.timer else { return Ok(timer::Applied { done, to_start: None }) };
        let mut written = Vec::new();
        let outcome = timer.apply(self.deadline, &mut written);
        for target in record.sharing(&host_url, &self.git_file) {
            target.changes.retain(|known| !written.iter().any(|change| timer.replaces(change, known)));
        }
        self.changes(record).extend(written);
        let applied = outcome?;
        Ok(timer::Applied { done: [done, applied.done].concat(), ..applied })
    }
}

/// An option, or a path quoted for the shell.
fn word_for_shell(word: &str) -> String {
    shell_word(&paths::for_shell(Path::new(word)))
}

fn identity(settings: &Config, deadline: Deadline, report: Report) -> Result<bot::Bot> {
    if let Some(app) = &settings.app {
        return bot::of_app(settings, app, deadline, report.notes);
    }
    let ask = ask_or_default(settings);
    let token = provider(settings, &ask.scope, deadline, report).token(&ask)?;
    bot::of_token(settings, &Client::new(&settings.network, deadline, report.notes), &token)
}
