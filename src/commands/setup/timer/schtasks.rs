//! The command that creates a task of Windows' Task Scheduler. It is printed, not run: a task belongs to the user who
//! logs on, and may need a password.

use crate::commands::setup::timer::TimerPlan;
use crate::tokens::error::PROGRAM;

impl TimerPlan {
    /// For `cmd.exe`.
    pub(super) fn schtasks_line(&self) -> String {
        let command = self.command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        // Task names cannot contain a colon.
        let task = format!("{PROGRAM} {}", self.host.replace(':', "-"));
        format!("schtasks /Create /F /SC MINUTE /MO 30 /TN \"{task}\" /TR \"{command}\"")
    }

    /// What is to be done.
    pub(super) fn schtasks_in_words(&self) -> String {
        format!("# to create the task, run in cmd.exe\n{}\n", self.schtasks_line())
    }
}

/// Quotes a word inside the quotes of `/TR`.
fn quoted(word: &str) -> String {
    if word.contains([' ', '\\', '&', '(', ')', '^', '%']) {
        format!("\\\"{word}\\\"")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::setup::args::Timer;

    #[test]
    fn the_task_runs_the_command_with_its_words_apart() {
        let command = [r"C:\my tools\x.exe", "--config", r"C:\a\config.toml", "refresh", "--all"];
        let plan = TimerPlan::bare(
            Timer::Schtasks,
            "ghe.test:8443",
            command.map(str::to_owned).to_vec(),
            Vec::new(),
        );
        assert_eq!(
            plan.schtasks_line(),
            r#"schtasks /Create /F /SC MINUTE /MO 30 /TN "git-credential-github-app ghe.test-8443" /TR "\"C:\my tools\x.exe\" --config \"C:\a\config.toml\" refresh --all""#
        );
    }
}
