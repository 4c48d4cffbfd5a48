//! Whose name the commits carry: if `setup --identity` made it the bot's, variables and later lines can override it.

use crate::commands::doctor::check::Checks;
use crate::commands::doctor::hint::command;
use crate::commands::doctor::machine::Machine;
use crate::platform::shell;
use crate::programs::git::ConfigEntry;
use crate::settings::other_programs;
use crate::tokens::error::escape;

const NAME: &str = "identity";
/// How every bot's name ends; its address has the same before its host.
const BOT: &str = "[bot]";

/// Checks the name and address of authors and committers.
pub fn examine(machine: &Machine, checks: &mut Checks) {
    let lines = |key: &'static str| machine.entries().iter().filter(move |entry| entry.key == key);
    let is_bots = |line: &&ConfigEntry| line.value.ends_with(BOT) || line.value.contains("[bot]@");
    let Some(bot) = lines("user.name").rfind(is_bots) else { return };
    let mut hidden = false;
    let mut hide = |line: &ConfigEntry| {
        hidden = true;
        let (key, origin) = (&line.key, escape(&line.origin));
        let message = format!("{key} in {origin} overrides {}", escape(&bot.value));
        checks.warn(NAME, message, command(line.removal()));
    };
    for key in ["user.name", "user.email"] {
        let is_set_for_bot = lines(key).any(|line| is_bots(&line));
        lines(key)
            .next_back()
            .filter(|line| is_set_for_bot && !is_bots(line))
            .into_iter()
            .for_each(&mut hide);
    }
    for key in ["author.name", "author.email", "committer.name", "committer.email"] {
        lines(key).next_back().filter(|line| !is_bots(line)).into_iter().for_each(&mut hide);
    }
    let variables = other_programs::identity_variables();
    let others: Vec<&str> = variables
        .into_iter()
        .filter(|(_, value)| !(value.ends_with(BOT) || value.contains("[bot]@")))
        .map(|(name, _)| name)
        .collect();
    if !others.is_empty() {
        let verb = if others.len() == 1 { "hides" } else { "hide" };
        let (names, bot) = (others.join(", "), escape(&bot.value));
        let message = format!("{names} {verb} {bot}, whose commits these should be");
        checks.warn(NAME, message, command(shell::unset(&others)));
    } else if !hidden {
        checks.ok(NAME, format!("commits are those of {}", escape(&bot.value)));
    }
}
