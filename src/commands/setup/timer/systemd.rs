//! A service and a timer for the user's systemd.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::commands::setup::files;
use crate::commands::setup::record::{Change, hash};
use crate::commands::setup::timer::{Applied, TimerPlan, run};
use crate::platform::clock::Deadline;
use crate::settings::other_programs;
use crate::tokens::error::{Failure, Kind, PROGRAM, shown};

impl TimerPlan {
    fn unit(&self) -> String {
        let suffix = if self.host == "github.com" {
            String::new()
        } else {
            format!("-{}", self.host.replace(':', "-"))
        };
        format!("{PROGRAM}-refresh{suffix}")
    }

    pub(super) fn units(&self) -> Result<[(PathBuf, String); 2]> {
        let dir =
            other_programs::xdg_config_home()?.map(|dir| dir.join("systemd/user")).ok_or_else(|| {
                Failure::new(Kind::Settings, "there is no home directory for the units").hint("set HOME")
            })?;
        let words = self.command.iter().map(|word| unit_word(word).replace('$', "$$"));
        let words = words.collect::<Vec<_>>().join(" ");
        let variables = self.variables.iter().map(|(name, value)| unit_word(&format!("{name}={value}")));
        let variables: String =
            variables.flat_map(|word| ["Environment=".to_owned(), word, "\n".to_owned()]).collect();
        let host = &self.host;
        let service = format!(
            "[Unit]\nDescription=Renew GitHub App installation tokens for {host}\n\
             Documentation=man:git-credential-github-app(1)\n\n\
             [Service]\nType=oneshot\n{variables}ExecStart={words}\nTimeoutStartSec=120\n"
        );
        let timer = format!(
            "[Unit]\nDescription=Renew GitHub App installation tokens for {host} every 30 minutes\n\n\
             [Timer]\nOnCalendar=*:00/30\nRandomizedDelaySec=120\nPersistent=true\n\n\
             [Install]\nWantedBy=timers.target\n"
        );
        let file = |kind: &str| dir.join(format!("{}.{kind}", self.unit()));
        Ok([(file("service"), service), (file("timer"), timer)])
    }

    /// The planned change.
    pub(super) fn units_in_words(&self) -> Result<String> {
        let mut parts = Vec::new();
        for (path, text) in self.units()? {
            let is_there = files::read(&path).is_ok_and(|known| known.as_ref() == Some(&text));
            let what = if is_there { "already in" } else { "write" };
            parts.push(format!("# {what} {}\n{text}", shown(&path)));
        }
        parts.push(format!("# enable {}.timer\n", self.unit()));
        Ok(parts.join("\n"))
    }

    pub(super) fn apply_systemd(&self, deadline: Deadline, changes: &mut Vec<Change>) -> Result<Applied> {
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
            done.push(format!("wrote {}", shown(&path)));
        }
        let timer = format!("{}.timer", self.unit());
        let enabled =
            systemctl(&["daemon-reload"], deadline) && systemctl(&["enable", "--now", &timer], deadline);
        changes.push(Change::TimerEnabled(timer.clone()));
        if enabled {
            done.push(format!("enabled {timer}"));
            return Ok(Applied { done, to_start: None });
        }
        let start = format!("systemctl --user daemon-reload && systemctl --user enable --now {timer}");
        Ok(Applied { done, to_start: Some(start) })
    }
}

/// Removes a unit, unless others have changed it. Returns what was done, in words.
pub fn undo_file(path: &Path, after: &str) -> Result<String> {
    let context = || format!("remove {}", path.display());
    match files::read(path).with_context(context)? {
        None => Ok(format!("no longer there: {}", shown(path))),
        Some(text) if hash(&text) == after => {
            std::fs::remove_file(path).with_context(context)?;
            Ok(format!("removed {}", shown(path)))
        }
        Some(_) => Err(Failure::new(Kind::Other, "it has been changed since").hint("remove it by hand"))
            .with_context(context),
    }
}

/// Disables a timer. If systemd cannot be reached, the timer is not running either.
pub fn undo_timer(timer: &str, deadline: Deadline) -> String {
    if systemctl(&["disable", "--now", timer], deadline) {
        format!("disabled {timer}")
    } else {
        format!("could not reach systemd to disable {timer}")
    }
}

fn systemctl(arguments: &[&str], deadline: Deadline) -> bool {
    let arguments = [&["--user", "--no-ask-password"], arguments].concat();
    run("systemctl", &arguments, b"", deadline).is_ok_and(|outcome| outcome.status.success())
}

/// A word of a unit (systemd.syntax(7), QUOTING). A doubled `%` stands for itself; `$` needs doubling only on a command
/// line (systemd.service(5), COMMAND LINES; systemd.exec(5), Environment=).
fn unit_word(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::setup::args::Timer;

    #[test]
    fn words_that_systemd_would_read_otherwise_are_escaped() {
        let command = ["/a %\"$\\", "refresh"].map(str::to_owned).to_vec();
        let variables = vec![("PATH", "/a $b%".to_owned())];
        let plan = TimerPlan::bare(Timer::Systemd, "h:1", command, variables);
        let [(path, service), _] = plan.units().unwrap();
        assert!(path.ends_with("systemd/user/git-credential-github-app-refresh-h-1.service"));
        let lines = "Environment=\"PATH=/a $b%%\"\nExecStart=\"/a %%\\\"$$\\\\\" \"refresh\"\n";
        assert!(service.contains(lines), "{service}");
    }
}
