//! A program that git asks for a user name and password if the helper does not answer: for an owner without the App, or
//! after a failure with `--on-failure next`.

use crate::commands::doctor::check::Checks;
use crate::commands::doctor::hint::command;
use crate::commands::doctor::machine::Machine;
use crate::platform::shell;
use crate::programs::git::{helper::Helper, wiring};
use crate::settings::other_programs;
use crate::tokens::error::escape;

/// Checks the fallbacks in git's order (gitcredentials(7), REQUESTING CREDENTIALS).
pub fn examine(machine: &Machine, checks: &mut Checks) {
    let entries = machine.entries();
    let last = |key: &str| entries.iter().rfind(|entry| entry.key == key);
    let is_helper = |key: &str| wiring::subsection(key, "credential", "helper").is_some();
    let has_us = entries.iter().any(|entry| is_helper(&entry.key) && Helper::from(entry).is_ours());
    // git 2.47 and later do not prompt then.
    let interactive = last("credential.interactive").map(|entry| entry.value.to_ascii_lowercase());
    let asks_nobody =
        interactive.is_some_and(|value| matches!(value.as_str(), "never" | "false" | "no" | "off" | "0"));
    // A variable that is set but empty disables all of them.
    if !has_us
        || asks_nobody
        || (other_programs::is_set("GIT_ASKPASS") && other_programs::variable("GIT_ASKPASS").is_none())
    {
        return;
    }
    let configured = last("core.askpass").filter(|entry| !entry.value.is_empty());
    let (what, hint) = if other_programs::variable("GIT_ASKPASS").is_some() {
        ("GIT_ASKPASS".to_owned(), shell::unset(&["GIT_ASKPASS"]))
    } else if let Some(line) = configured {
        (format!("core.askPass ({})", escape(&line.origin)), line.removal())
    } else if other_programs::variable("SSH_ASKPASS").is_some() && last("core.askpass").is_none() {
        // An empty GIT_ASKPASS leaves ssh its own.
        let hint = if shell::KEEPS_EMPTY_VARIABLES {
            shell::set("GIT_ASKPASS", "")
        } else {
            shell::unset(&["SSH_ASKPASS"])
        };
        ("SSH_ASKPASS".to_owned(), hint)
    } else {
        return;
    };
    checks.warn(
        "askpass",
        format!("if the helper does not answer, git runs the program of {what}"),
        command(hint),
    );
}
