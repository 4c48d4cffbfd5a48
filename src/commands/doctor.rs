//! `doctor`: checks every link between git and GitHub, one line each, and says what to do about what is wrong. It
//! changes nothing but a probe file in the cache, tries each server once, and shows no secret.

use anyhow::Result;

use super::print;
use crate::cli::DoctorArgs;
use crate::clock::Deadline;
use crate::error::{Failure, Kind, escape};
use crate::report::Report;
use crate::scope::Repository;
use crate::secret::Secret;
use crate::settings::{Settings, Sources};

mod app;
mod cache;
mod check;
mod gh;
mod git;
mod key;
mod network;

pub use check::Checks;

/// Runs the command.
pub fn run(sources: &Sources, arguments: &DoctorArgs, report: Report) -> Result<()> {
    let repository = arguments.repo.as_deref().map(repository).transpose()?;
    let checks = examine(sources, repository.as_ref(), report);
    let text = if arguments.json { checks.to_json().to_string() + "\n" } else { checks.to_text(report) };
    print(&Secret::new(text))?;
    checks.verdict().map_err(Into::into)
}

/// Runs all checks, for `setup` too; without settings there is nothing to ask anybody with.
pub fn examine(sources: &Sources, repository: Option<&Repository>, report: Report) -> Checks {
    let mut checks = Checks::default();
    let settings = match sources.settings() {
        Ok(settings) => settings,
        Err(failure) => {
            checks.fail("settings", &failure.into());
            if let Ok(settings) = sources.without_source() {
                let patient = Patient { deadline: Deadline::after(settings.timeout), settings, report };
                cache::examine(&patient, &mut checks);
                git::examine(&patient, None, false, &mut checks);
            }
            return checks;
        }
    };
    let patient = Patient { deadline: Deadline::after(settings.timeout), settings, report };
    checks.ok("settings", patient.sources_in_words());
    key::examine(&patient, &mut checks);
    network::examine(&patient, &mut checks);
    let several_owners = app::examine(&patient, repository, &mut checks);
    cache::examine(&patient, &mut checks);
    git::examine(&patient, repository, several_owners, &mut checks);
    gh::examine(&patient, &mut checks);
    checks
}

/// Whose links are checked.
struct Patient {
    settings: Settings,
    deadline: Deadline,
    report: Report,
}

impl Patient {
    fn sources_in_words(&self) -> String {
        let Settings { host, broker, app, .. } = &self.settings;
        let broker =
            broker.as_ref().map(|broker| format!("tokens from the broker {}", escape(&broker.name())));
        let app = app.as_ref().map(|app| format!("the key of App {}", escape(&app.issuer)));
        let source = [broker, app].into_iter().flatten().collect::<Vec<_>>().join(", then ");
        format!("{} with {source}", host.name)
    }
}

fn repository(text: &str) -> Result<Repository, Failure> {
    let found = Repository::from_path(text.as_bytes()).filter(|_| text.matches('/').count() == 1);
    found.ok_or_else(|| {
        Failure::new(Kind::Usage, format!("option --repo: bad repository \"{}\"", escape(text)))
            .hint("expected OWNER/NAME, such as octo-org/hello")
    })
}
