//! Runs the timer's command once, in the timer's environment: what works in a shell may not work there, and a timer has
//! nobody to tell.

use std::process::Command;

use serde_json::Value;

use crate::commands::setup::args::Timer;
use crate::commands::setup::timer::TimerPlan;
use crate::platform::clock::Deadline;
use crate::platform::process::{self, Outcome};
use crate::settings::shell;
use crate::tokens::error::{Failure, HINT, Kind, OURS, escape};

/// The variables that cron sets (crontab(5)), whatever the shell has.
const CRON: [(&str, &str); 2] = [("SHELL", "/bin/sh"), ("PATH", "/usr/bin:/bin")];
/// The variables that the user's systemd takes from the user database and the session (systemd.exec(5), ENVIRONMENT
/// VARIABLES IN SPAWNED PROCESSES).
const SESSION: [&str; 5] = ["USER", "LOGNAME", "SHELL", "XDG_RUNTIME_DIR", "LANG"];
const SYSTEMD: [(&str, &str); 1] = [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")];
/// The checks of `doctor` that tell whether a token is available; the others concern only git and gh.
const LINKS: [&str; 5] = ["settings", "private key", "network", "App", "broker"];

/// Runs the timer's command.
///
/// # Errors
/// The command fails; with the kind of its exit status.
pub fn run(plan: &TimerPlan, deadline: Deadline) -> Result<(), Failure> {
    let mut command = match plan.kind {
        Timer::Cron => {
            let mut shell = bare("/bin/sh", plan.kind);
            shell.args(["-c", &format!("{} {}", plan.shell_command(), plan.marker())]);
            shell
        }
        Timer::Systemd => {
            let mut command = bare(&plan.command[0], plan.kind);
            command.args(&plan.command[1..]).envs(plan.variables.iter().map(|(name, value)| (name, value)));
            command
        }
        // The task does not exist yet, and will have this user's environment.
        Timer::Schtasks => return Ok(()),
    };
    let outcome = process::run_in_group(&mut command, b"", deadline);
    let outcome = outcome.map_err(|trouble| trouble.of("the timer's command"))?;
    if outcome.status.success() {
        return Ok(());
    }
    Err(explain(&outcome))
}

/// Checks what the command needs when it renews a token: with an empty cache, or a fresh token in it, the command
/// succeeds anyway. `known` are the checks that fail in this shell as well.
pub fn links(plan: &TimerPlan, known: &[&str], deadline: Deadline) -> Result<(), Failure> {
    let mut command = bare(&plan.command[0], plan.kind);
    let settings = plan.command[1..].iter().take_while(|word| *word != "refresh");
    command.args(settings).args(["doctor", "--json"]);
    command.envs(plan.variables.iter().map(|(name, value)| (name, value)));
    let outcome = process::run_in_group(&mut command, b"", deadline);
    let outcome = outcome.map_err(|trouble| trouble.of("doctor in the timer's environment"))?;
    let answer: Value = serde_json::from_slice(&outcome.stdout).unwrap_or_default();
    let text = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    let mut failed =
        answer["checks"].as_array().into_iter().flatten().filter(|check| check["state"] == "fail");
    let is_link = |check: &&Value| {
        let name = text(check, "name");
        LINKS.contains(&name.as_str()) && !known.contains(&name.as_str())
    };
    let first = failed.clone().next();
    let Some(check) = failed.find(is_link) else { return Ok(()) };
    // doctor exits with the kind of the first failure.
    let kind = if first == Some(check) { kind(&outcome) } else { Kind::Settings };
    let message = format!("{}: {}", text(check, "name"), text(check, "message"));
    Err(Failure::new(kind, message).hint(text(check, "hint")))
}

/// A program with only the timer's environment, started in the timer's directory.
fn bare(program: &str, kind: Timer) -> Command {
    let mut command = process::program(program);
    command.env_clear();
    if let Some(home) = shell::home() {
        command.env("HOME", &home);
        if home.is_dir() {
            command.current_dir(home);
        }
    }
    match kind {
        Timer::Cron => command.envs(shell::variables(&["LOGNAME"])).envs(CRON),
        Timer::Systemd | Timer::Schtasks => command.envs(SYSTEMD).envs(shell::variables(&SESSION)),
    };
    command
}

fn kind(outcome: &Outcome) -> Kind {
    match outcome.status.code() {
        Some(2 | 3) => Kind::Settings,
        Some(4) => Kind::Refused,
        Some(5) => Kind::Temporary,
        _ => Kind::Other,
    }
}

/// What the command printed, with its hints.
fn explain(outcome: &Outcome) -> Failure {
    let text = String::from_utf8_lossy(&outcome.stderr);
    let (hints, lines): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with(HINT));
    let said = lines.iter().rfind(|line| line.starts_with(OURS)).or(lines.last());
    let said = said.map_or("it gave no reason", |line| line.trim_start_matches(OURS));
    let failure = Failure::new(kind(outcome), escape(said));
    hints.into_iter().fold(failure, |failure, hint| failure.hint(escape(hint.trim_start_matches(HINT))))
}
