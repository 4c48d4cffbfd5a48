//! The refresh every half an hour: units of the user's systemd, or one marked line of the user's crontab.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::files;
use super::program::shell_word;
use super::record::{Change, hash};
use crate::cli::Timer;
use crate::clock::Deadline;
use crate::error::{Failure, Kind, escape};
use crate::process::{self, Outcome};
use crate::settings::programs;

/// What is to be run, and for which host.
pub struct Plan {
    /// systemd or cron.
    pub kind: Timer,
    /// Names units and the crontab line.
    pub host: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// `PATH` for what it runs in turn, where it does.
    pub path: Option<String>,
}

/// What was done, in words.
pub type Done = Vec<String>;

impl Plan {
    /// What would be done: files and their texts (systemd), or a line (cron).
    pub fn to_text(&self, deadline: Deadline) -> Result<String> {
        match self.kind {
            Timer::Systemd => {
                let mut parts = Vec::new();
                for (path, text) in self.units()? {
                    let is_there = files::read(&path).is_ok_and(|known| known.as_ref() == Some(&text));
                    let what = if is_there { "already in" } else { "write" };
                    parts.push(format!("# {what} {}\n{text}", path.display()));
                }
                parts.push(format!("# switch on {}.timer\n", self.unit()));
                Ok(parts.join("\n"))
            }
            Timer::Cron => Ok(match self.known_line(&crontab(deadline).unwrap_or_default()) {
                Some(line) => format!("# already in the crontab\n{line}\n"),
                None => format!("# add to the crontab\n{}\n", self.crontab_line(7)),
            }),
        }
    }

    /// The files that are written.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        Ok(match self.kind {
            Timer::Systemd => self.units()?.map(|(path, _)| path).to_vec(),
            Timer::Cron => Vec::new(),
        })
    }

    /// Writes and starts it, unless it is there already.
    pub fn apply(&self, deadline: Deadline, changes: &mut Vec<Change>) -> Result<Done> {
        match self.kind {
            Timer::Systemd => self.apply_systemd(deadline, changes).context("set up the systemd timer"),
            Timer::Cron => self.apply_cron(deadline, changes).context("set up the crontab"),
        }
    }

    /// Whether a change that was made now takes the place of one that was made before.
    pub fn replaces(&self, new: &Change, old: &Change) -> bool {
        match (new, old) {
            (Change::File(new, _), Change::File(old, _)) => new == old,
            (Change::TimerEnabled(new), Change::TimerEnabled(old)) => new == old,
            (Change::CrontabLine(_), Change::CrontabLine(old)) => old.ends_with(&self.marker()),
            _ => false,
        }
    }

    fn unit(&self) -> String {
        let suffix = if self.host == "github.com" {
            String::new()
        } else {
            format!("-{}", self.host.replace(':', "-"))
        };
        format!("git-credential-github-app-refresh{suffix}")
    }

    fn units(&self) -> Result<[(PathBuf, String); 2]> {
        let dir = programs::xdg_config_home()?.map(|dir| dir.join("systemd/user")).ok_or_else(|| {
            Failure::new(Kind::Settings, "there is no home directory for the units").hint("set HOME")
        })?;
        let words = self.command.iter().map(|word| unit_word(word)).collect::<Vec<_>>().join(" ");
        let environment =
            self.path.as_ref().map(|path| format!("Environment={}\n", unit_word(&format!("PATH={path}"))));
        let host = &self.host;
        let service = format!(
            "[Unit]\nDescription=Renew GitHub App installation tokens for {host}\n\
             Documentation=man:git-credential-github-app(1)\n\n\
             [Service]\nType=oneshot\n{}ExecStart={words}\nTimeoutStartSec=120\n",
            environment.unwrap_or_default()
        );
        let timer = format!(
            "[Unit]\nDescription=Renew GitHub App installation tokens for {host} every half an hour\n\n\
             [Timer]\nOnCalendar=*:00/30\nRandomizedDelaySec=120\nPersistent=true\n\n\
             [Install]\nWantedBy=timers.target\n"
        );
        let file = |kind: &str| dir.join(format!("{}.{kind}", self.unit()));
        Ok([(file("service"), service), (file("timer"), timer)])
    }

    fn apply_systemd(&self, deadline: Deadline, changes: &mut Vec<Change>) -> Result<Done> {
        let mut done = Vec::new();
        for (path, text) in self.units()? {
            let context = || format!("write {}", path.display());
            if files::read(&path).with_context(context)?.as_ref() == Some(&text) {
                continue;
            }
            if let Some(dir) = path.parent() {
                let made = files::make_directory(dir, 0o755).with_context(context)?;
                changes.extend(made.into_iter().map(Change::Directory));
            }
            files::replace(&path, &text, 0o644).with_context(context)?;
            changes.push(Change::File(path.clone(), hash(&text)));
            done.push(format!("wrote {}", path.display()));
        }
        let timer = format!("{}.timer", self.unit());
        let enabled =
            systemctl(&["daemon-reload"], deadline) && systemctl(&["enable", "--now", &timer], deadline);
        changes.push(Change::TimerEnabled(timer.clone()));
        done.push(if enabled {
            format!("switched on {timer}")
        } else {
            format!("could not reach systemd; switch the timer on with: systemctl --user daemon-reload && systemctl --user enable --now {timer}")
        });
        Ok(done)
    }

    /// At two minutes of the hour that differ from machine to machine.
    fn crontab_line(&self, minute: u8) -> String {
        let words = self.command.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ");
        let path = self.path.as_ref().map(|path| format!("PATH={} ", shell_word(path))).unwrap_or_default();
        // A `%` is a line end to cron.
        let command = format!("{path}{words}").replace('%', "\\%");
        format!("{minute},{} * * * * {command} {}", minute + 30, self.marker())
    }

    fn marker(&self) -> String {
        format!("# git-credential-github-app: {}", self.host)
    }

    /// The line that this would write, if it is there; the minute does not matter.
    fn known_line<'a>(&self, crontab: &'a str) -> Option<&'a str> {
        let known = crontab.lines().find(|line| line.ends_with(&self.marker()))?;
        let minute = known.split(',').next().and_then(|minute| minute.parse().ok()).filter(|at| *at < 30)?;
        (known == self.crontab_line(minute)).then_some(known)
    }

    fn apply_cron(&self, deadline: Deadline, changes: &mut Vec<Change>) -> Result<Done> {
        let old = crontab(deadline)?;
        let marked = |line: &str| line.ends_with(&self.marker());
        if self.known_line(&old).is_some() {
            return Ok(Vec::new());
        }
        let line = self.crontab_line(fastrand::u8(0..30));
        let mut text: String =
            old.lines().filter(|line| !marked(line)).flat_map(|line| [line, "\n"]).collect();
        text.extend([line.as_str(), "\n"]);
        write_crontab(&text, deadline)?;
        changes.push(Change::CrontabLine(line.clone()));
        Ok(vec![format!("added to the crontab: {line}")])
    }
}

