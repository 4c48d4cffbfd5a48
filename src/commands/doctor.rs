//! `doctor`: checks every link between git and GitHub, prints one line for each, and says how to fix what is wrong. It
//! changes nothing except a probe file in the cache, tries each server once, and shows no secret.
//!
//! A check is one file and one line in a list below. Some checks run once for each profile, others once for the machine
//! and the clone in the current directory.

use std::cell::Cell;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::commands::print;
use crate::platform::clock::Deadline;
use crate::report::Report;
use crate::settings::{Profile, Sources};
use crate::tokens::config::Config;
use crate::tokens::error::{escape, json_line};
use crate::tokens::host::Host;
use crate::tokens::secret::Secret;

mod app_key;
mod askpass;
mod cache;
mod check;
mod configuration;
mod fold;
mod gh;
mod git;
mod github_app;
mod helper_lines;
mod hint;
mod identity;
mod machine;
mod network;
mod obstacle;
mod reach;
mod remotes;
mod repository;
mod rewrites;
mod subject;

pub use check::Checks;
use machine::Machine;
use subject::Subject;

/// The checks of each profile, in the order in which they are shown. A later check may use what an earlier one noted in
/// [`Examined`].
const OF_SETTINGS: [fn(&Examined, &Machine, &mut Checks); 9] = [
    app_key::examine,
    network::examine,
    github_app::examine,
    cache::examine,
    configuration::examine,
    rewrites::examine,
    reach::examine,
    repository::examine,
    gh::examine,
];

/// The checks of a profile without a token source: there is nothing to ask for a token.
const WITHOUT_SOURCE: [fn(&Examined, &Machine, &mut Checks); 3] =
    [cache::examine, configuration::examine, rewrites::examine];

/// The checks of the machine and the clone.
const OF_MACHINE: [fn(&Machine, &mut Checks); 5] =
    [git::examine, helper_lines::examine, remotes::examine, askpass::examine, identity::examine];

/// Options of `doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Also list a repository's branches with git; takes OWNER/NAME or a URL
    #[arg(long, value_name = "OWNER/NAME")]
    pub repo: Option<String>,
}

/// Runs the command.
pub fn run(sources: &Sources, arguments: &DoctorArgs, report: Report) -> Result<()> {
    let target = arguments.repo.as_deref().map(|text| Subject::parse(text, &hosts(sources))).transpose()?;
    let checks = examine(sources, target.as_ref(), report);
    let text = if arguments.json { json_line(&checks.to_json()) + "\n" } else { checks.to_text(report) };
    print(&Secret::new(text))?;
    checks.verdict().map_err(Into::into)
}

/// Runs all checks, for `setup` too.
pub fn examine(sources: &Sources, target: Option<&Subject>, report: Report) -> Checks {
    let mut checks = Checks::default();
    let profiles = sources.profiles().unwrap_or_else(|failure| {
        checks.fail("settings", &failure.into());
        vec![sources.unnamed()]
    });
    let known = profiles.iter().filter_map(|profile| Some(profile.without_source().ok()?.timeout)).max();
    let deadline = Deadline::after(known.unwrap_or(Duration::from_secs(30)));
    let machine = Machine::look(hosts(sources), sources.named_file().as_deref(), deadline);
    for profile in &profiles {
        examine_profile(profile, target, &machine, report, &mut checks);
    }
    for check in OF_MACHINE {
        check(&machine, &mut checks);
    }
    checks
}

fn examine_profile(
    profile: &Profile,
    target: Option<&Subject>,
    machine: &Machine,
    report: Report,
    checks: &mut Checks,
) {
    match profile.settings() {
        Ok(settings) => {
            let name = profile.name.map(|name| format!("profile {name}: ")).unwrap_or_default();
            checks.ok("settings", name + &sources_in_words(&settings));
            examine_settings(&OF_SETTINGS, (settings, profile.name), target, machine, report, checks);
        }
        Err(failure) => {
            checks.fail_once("settings", &failure.into());
            if let Ok(settings) = profile.without_source() {
                examine_settings(&WITHOUT_SOURCE, (settings, profile.name), target, machine, report, checks);
            }
        }
    }
}

fn examine_settings(
    list: &[fn(&Examined, &Machine, &mut Checks)],
    (settings, profile): (Config, Option<&str>),
    target: Option<&Subject>,
    machine: &Machine,
    report: Report,
    checks: &mut Checks,
) {
    let target = target.filter(|target| target.is_at(&settings.host));
    let examined = Examined {
        deadline: machine.deadline,
        settings,
        profile,
        target,
        report,
        key_fails: Cell::new(false),
        several_owners: Cell::new(false),
        reaches: Cell::new(false),
        git_reaches: Cell::new(false),
    };
    for check in list {
        check(&examined, machine, checks);
    }
}

/// The hosts that these settings name.
fn hosts(sources: &Sources) -> Vec<Host> {
    let mut hosts: Vec<Host> = Vec::new();
    for host in sources.profiles().iter().flatten().filter_map(|profile| profile.host().ok()) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// The profile under check, and what earlier checks found out for later ones.
struct Examined<'a> {
    settings: Config,
    /// The profile's name, if the file has profiles.
    profile: Option<&'a str>,
    /// The repository that `--repo` names, if it is on this host.
    target: Option<&'a Subject>,
    deadline: Deadline,
    report: Report,
    /// Whether the private key is unusable, so that checks that need it do not report it again.
    key_fails: Cell<bool>,
    /// Whether the path must distinguish several owners.
    several_owners: Cell<bool>,
    /// Whether the git host answers, even with an untrusted certificate.
    reaches: Cell<bool>,
    /// The same for git, which has its own network settings and must also trust the certificate.
    git_reaches: Cell<bool>,
}

fn sources_in_words(settings: &Config) -> String {
    let Config { host, broker, app, .. } = settings;
    let broker = broker.as_ref().map(|broker| format!("tokens from the broker {}", escape(&broker.name())));
    let app = app.as_ref().map(|app| format!("the key of App {}", escape(&app.issuer)));
    let source = [broker, app].into_iter().flatten().collect::<Vec<_>>().join(", then ");
    format!("{} with {source}", host.name)
}
