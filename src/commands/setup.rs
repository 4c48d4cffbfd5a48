//! `setup`: writes the settings file and git's configuration, and removes exactly what it wrote. A second run changes
//! nothing.

use anyhow::Result;

use crate::commands::{doctor, print, print_text};
use crate::report::Report;
use crate::session::note_origins;
use crate::settings::options::Options;
use crate::settings::schema::Key;
use crate::settings::{Given, Sources};
use crate::tokens::secret::Secret;

mod args;
mod closing;
mod files;
mod git_config;
mod placement;
mod plan;
mod questions;
mod record;
mod settings_file;
mod terminal;
mod timer;
mod undo;

pub use args::SetupArgs;
use args::SetupRequest;
use placement::Placement;
use plan::Plan;

/// Runs the command.
pub fn run(options: &Options, arguments: &SetupArgs, report: Report) -> Result<()> {
    let placement = Placement::of(&options.given, arguments)?;
    let mut given = placement.reading(&options.given);
    if !arguments.undo && lacks_source(&given) && questions::can_ask() {
        questions::fill(&mut given)?;
    }
    let sources = Sources::read_or_empty(&given);
    // If the file now has several profiles, the host decides which record is meant.
    let profile = match sources.to_write() {
        Err(_) if arguments.undo && given.has(Key::Host) => sources.unnamed(),
        outcome => outcome?,
    };
    let request = SetupRequest { given: &given, profile: &profile, arguments };
    if arguments.undo {
        return undo::run(&request, &placement, report).map_err(|error| placement.explain(error, true));
    }
    let settings = profile.settings()?;
    note_origins(&profile, report);
    let mut plan = Plan::make(&request, placement, settings, report)?;
    if arguments.print {
        return print_text(&plan.to_text()?);
    }
    let timer::Applied { done, to_start } = plan.apply(report)?;
    let done = if done.is_empty() { vec!["everything is already set up".to_owned()] } else { done };
    print_text(&(done.iter().flat_map(|line| [line, "\n"]).collect::<String>() + "\n"))?;
    let tried = plan.timer.as_ref().map(|timer| (timer, closing::try_timer(timer, &plan.settings)));
    // As git will run it: with the settings file, and without the options given here.
    let bare = given.only(&[Key::Config, Key::Profile]);
    let is_usual = plan.placement.is_usual;
    let sources = if is_usual { Sources::read_or_empty(&bare) } else { Sources::read(&bare) };
    let mut checks = doctor::examine(&sources, None, report);
    if let Some((timer, tried)) = tried {
        closing::judge_timer(timer, &plan.settings, tried, to_start, &mut checks);
    }
    print(&Secret::new(checks.to_text(report)))?;
    let own_file = arguments.file.as_ref().map(|_| plan.git_file.as_path());
    print_text(&closing::verdict(&checks, &plan.settings, own_file, &plan.doctor())?)
}

/// Whether the only thing missing is a token source. Any other error must be fixed first.
fn lacks_source(given: &Given) -> bool {
    let sources = Sources::read_or_empty(given);
    let Ok(profile) = sources.to_write() else { return false };
    let is_named = [Key::AppId, Key::BrokerUrl, Key::PrivateKeyFile].iter().any(|key| given.has(*key));
    !is_named && profile.settings().is_err() && profile.without_source().is_ok()
}

/// A count with its noun, in the right number.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
