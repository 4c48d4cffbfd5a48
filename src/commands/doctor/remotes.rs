//! The URLs of the clone in the current directory: whether git asks the helper for them, and if not, why.

use std::collections::HashSet;

use crate::commands::doctor::check::Checks;
use crate::commands::doctor::hint::{Hints, command};
use crate::commands::doctor::machine::Machine;
use crate::commands::doctor::obstacle::Obstacle;
use crate::platform::shell::quoted;
use crate::programs::git::clone::Clone;
use crate::programs::git::remote_url::{self, Url};
use crate::programs::git::remotes::{self, Destination, Remote};
use crate::programs::git::{ConfigEntry, wiring};
use crate::tokens::error::escape;
use crate::tokens::host::Host;
use crate::tokens::scope::Repository;

const NAME: &str = "remotes";
/// How many URLs to report.
const SHOWN: usize = 20;

/// Checks all URLs that lead to hosts of the settings.
pub fn examine(machine: &Machine, checks: &mut Checks) {
    let modules = match &machine.clone {
        Clone::None => return,
        Clone::Refused(directory) => {
            let message =
                format!("git refuses to work in {}, which belongs to another user", escape(directory));
            let trust = format!("git config --global --add safe.directory {}", quoted(directory));
            return checks.warn(NAME, message, command(trust));
        }
        Clone::Found(modules) => modules,
    };
    let entries = with_modules(machine.entries(), modules);
    let (mut good, mut found) = (Vec::new(), Vec::new());
    for remote in remotes::of(&entries) {
        let (Some(used), Some(written)) = (remote.used(), remote.written()) else { continue };
        let Some(host) = machine.host_of(&used) else { continue };
        match Obstacle::of(&used, host) {
            None if !written.has_secret() => good.push(in_words(&remote.target)),
            // An insteadOf rule put it there; the check of rewrites reports it.
            Some(_) if remote.is_rewritten && Obstacle::of(&written, host).is_none() => {}
            obstacle => found.push((remote, host, obstacle.unwrap_or(Obstacle::Secret))),
        }
    }
    show(machine, &good, &found, modules, checks);
}

/// Submodules that are not initialised have their URL only in `.gitmodules`.
fn with_modules(entries: &[ConfigEntry], modules: &[ConfigEntry]) -> Vec<ConfigEntry> {
    let known: HashSet<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    let new = modules.iter().filter(|entry| !known.contains(entry.key.as_str()));
    let new = new.filter(|entry| wiring::subsection(&entry.key, "submodule", "url").is_some());
    entries.iter().chain(new).cloned().collect()
}

fn show(
    machine: &Machine,
    good: &[String],
    found: &[(Remote<'_>, &Host, Obstacle)],
    modules: &[ConfigEntry],
    checks: &mut Checks,
) {
    if let Some((last, others)) = good.split_last() {
        let names = match others {
            [] => last.clone(),
            _ if others.len() < SHOWN => format!("{} and {last}", others.join(", ")),
            _ => format!("{} URLs", good.len()),
        };
        checks.ok(NAME, format!("git asks the helper for {names}"));
    }
    for (remote, host, obstacle) in found.iter().take(SHOWN) {
        let what = in_words(&remote.target);
        let hints = fix(remote, host, modules);
        match obstacle {
            Obstacle::Secret => {
                checks.broken(NAME, format!("the URL of {what} has a password or token in it"), hints);
            }
            Obstacle::Scheme(scheme) => {
                let hints = if scheme == "ssh" && can_be_rewritten(remote, host) {
                    hints.or("change it for all clones", format!("{} setup --insteadof", machine.me))
                } else {
                    hints
                };
                checks.warn(
                    NAME,
                    format!("{what} uses {}, so git does not ask the helper", escape(scheme)),
                    hints,
                );
            }
            Obstacle::Person(name) => {
                let message = format!(
                    "the URL of {what} names the user {}, so the helper does not answer",
                    escape(name)
                );
                checks.warn(NAME, message, hints);
            }
        }
    }
    if found.len() > SHOWN {
        let message = match found.len() - SHOWN {
            1 => "1 more URL is like these".to_owned(),
            more => format!("{more} more URLs are like these"),
        };
        checks.warn(NAME, message, "see them all with: git remote -v");
    }
}

fn in_words(target: &Destination) -> String {
    match target {
        Destination::Remote(name) => escape(name),
        Destination::Push(name) => format!("{} (push)", escape(name)),
        Destination::Submodule(name) => format!("the submodule {}", escape(name)),
        Destination::Key(key) => escape(key),
    }
}

/// The command that sets the URL for which git asks the helper.
fn fix(remote: &Remote<'_>, host: &Host, modules: &[ConfigEntry]) -> Hints {
    let repository = remote.used().and_then(|url| Repository::from_path(url.path.as_bytes()));
    let url = match repository {
        Some(Repository { owner, name }) => format!("{}/{owner}/{name}.git", host.url()),
        None => format!("{}/OWNER/NAME.git", host.url()),
    };
    command(match &remote.target {
        Destination::Remote(name) => format!("git remote set-url {} {url}", quoted(name)),
        Destination::Push(name) => format!("git remote set-url --push {} {url}", quoted(name)),
        Destination::Submodule(name) => submodule(name, &url, host, modules),
        Destination::Key(_) => remote.entry.change(&url),
    })
}

/// git copies what `.gitmodules` says, so a wrong URL is fixed there.
fn submodule(name: &str, url: &str, host: &Host, modules: &[ConfigEntry]) -> String {
    let value = |variable: &str| {
        let key = format!("submodule.{name}.{variable}");
        modules.iter().rfind(|entry| entry.key == key).map(|entry| entry.value.as_str())
    };
    let is_wrong = |url: &str| Url::parse(url).is_some_and(|url| Obstacle::of(&url, host).is_some());
    match (value("url"), value("path")) {
        (Some(written), Some(path)) if is_wrong(written) => {
            format!("git submodule set-url {} {url}", quoted(path))
        }
        (Some(_), _) => "git submodule sync --recursive".to_owned(),
        (None, _) => format!("git config {} {url}", quoted(&format!("submodule.{name}.url"))),
    }
}

/// Whether the URL begins as the rules of `setup --insteadof` do.
fn can_be_rewritten(remote: &Remote<'_>, host: &Host) -> bool {
    let name = remote_url::without_port(&host.name);
    let prefixes = [format!("git@{name}:"), format!("ssh://git@{name}/")];
    prefixes.iter().any(|prefix| remote.used.starts_with(prefix))
}
