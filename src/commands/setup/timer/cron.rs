//! One marked line in the user's crontab.

use anyhow::Result;

use crate::commands::setup::record::Change;
use crate::commands::setup::timer::{TimerPlan, finished, run};
use crate::platform::clock::Deadline;
use crate::programs::words::shell_word;
use crate::tokens::error::OURS;

impl TimerPlan {
    /// At two minutes of the hour that differ between machines.
    fn crontab_line(&self, minute: u8) -> String {
        // cron reads `%` as a line end.
        let command = self.shell_command().replace('%', "\\%");
        format!("{minute},{} * * * * {command} {}", minute + 30, self.marker())
    }

    /// The command as cron's shell gets it, with the variables that cron does not set.
    pub(super) fn shell_command(&self) -> String {
        let variables = self.variables.iter().map(|(name, value)| format!("{name}={}", shell_word(value)));
        let words = self.command.iter().map(|word| shell_word(word));
        variables.chain(words).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn marker(&self) -> String {
        format!("# {OURS}{}", self.host)
    }

    /// The planned change.
    pub(super) fn line_in_words(&self, deadline: Deadline) -> String {
        match self.known_line(&crontab(deadline).unwrap_or_default()) {
            Some(line) => format!("# already in the crontab\n{line}\n"),
            None => format!("# add to the crontab\n{}\n", self.crontab_line(7)),
        }
    }

    /// The existing line with the same content, at any minute.
    fn known_line<'a>(&self, crontab: &'a str) -> Option<&'a str> {
        let known = crontab.lines().find(|line| line.ends_with(&self.marker()))?;
        let minute = known.split(',').next().and_then(|minute| minute.parse().ok()).filter(|at| *at < 30)?;
        (known == self.crontab_line(minute)).then_some(known)
    }

    pub(super) fn apply_cron(&self, deadline: Deadline, changes: &mut Vec<Change>) -> Result<Vec<String>> {
        let old = crontab(deadline)?;
        if self.known_line(&old).is_some() {
            return Ok(Vec::new());
        }
        let line = self.crontab_line(fastrand::u8(0..30));
        let others = old.lines().filter(|line| !line.ends_with(&self.marker()));
        let text: String = others.chain([line.as_str()]).flat_map(|line| [line, "\n"]).collect();
        write_crontab(&text, deadline)?;
        changes.push(Change::CrontabLine(line.clone()));
        Ok(vec![format!("added to the crontab: {line}")])
    }
}

/// Removes a line from the crontab, and an empty crontab with it. Returns what was done, in words.
pub fn undo(line: &str, deadline: Deadline) -> Result<String> {
    let old = crontab(deadline)?;
    if !old.lines().any(|known| known == line) {
        return Ok(format!("no longer in the crontab: {line}"));
    }
    let text: String = old.lines().filter(|known| *known != line).flat_map(|line| [line, "\n"]).collect();
    if text.is_empty() {
        finished(run("crontab", &["-r"], b"", deadline)?, "crontab -r")?;
    } else {
        write_crontab(&text, deadline)?;
    }
    Ok(format!("removed from the crontab: {line}"))
}

/// The user's crontab; empty if there is none.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::setup::args::Timer;

    #[test]
    fn words_that_cron_and_its_shell_would_read_otherwise_are_escaped() {
        let command = ["/opt/50% off/x", "refresh", "--config", "/a \"b\"$c"].map(str::to_owned).to_vec();
        let variables = vec![("PATH", "/bin".to_owned()), ("XDG_CACHE_HOME", "/a b".to_owned())];
        let plan = TimerPlan::bare(Timer::Cron, "github.com", command, variables);
        let line = "7,37 * * * * PATH=/bin XDG_CACHE_HOME=/a\\ b /opt/50\\%\\ off/x refresh --config /a\\ \\\"b\\\"\\$c # git-credential-github-app: github.com";
        assert_eq!(plan.crontab_line(7), line);
        assert_eq!(
            plan.known_line(&format!("x\n{}\n", plan.crontab_line(29))),
            Some(plan.crontab_line(29).as_str())
        );
        assert_eq!(plan.known_line(&plan.crontab_line(7).replace("refresh", "refresh -v")), None);
    }
}
