//! `get`: answers git with a credential, or says why it cannot and stops git with that message.

use anyhow::Result;

use crate::commands::print;
use crate::platform::clock::Deadline;
use crate::report::Report;
use crate::session::request::{self, NEXT, Operation, Ours};
use crate::session::{ask, note_origins, provider};
use crate::settings::{OnFailure, Profile, Sources};
use crate::tokens::ask::TokenProvider;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::fault;
use crate::tokens::protocol::Reply;
use crate::tokens::scope::Repository;
use crate::tokens::secret::Secret;

/// Runs the operation.
pub fn run(sources: &Sources, report: Report) -> Result<()> {
    let mut on_failure = OnFailure::Quit;
    let outcome = fault::guarded(|| {
        let read = request::read(sources, Operation::Get, report);
        let Some(ours) = read.inspect_err(|_| on_failure = sources.on_failure())? else { return Ok(None) };
        on_failure = ours.profile.as_ref().map_or_else(|_| sources.on_failure(), Profile::on_failure);
        answer(ours, report)
    });
    match outcome {
        Ok(None) => Ok(()),
        Ok(Some(reply)) => print(&reply),
        Err(error) if on_failure == OnFailure::Quit => {
            report.error(&error);
            // Exit status 0: gitoxide would ignore the quit of a helper that fails.
            print(&Secret::new("quit=1\n".into()))
        }
        Err(error) => Err(error),
    }
}

/// The whole reply; `None` means not ours.
fn answer(ours: Ours, report: Report) -> Result<Option<Secret>> {
    let profile = ours.profile?;
    let settings = profile.settings()?;
    note_origins(&profile, report);
    let deadline = Deadline::after(settings.timeout);
    if settings.per_repository && ours.repository.is_none() {
        return Err(Failure::new(
            Kind::Settings,
            "per_repository is set, but git does not say which repository it wants",
        )
        .hint(format!("git config --global credential.{}.useHttpPath true", settings.host.url()))
        .into());
    }
    let Some(mut ask) = ask(&settings, ours.repository) else {
        report.tell(|| format!("not ours: the settings narrow tokens to other repositories; {NEXT}"));
        return Ok(None);
    };
    let request = ours.request;
    // A client that offers `state` asks again after a refusal; others may never report an outcome.
    ask.unreported = settings.verify && !request.state;
    ask.refused = request.our_state.clone().filter(|_| request.state);
    let token = match provider(&settings, &ask.scope, deadline, report).token(&ask) {
        Err(error) if Failure::of(&error).kind == Kind::NotInstalled => {
            report.tell(|| match (&ask.repository, report.is_verbose()) {
                (Some(Repository { owner, .. }), false) => {
                    format!("not ours: the App is not installed for {owner}; {NEXT}")
                }
                _ => format!("not ours: {error:#}"),
            });
            return Ok(None);
        }
        outcome => outcome?,
    };
    // A cached token may have been revoked, so git should ask again after a 401. Not on the second round, or it would
    // never end.
    let again = token.cached && ask.refused.is_none();
    let id = (request.state && (again || ask.refused.is_some())).then(|| token.id());
    let reply = Reply {
        user: request.user(),
        password: &token.secret,
        expiry: token.facts.expiry_for_git(),
        authtype: request.authtype,
        state: id.as_deref(),
        again,
    };
    Ok(Some(reply.to_secret()))
}
