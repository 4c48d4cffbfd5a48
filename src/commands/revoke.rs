//! `revoke`: ends cached tokens at GitHub and takes them out of the cache. A dead token is no failure.

use anyhow::{Context, Result};

use super::{each, existing_cache};
use crate::cache::Cache;
use crate::cli::RevokeArgs;
use crate::clock::Deadline;
use crate::error::{Failure, Kind};
use crate::http::Client;
use crate::provider::cached_tokens::{self, CachedToken};
use crate::report::Report;
use crate::scope::Scope;
use crate::settings::{Settings, Sources};

/// Runs the command.
pub fn run(sources: &Sources, arguments: &RevokeArgs, report: Report) -> Result<()> {
    let settings = sources.without_source()?;
    let deadline = Deadline::after(settings.timeout);
    let Some(cache) = existing_cache(&settings)? else {
        report.note(|| "there is no cache, so there is no token to revoke".into());
        return Ok(());
    };
    let cached = cached_tokens::list(&cache, report).context("list the cached tokens")?;
    let chosen = if arguments.all { cached } else { choose(cached, &settings)?.into_iter().collect() };
    if chosen.is_empty() {
        report.note(|| "no cached token to revoke".into());
    }
    let client = Client::new(&settings.network, deadline, report);
    let client = (!arguments.local).then_some(&client);
    // One that cannot be revoked must not keep the others alive.
    each(chosen, report, |token| end(&token, &cache, client, deadline, report))
}

fn end(
    token: &CachedToken,
    cache: &Cache,
    client: Option<&Client>,
    deadline: Deadline,
    report: Report,
) -> Result<()> {
    if let Some(client) = client {
        token.revoke(client, report)?;
    }
    token.evict(cache, deadline).with_context(|| format!("evict the token of {}", token.name()))?;
    report.note(|| format!("evicted the token of {}", token.name()));
    Ok(())
}

/// The one token that the settings mean: what they do not narrow is left open, as long as that leaves one.
fn choose(cached: Vec<CachedToken>, settings: &Settings) -> Result<Option<CachedToken>> {
    let wanted = Scope::new(settings.owner.as_deref(), &settings.repositories, &settings.permissions);
    let fits = |one: &CachedToken| {
        let scope = &one.label.scope;
        one.label.host_url == settings.host.url()
            && one.label.api_url == settings.api_url
            && (wanted.owner.is_none() || wanted.owner == scope.owner)
            && (wanted.repositories.is_empty() || wanted.repositories == scope.repositories)
            && (wanted.permissions.is_empty() || wanted.permissions == scope.permissions)
    };
    let mut fitting: Vec<CachedToken> = cached.into_iter().filter(fits).collect();
    if fitting.len() > 1 {
        let exact: Vec<usize> =
            (0..fitting.len()).filter(|&index| fitting[index].label.scope == wanted).collect();
        match exact[..] {
            [index] => return Ok(Some(fitting.swap_remove(index))),
            _ => return Err(ambiguous(&fitting).into()),
        }
    }
    Ok(fitting.pop())
}

fn ambiguous(fitting: &[CachedToken]) -> Failure {
    let mut names: Vec<String> = fitting.iter().map(CachedToken::name).collect();
    names.dedup();
    Failure::new(
        Kind::Settings,
        format!("{} cached tokens fit, and nothing says which one is meant", fitting.len()),
    )
    .hint(format!("tokens: {}", names.join(", ")))
    .hint("choose one with --owner, --repository and --permission, or take all with --all; status lists them")
}
