//! Shared by `get`, `store` and `erase`: git's request, and whether it is ours.

use std::ffi::OsString;
use std::io::{self, IsTerminal};

use anyhow::Result;

use crate::platform::clock::Deadline;
use crate::report::Report;
use crate::session::{ask, provider};
use crate::settings::{Fit, Profile, Sources};
use crate::tokens::ask::Ask;
use crate::tokens::error::{Failure, Kind, escape};
use crate::tokens::host::Host;
use crate::tokens::protocol::{self, Request};
use crate::tokens::scope::Repository;
use crate::tokens::source::cached::Cached;

/// A request that is ours by protocol, host, path and user name.
pub struct Ours<'a> {
    /// The profile of the request, or why it is unknown.
    pub profile: Result<Profile<'a>, Failure>,
    /// As git sent it.
    pub request: Request,
    /// The repository in its path, if it has one.
    pub repository: Option<Repository>,
}

/// Why git runs the helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It needs a credential.
    Get,
    /// A credential worked.
    Store,
    /// A credential was refused.
    Erase,
}

/// What happens after a `get` that is not ours.
pub const NEXT: &str = "git asks its other helpers, then you";

/// Reads a request from stdin. `None`: not ours, which is not a failure and is silent except on a terminal.
pub fn read<'a>(sources: &'a Sources, operation: Operation, report: Report) -> Result<Option<Ours<'a>>> {
    if io::stdin().is_terminal() {
        let name = format!("{operation:?}").to_ascii_lowercase();
        report.inform(&format!(
            "{name} waits for git's request on standard input: lines such as protocol=https and host=github.com, then an empty line"
        ));
    }
    let Some(request) = protocol::read(io::stdin().lock())? else { return Ok(None) };
    let tell = |text: &dyn Fn() -> String| {
        if operation == Operation::Get {
            report.tell(|| format!("not ours: {}; {NEXT}", text()));
        }
    };
    let repository = request.path.as_deref().map(Repository::from_path);
    let is_asked = |host: &Host| host.is_asked_by(&request.protocol, &request.host);
    let owner = repository.iter().flatten().next().map(|repository| repository.owner.as_str());
    let fit = sources.for_request(is_asked, owner);
    if let Some(name) = request.person() {
        if !matches!(fit, Fit::NotOurs | Fit::Unknown(_)) {
            tell(&|| format!("{} is a person's user name", escape(&String::from_utf8_lossy(name))));
        }
        return Ok(None);
    }
    if repository == Some(None) {
        return Ok(None);
    }
    let profile = match fit {
        Fit::Ours(profile) => Ok(profile),
        Fit::NotOurs => {
            if let Some(owner) = owner
                && !matches!(sources.for_request(is_asked, None), Fit::NotOurs | Fit::Unknown(_))
            {
                tell(&|| format!("no profile of this host is for {owner}"));
            }
            return Ok(None);
        }
        Fit::Failed(failure) => Err(failure),
        // The settings are wrong, so the host is unknown. A failed `get` must not stop git on hosts that are not ours,
        // but the user must learn that the settings are broken.
        Fit::Unknown(failure) if is_asked(&Host::default()) => Err(failure),
        Fit::Unknown(failure) => {
            if request.protocol == b"https" && !request.host.is_empty() {
                report.warn(&format!("{failure}; not answering"));
            }
            return Ok(None);
        }
    };
    Ok(Some(Ours { profile, request, repository: repository.flatten() }))
}

/// Runs `change` on the cache entry of a `store` or an `erase`.
pub fn with_cached(ours: Ours, report: Report, change: impl FnOnce(&Cached, &Request)) -> Result<()> {
    let settings = ours.profile?.settings()?;
    let deadline = Deadline::after(settings.timeout);
    let Some(Ask { scope, .. }) = ask(&settings, ours.repository) else { return Ok(()) };
    change(&provider(&settings, &scope, deadline, report), &ours.request);
    Ok(())
}

/// An operation of a future git: no output, success. On a terminal it is a typing mistake, perhaps for a `similar`
/// command.
pub fn unknown_operation(words: &[OsString], similar: fn(&str) -> Option<String>) -> Result<()> {
    if !io::stdin().is_terminal() {
        return Ok(());
    }
    let word = words.first().map(|word| escape(&word.to_string_lossy())).unwrap_or_default();
    let mut failure = Failure::new(Kind::Usage, format!("unknown command {word}"));
    if let Some(meant) = similar(&word) {
        failure = failure.hint(format!("did you mean {meant}?"));
    }
    Err(failure.hint("git-credential-github-app --help lists the commands").into())
}
