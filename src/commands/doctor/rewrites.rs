//! `insteadOf` rules that rewrite a host's https URLs to where git does not ask the helper.

use crate::commands::doctor::Examined;
use crate::commands::doctor::check::Checks;
use crate::commands::doctor::hint::command;
use crate::commands::doctor::machine::Machine;
use crate::commands::doctor::obstacle::Obstacle;
use crate::programs::git::remote_url::Url;
use crate::programs::git::rewrite::{self, Rule};
use crate::tokens::error::escape;
use crate::tokens::host::Host;

const NAME: &str = "git configuration";

/// Checks each rule that git applies to URLs of the host.
pub fn examine(examined: &Examined, machine: &Machine, checks: &mut Checks) {
    let host = &examined.settings.host;
    let all = format!("{}/", host.url());
    let rules = rewrite::rules(machine.entries());
    for rule in &rules {
        let is_part = rule.prefix.starts_with(&all) && rule.prefix != all;
        if !is_part && !all.starts_with(rule.prefix) {
            continue;
        }
        let sample = format!("{}owner/name", if is_part { rule.prefix } else { &all });
        let is_applied =
            rewrite::applied(&rules, &sample, rule.push).is_some_and(|one| std::ptr::eq(one, rule));
        if is_applied {
            let which = if is_part { "some URLs" } else { "all URLs" };
            check_rule(rule, &rule.apply(&sample), which, machine, examined, checks);
        }
    }
}

/// How git would rewrite a URL of the host.
pub fn leads_away(url: &str, host: &Host, machine: &Machine) -> bool {
    let rules = rewrite::rules(machine.entries());
    rewrite::applied(&rules, url, false).is_some_and(|rule| {
        let used = Url::parse(&rule.apply(url));
        used.is_none_or(|used| machine.host_of(&used) != Some(host) || Obstacle::of(&used, host).is_some())
    })
}

fn check_rule(
    rule: &Rule<'_>,
    used: &str,
    which: &str,
    machine: &Machine,
    examined: &Examined,
    checks: &mut Checks,
) {
    let key = if rule.push { "a pushInsteadOf" } else { "an insteadOf" };
    let rule_in_words = format!("{key} rule in {}", escape(&rule.entry.origin));
    let which = format!("{which} of {}", examined.settings.host.name);
    let url = Url::parse(used);
    let host = url.as_ref().and_then(|url| machine.host_of(url));
    let (is_chosen, what) = match (&url, host.zip(url.as_ref()).map(|(host, url)| Obstacle::of(url, host))) {
        (_, Some(None)) => return,
        (None, _) => (false, format!("leads {which} to this machine's own files")),
        // A mirror with its own credential may be intended, and so may ssh for pushing.
        (Some(url), None) => (true, format!("leads {which} to {}", escape(&url.host))),
        (_, Some(Some(Obstacle::Secret))) => (false, format!("puts a password or token into {which}")),
        (_, Some(Some(Obstacle::Scheme(scheme)))) => {
            (rule.push, format!("leads {which} to {}, where no helper is asked", escape(&scheme)))
        }
        (_, Some(Some(Obstacle::Person(person)))) => {
            (rule.push, format!("puts the user {} into {which}", escape(&person)))
        }
    };
    let (message, hint) = (format!("{rule_in_words} {what}"), command(rule.entry.removal()));
    if is_chosen {
        checks.warn(NAME, message, hint);
    } else {
        checks.broken(NAME, message, hint);
    }
}
