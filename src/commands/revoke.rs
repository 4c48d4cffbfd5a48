//! `revoke`: ends cached tokens and evicts them. A token minted here is revoked at GitHub. A token from a broker may
//! have other holders, so the broker is asked. A token that has already expired is not an error.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::commands::{each, existing_cache};
use crate::platform::clock::Deadline;
use crate::programs::git::here::Here;
use crate::report::Report;
use crate::settings::Sources;
use crate::tokens::cache::disk::Cache;
use crate::tokens::cache::key;
use crate::tokens::cache::listing::{self, CachedToken};
use crate::tokens::config::Config;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::github::revocation;
use crate::tokens::http::Client;
use crate::tokens::scope::Scope;
use crate::tokens::source::remote::{RemoteBroker, Revoked};
use crate::tokens::token::Source;

/// Options of `revoke`
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// Revoke every cached token, of any host, owner and scope
    #[arg(long)]
    pub all: bool,
    /// Only evict; the token stays valid until it expires
    #[arg(long)]
    pub local: bool,
}

/// Runs the command.
pub fn run(sources: &Sources, arguments: &RevokeArgs, report: Report) -> Result<()> {
    let profiles = if arguments.all {
        sources.profiles()?
    } else {
        vec![sources.chosen(|host| Here::default().repository_at(host).map(|repository| repository.owner))?]
    };
    let mut emptied: Vec<PathBuf> = Vec::new();
    each(profiles, report, |profile| {
        let settings = profile.without_source()?;
        let Some(cache) = existing_cache(&settings)? else {
            report.note(|| "there is no cache, so there is no token to revoke".into());
            return Ok(());
        };
        // Profiles may share a cache; with --all, empty it only once.
        let dir = settings.cache_dir.clone().unwrap_or_default();
        if arguments.all && emptied.contains(&dir) {
            return Ok(());
        }
        emptied.push(dir);
        let tokens = listing::list(&cache, report.notes).context("list the cached tokens")?;
        let chosen = if arguments.all { tokens } else { choose(tokens, &settings)?.into_iter().collect() };
        if chosen.is_empty() {
            report.note(|| "no cached token to revoke".into());
        }
        let end = End { sources, settings: &settings, cache: &cache, local: arguments.local, report };
        // A token that cannot be revoked must not keep the others valid.
        each(chosen, report, |token| end.end(&token))
    })
}

/// Revokes and evicts tokens.
struct End<'a> {
    sources: &'a Sources<'a>,
    settings: &'a Config,
    cache: &'a Cache,
    local: bool,
    report: Report,
}

impl End<'_> {
    fn end(&self, token: &CachedToken) -> Result<()> {
        let deadline = Deadline::after(self.settings.timeout);
        if !self.local {
            match token.token.facts.source {
                Source::App => {
                    revocation::revoke(
                        token,
                        &Client::new(&self.settings.network, deadline, self.report.notes),
                        self.report.notes,
                    )?;
                }
                // Others may hold the same token: only the broker knows.
                Source::Broker => self.ask_broker(token, deadline)?,
            }
        }
        token.evict(self.cache, deadline).with_context(|| format!("evict the token of {}", token.name()))?;
        self.report.note(|| format!("evicted the token of {}", token.name()));
        Ok(())
    }

    /// Asks the broker that issued the token, if the settings still name it.
    fn ask_broker(&self, token: &CachedToken, deadline: Deadline) -> Result<()> {
        for profile in self.sources.profiles()? {
            let Ok(settings) = profile.settings() else { continue };
            let Some(broker) = &settings.broker else { continue };
            let scope = &token.label.scope;
            if !token.has_key(&key::of(&settings, scope)) {
                continue;
            }
            let broker = RemoteBroker::new(&settings, broker, deadline, self.report.notes);
            let done =
                broker.revoke(scope).with_context(|| format!("revoke the token of {}", token.name()))?;
            self.report.note(|| match done {
                Revoked::Asked => format!("asked the broker to end the token of {}", token.name()),
                Revoked::NoRoute => {
                    format!(
                        "the broker cannot revoke tokens: the token of {} is only evicted here",
                        token.name()
                    )
                }
            });
            return Ok(());
        }
        self.report.note(|| {
            format!(
                "the settings do not name the broker that issued the token of {}: it is only evicted here",
                token.name()
            )
        });
        Ok(())
    }
}

/// The one token that the settings mean. What they leave open may be anything, as long as exactly one token matches.
fn choose(cached: Vec<CachedToken>, settings: &Config) -> Result<Option<CachedToken>> {
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
        format!("{} cached tokens match, and nothing says which one to revoke", fitting.len()),
    )
    .hint(format!("tokens: {}", names.join(", ")))
    .hint(
        "choose one with --owner, --repository and --permission, or revoke all with --all; status lists them",
    )
}
