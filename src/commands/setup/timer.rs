//! The refresh every 30 minutes: units of the user's systemd, one marked line in the user's crontab, or a command for
//! the user to create a task of Windows' Task Scheduler.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::commands::setup::args::Timer;
use crate::commands::setup::record::Change;
use crate::platform::clock::Deadline;
use crate::platform::process::{self, Outcome};
use crate::programs::own::check_line;
use crate::settings::other_programs;
use crate::settings::shell::Shell;
use crate::tokens::config::{Config, KeySource};
use crate::tokens::error::{Failure, Kind, escape};

mod cron;
mod schtasks;
mod systemd;
pub mod trial;

pub use cron::undo as undo_crontab;
pub use systemd::{undo_file, undo_timer};

/// What to run, and for which host.
pub struct TimerPlan {
    /// The kind of timer.
    pub kind: Timer,
    /// The host, which names units and the crontab line.
    pub host: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Variables to set in the timer's bare environment.
    pub variables: Vec<(&'static str, String)>,
    /// What the command also needs and the settings do not have: variables, and what to do about each.
    pub missing: Vec<(&'static str, String)>,
    /// Whether it runs commands of the settings, which may need variables of their own.
    pub runs_commands: bool,
}

/// What was done.
#[derive(Default)]
pub struct Applied {
    /// In words.
    pub done: Vec<String>,
    /// If the timer is installed but not running: the command that starts it.
    pub to_start: Option<String>,
}

impl TimerPlan {
    /// Plans `refresh` with this program, and names the settings file unless it is the usual one.
    ///
    /// # Errors
    /// This system has no such timer.
    pub fn new(
        kind: Timer,
        settings: &Config,
        gh: bool,
        mut command: Vec<String>,
        shell: &Shell,
    ) -> Result<Self> {
        let kind = kind.here()?;
        command.extend(["refresh", "--all", "--timeout", "60s"].map(str::to_owned));
        if gh {
            command.push("--gh".to_owned());
        }
        let key = settings.app.as_ref().map(|app| &app.key);
        let runs_commands = matches!(key, Some(KeySource::Command(_) | KeySource::SignCommand(_)));
        // cron and systemd set a short `PATH` of their own.
        let path = if gh || runs_commands { other_programs::path()? } else { None };
        let variables = path.into_iter().map(|path| ("PATH", path)).chain(shell.variables.clone()).collect();
        let (host, missing) = (settings.host.name.clone(), shell.missing.clone());
        Ok(Self { kind, host, command, variables, missing, runs_commands })
    }

    /// A plan with nothing missing.
    #[cfg(test)]
    fn bare(kind: Timer, host: &str, command: Vec<String>, variables: Vec<(&'static str, String)>) -> Self {
        Self { kind, host: host.to_owned(), command, variables, missing: Vec::new(), runs_commands: false }
    }

    /// The planned files and their texts (systemd), or the line (cron).
    pub fn to_text(&self, deadline: Deadline) -> Result<String> {
        match self.kind {
            Timer::Systemd => self.units_in_words(),
            Timer::Cron => Ok(self.line_in_words(deadline)),
            Timer::Schtasks => Ok(self.schtasks_in_words()),
        }
    }

    /// The files to write.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        Ok(match self.kind {
            Timer::Systemd => self.units()?.map(|(path, _)| path).to_vec(),
            Timer::Cron | Timer::Schtasks => Vec::new(),
        })
    }

    /// Checks that no word contains a line end.
    ///
    /// # Errors
    /// A word contains one.
    pub fn check_lines(&self) -> Result<(), Failure> {
        let shown = self.files().unwrap_or_default();
        shown.iter().try_for_each(|file| check_line("the path of a unit", &file.to_string_lossy()))?;
        self.variables.iter().try_for_each(|(name, value)| check_line(name, value))?;
        self.command.iter().try_for_each(|word| check_line("the timer's command", word))
    }

    /// Writes and starts the timer, unless it is already there.
    pub fn apply(&self, deadline: Deadline, changes: &mut Vec<Change>) -> Result<Applied> {
        match self.kind {
            Timer::Systemd => self.apply_systemd(deadline, changes).context("set up the systemd timer"),
            Timer::Cron => {
                let done = self.apply_cron(deadline, changes).context("set up the crontab")?;
                Ok(Applied { done, to_start: None })
            }
            Timer::Schtasks => {
                let line = self.schtasks_line();
                let done = vec![format!("for the timer, run in cmd.exe:\n    {line}")];
                Ok(Applied { done, to_start: None })
            }
        }
    }

    /// Whether a new change replaces an earlier one.
    pub fn replaces(&self, new: &Change, old: &Change) -> bool {
        match (new, old) {
            (Change::File(new, _), Change::File(old, _)) => new == old,
            (Change::TimerEnabled(new), Change::TimerEnabled(old)) => new == old,
            (Change::CrontabLine(_), Change::CrontabLine(old)) => old.ends_with(&self.marker()),
            _ => false,
        }
    }
}

impl Timer {
    /// The timer of this system: Windows has neither systemd nor cron.
    fn here(self) -> Result<Self, Failure> {
        match (self, process::HAS_TASK_SCHEDULER) {
            (_, true) => Ok(Self::Schtasks),
            (Self::Schtasks, false) => {
                Err(Failure::new(Kind::Usage, "there is no Task Scheduler on this system")
                    .hint("use --timer systemd or --timer cron"))
            }
            (kind, false) => Ok(kind),
        }
    }
}

fn finished(outcome: Outcome, what: &str) -> Result<Outcome> {
    if outcome.status.success() {
        return Ok(outcome);
    }
    let words = String::from_utf8_lossy(&outcome.stderr).into_owned();
    let line = words.lines().next().unwrap_or("it gave no reason");
    Err(Failure::new(Kind::Other, format!("{what}: {}", escape(line)))
        .hint("run it by hand to see what is wrong")
        .into())
}

fn run(name: &str, arguments: &[&str], input: &[u8], deadline: Deadline) -> Result<Outcome, Failure> {
    let mut command = process::program(name);
    command.args(arguments).env("LC_ALL", "C");
    process::run_in_group(process::without_secrets(&mut command), input, deadline)
        .map_err(|trouble| trouble.of(name))
}
