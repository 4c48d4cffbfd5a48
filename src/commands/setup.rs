//! `setup`: writes the settings file and git's configuration, and takes away again exactly what it wrote. Doing it twice
//! does nothing the second time.

use anyhow::Result;

use super::provide::note_origins;
use super::{doctor, print};
use crate::cli::{Options, SetupArgs};
use crate::report::Report;
use crate::secret::Secret;
use crate::settings::Sources;

mod closing;
mod files;
mod git_config;
mod plan;
mod program;
mod questions;
mod record;
mod settings_file;
mod terminal;
mod timer;
mod undo;
mod whose;

use plan::{Plan, Wish};
use whose::Whose;

/// Runs the command.
pub fn run(options: &Options, arguments: &SetupArgs, report: Report) -> Result<()> {
    // The option --profile goes here.
    let profile: Option<&str> = None;
    let whose = Whose::of(options, arguments)?;
    let mut options = whose.reading(options);
    if !arguments.undo && lacks_source(&options) && questions::can_ask() {
        questions::fill(&mut options)?;
    }
    let sources = Sources::read_or_empty(&options);
    let wish = Wish { options: &options, sources: &sources, arguments, profile };
    if arguments.undo {
        return undo::run(&wish, &whose, report).map_err(|error| whose.explain(error));
    }
    let settings = sources.settings()?;
    note_origins(&sources, report)?;
    let mut plan = Plan::make(&wish, whose, settings, report)?;
    if arguments.print {
        return print(&Secret::new(plan.to_text()?));
    }
    let timer::Applied { done, to_start } = plan.apply(report).map_err(|error| plan.whose.explain(error))?;
    let done = if done.is_empty() { vec!["everything was set up already".to_owned()] } else { done };
    print(&Secret::new(done.iter().flat_map(|line| [line, "\n"]).collect::<String>() + "\n"))?;
    let tried = plan.timer.as_ref().map(|timer| (timer, closing::try_timer(timer, &plan.settings)));
    // As git will run it: with the settings file, and without the options given here.
    let Options { config, verbose, quiet, color, .. } = options;
    let bare = Options { config, verbose, quiet, color, ..Options::default() };
    let is_usual = plan.whose.is_usual;
    let sources = if is_usual { Sources::read_or_empty(&bare) } else { Sources::read(&bare) };
    let mut checks = doctor::examine(&sources, None, report);
    if let Some((timer, tried)) = tried {
        closing::judge_timer(timer, &plan.settings, tried, to_start, &mut checks);
    }
    print(&Secret::new(checks.to_text(report)))?;
    let own_file = arguments.file.as_ref().map(|_| plan.git_file.as_path());
    print(&Secret::new(closing::verdict(&checks, &plan.settings, own_file, &plan.doctor())?))
}

/// Whether nothing says where tokens come from, and nothing else is wrong: that would have to be put right first.
fn lacks_source(options: &Options) -> bool {
    let sources = Sources::read_or_empty(options);
    let is_named =
        [&options.app_id, &options.broker_url, &options.private_key_file].into_iter().any(Option::is_some);
    !is_named && sources.settings().is_err() && sources.without_source().is_ok()
}

/// So many things, in words.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