/// Takes a line out of the crontab; an empty one is removed.
pub fn undo_crontab(line: &str, deadline: Deadline) -> Result<String> {
    let old = crontab(deadline)?;
    let text: String = old.lines().filter(|known| *known != line).flat_map(|line| [line, "\n"]).collect();
    if !old.lines().any(|known| known == line) {
        return Ok(format!("no longer in the crontab: {line}"));
    }
    if text.is_empty() {
        finished(run("crontab", &["-r"], b"", deadline)?, "crontab -r")?;
    } else {
        write_crontab(&text, deadline)?;
    }
    Ok(format!("removed from the crontab: {line}"))
}

/// Removes a unit, unless others have changed it.
pub fn undo_file(path: &Path, after: &str) -> Result<String> {
    let context = || format!("remove {}", path.display());
    match files::read(path).with_context(context)? {
        None => Ok(format!("no longer there: {}", path.display())),
        Some(text) if hash(&text) == after => {
            std::fs::remove_file(path).with_context(context)?;
            Ok(format!("removed {}", path.display()))
        }
        Some(_) => Err(Failure::new(Kind::Other, "it has been changed since").hint("remove it by hand"))
            .with_context(context),
    }
}

/// Switches a timer off; where systemd cannot be reached, it is not running either.
pub fn undo_timer(timer: &str, deadline: Deadline) -> String {
    if systemctl(&["disable", "--now", timer], deadline) {
        format!("switched off {timer}")
    } else {
        format!("could not reach systemd to switch off {timer}")
    }
}

fn systemctl(arguments: &[&str], deadline: Deadline) -> bool {
    let arguments = [&["--user", "--no-ask-password"], arguments].concat();
    run("systemctl", &arguments, b"", deadline).is_ok_and(|outcome| outcome.status.success())
}

/// The user's crontab; empty where there is none.
fn crontab(deadline: Deadline) -> Result<String> {
    let outcome = run("crontab", &["-l"], b"", deadline)?;
    if outcome.status.success() {
        return Ok(String::from_utf8(outcome.stdout.to_vec())?);
    }
    let words = String::from_utf8_lossy(&outcome.stderr).to_ascii_lowercase();
    if words.contains("no crontab") {
        return Ok(String::new());
    }
    finished(outcome, "crontab -l").map(|_| String::new())
}

fn write_crontab(text: &str, deadline: Deadline) -> Result<()> {
    finished(run("crontab", &["-"], text.as_bytes(), deadline)?, "crontab -").map(drop)
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
    process::run_alone(process::without_secrets(&mut command), input, deadline)
        .map_err(|trouble| trouble.of(name))
}

/// A word of a unit's command line or environment (systemd.service(5), COMMAND LINES; `%` and `$` stand for themselves
/// when doubled).
fn unit_word(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_cron_and_systemd_would_read_otherwise_are_escaped() {
        let command = ["/opt/50% off/x", "refresh", "--config", "/a \"b\"$c"].map(str::to_owned).to_vec();
        let plan = Plan { kind: Timer::Cron, host: "github.com".into(), command, path: Some("/bin".into()) };
        let line = "7,37 * * * * PATH=/bin /opt/50\\%\\ off/x refresh --config /a\\ \\\"b\\\"\\$c # git-credential-github-app: github.com";
        assert_eq!(plan.crontab_line(7), line);
        assert_eq!(unit_word("/a %\"$\\"), "\"/a %%\\\"$$\\\\\"");
    }
}
