//! Revokes cached tokens, and reads what GitHub answers to a revocation.

use anyhow::{Context, Result};

use crate::platform::clock::{self, span};
use crate::tokens::cache::listing::CachedToken;
use crate::tokens::error::Failure;
use crate::tokens::github::api::{self, Api};
use crate::tokens::github::refusals;
use crate::tokens::host::Host;
use crate::tokens::http::{Answer, Client};
use crate::tokens::notes::Notes;

/// How a token has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By this call.
    Now,
    /// It had expired or was revoked already, which is as good.
    Before,
}

/// What an answer to [`api::revocation`] says.
///
/// # Errors
/// The token may still be valid.
pub fn outcome(answer: &Answer, api: Api) -> Result<Ended, Failure> {
    match answer.status {
        204 => Ok(Ended::Now),
        401 if answer.is_githubs_refusal() => Ok(Ended::Before),
        _ => Err(api.check(answer).err().unwrap_or_else(|| refusals::plain(answer))),
    }
}

/// Revokes a cached token at GitHub; one that has expired or was revoked is as good.
pub fn revoke(cached: &CachedToken, client: &Client, notes: Notes) -> Result<()> {
    let call = api::revocation(&cached.label.api_url, &cached.token.secret);
    let answer = client.send(&call).with_context(|| format!("revoke the token of {}", cached.name()))?;
    let host = Host::parse(&cached.label.host_url).unwrap_or_default();
    match outcome(&answer, Api { host: &host, url: &cached.label.api_url }) {
        Ok(Ended::Now) => notes.note(|| format!("revoked the token of {}", cached.name())),
        Ok(Ended::Before) => {
            notes.note(|| format!("the token of {} had expired or was revoked already", cached.name()));
        }
        Err(failure) => {
            let left = span(cached.token.facts.left(clock::now()).unwrap_or(0));
            let hint = format!("--local evicts it without asking GitHub; it expires by itself in {left}");
            return Err(failure.hint(hint)).with_context(|| format!("revoke the token of {}", cached.name()));
        }
    }
    Ok(())
}
