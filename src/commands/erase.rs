//! `erase`: evicts the token that git says was refused, and no other. Without a path, it looks at every entry of the
//! host.

use std::path::PathBuf;

use anyhow::Result;

use crate::commands::existing_cache;
use crate::platform::clock::Deadline;
use crate::report::Report;
use crate::session::request::{self, Operation};
use crate::settings::Sources;
use crate::tokens::cache::entry::Label;
use crate::tokens::cache::listing;
use crate::tokens::config::Config;
use crate::tokens::host::Host;
use crate::tokens::protocol::Request;

/// Runs the operation.
pub fn run(sources: &Sources, report: Report) -> Result<()> {
    let Some(ours) = request::read(sources, Operation::Erase, report)? else { return Ok(()) };
    if ours.repository.is_none() {
        return everywhere(sources, &ours.request, report);
    }
    request::with_cached(ours, report, |cached, request| cached.evict(request.password.as_ref()))
}

/// Without a repository from git, any cached token of the host may be meant, and a user who erases the host means all
/// of them. Needs no token source: `erase` must work even if the settings are broken.
fn everywhere(sources: &Sources, request: &Request, report: Report) -> Result<()> {
    let profiles = sources.profiles().unwrap_or_else(|_| vec![sources.unnamed()]);
    let mut emptied: Vec<Option<PathBuf>> = Vec::new();
    for profile in profiles {
        let settings = profile.without_source()?;
        if !emptied.contains(&settings.cache_dir) {
            in_cache(&settings, request, report);
            emptied.push(settings.cache_dir);
        }
    }
    Ok(())
}

fn in_cache(settings: &Config, request: &Request, report: Report) {
    let cache = match existing_cache(settings) {
        Ok(Some(cache)) => cache,
        Ok(None) => return,
        Err(error) => return report.warn(&format!("cannot {error:#}")),
    };
    let of_host = |label: &Label| {
        Host::parse(&label.host_url).is_ok_and(|host| host.is_asked_by(&request.protocol, &request.host))
    };
    let password = request.password.as_ref();
    let deadline = Deadline::after(settings.timeout);
    if let Err(error) = listing::evict_all(&cache, of_host, password, deadline, report.notes) {
        report.warn(&format!("cannot evict all tokens of the host: {error:#}"));
    }
}
