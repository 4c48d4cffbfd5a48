//! The end of `setup`: the checks of `doctor`, the checks of the timer, and one line that says whether all is well.

use std::path::Path;

use crate::commands::doctor::Checks;
use crate::commands::setup::args::Timer;
use crate::commands::setup::counted;
use crate::commands::setup::timer::{self, trial};
use crate::platform::clock::Deadline;
use crate::programs::own;
use crate::programs::words::shell_word;
use crate::tokens::config::Config;
use crate::tokens::error::Failure;

/// The name of the timer's checks.
const TIMER: &str = "timer";

/// Runs the timer's command as the timer will.
pub fn try_timer(plan: &timer::TimerPlan, settings: &Config) -> Result<(), Failure> {
    trial::run(plan, Deadline::after(settings.timeout))
}

/// Adds the checks of the timer.
pub fn judge_timer(
    plan: &timer::TimerPlan,
    settings: &Config,
    tried: Result<(), Failure>,
    to_start: Option<String>,
    checks: &mut Checks,
) {
    if plan.kind == Timer::Schtasks {
        return;
    }
    let known = checks.failed();
    let tried = tried.and_then(|()| trial::links(plan, &known, Deadline::after(settings.timeout)));
    if let Err(failure) = tried {
        let message = format!("its command fails: {}", failure.message);
        let mut failure = Failure { message, ..failure };
        let missing = plan.missing.iter().map(|(name, cure)| format!("the timer has no {name}: {cure}"));
        failure.hints.extend(missing);
        if plan.runs_commands {
            let hint = "commands in the settings do not see this shell's variables there: set them inside the command";
            failure = failure.hint(hint);
        }
        checks.fail(TIMER, &failure.into());
    } else {
        checks.ok(TIMER, "its command works in the timer's own environment");
        for (name, cure) in &plan.missing {
            checks.warn(TIMER, format!("it does not have this shell's {name}"), cure.as_str());
        }
    }
    if let Some(command) = to_start {
        checks.warn(TIMER, "systemd could not be reached, so it is not enabled", command);
    }
}

/// Says whether all is well, and the next step.
///
/// # Errors
/// A check failed; with the kind of the first failure.
pub fn verdict(
    checks: &Checks,
    settings: &Config,
    git_file: Option<&Path>,
    doctor: &str,
) -> Result<String, Failure> {
    checks.verdict().map_err(|failure| {
        let message = format!("everything is written, but {}", failure.message);
        let mut failure = Failure { message, ..failure };
        if let Some(file) = git_file.filter(|_| checks.failed().contains(&"git configuration")) {
            let file = shell_word(&file.to_string_lossy());
            let include = format!("git config --global --add include.path {file}");
            failure = failure.hint(format!("git reads that file only if it is included: {include}"));
        }
        // doctor does not check timers.
        let setup = checks.failed().contains(&TIMER).then(own::command_line);
        let next = setup.as_deref().unwrap_or(doctor);
        failure.hint(format!("follow the hints above, then: {next}"))
    })?;
    let state = match checks.warnings() {
        0 => "all is well".to_owned(),
        count => format!("it works, with {}", counted(count, "warning")),
    };
    let owner = settings.owner.as_deref().unwrap_or("OWNER");
    Ok(format!("{state}; next: git clone {}/{owner}/REPOSITORY\n", settings.host.url()))
}
