//! What `get`, `store` and `erase` share: git's request, and whether it is ours.

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
    /// Whose request it is, or why nobody can tell.
    pub profile: Result<Profile<'a>, Failure>,
    /// As git sent it.
    pub request: Request,
    /// What its path names, if it has one.
    pub repository: Option<Repository>,
}

/// What git runs us for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It wants a credential.
    Get,
    /// One worked.
    Store,
    /// One was refused.
    Erase,
}

/// What follows where a `get` is not ours.
pub const NEXT: &str = "git asks its other helpers, then you";

/// Reads a request from stdin; `None`: not ours, which is no failure and deserves no word but to a person.
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
        // The host is not known, as the settings are wrong: a failed `get` must not stop git on hosts that are not
        // ours, but whoever has broken the settings has to be told.
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

/// Runs `change` on the cache entry that a `store` or an `erase` is about.
pub fn with_cached(ours: Ours, report: Report, change: impl FnOnce(&Cached, &Request)) -> Result<()> {
    let settings = ours.profile?.settings()?;
    let deadline = Deadline::after(settings.timeout);
    let Some(Ask { scope, .. }) = ask(&settings, ours.repository) else { return Ok(()) };
    change(&provider(&settings, &scope, deadline, report), &ours.request);
    Ok(())
}

/// A later git's operation: no output, success. A person at a terminal has mistyped, perhaps a `similar` command.
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
