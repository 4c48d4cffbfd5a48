//! Ends a token that is in the cache.

use anyhow::{Context, Result};

use crate::platform::clock::{self, span};
use crate::tokens::cache::listing::CachedToken;
use crate::tokens::github::api::{self, Api};
use crate::tokens::github::refusals;
use crate::tokens::host::Host;
use crate::tokens::http::Client;
use crate::tokens::notes::Notes;

/// Revokes a cached token at GitHub; one that has expired or was revoked is as good.
pub fn revoke(cached: &CachedToken, client: &Client, notes: Notes) -> Result<()> {
    let call = api::revocation(&cached.label.api_url, &cached.token.secret);
    let answer = client.send(&call).with_context(|| format!("revoke the token of {}", cached.name()))?;
    match answer.status {
        204 => notes.note(|| format!("revoked the token of {}", cached.name())),
        401 if answer.is_githubs_refusal() => {
            notes.note(|| format!("the token of {} had expired or was revoked already", cached.name()));
        }
        _ => {
            let left = span(cached.token.facts.left(clock::now()).unwrap_or(0));
            let host = Host::parse(&cached.label.host_url).unwrap_or_default();
            let foreign = Api { host: &host, url: &cached.label.api_url }.check(&answer).err();
            let failure = foreign
                .unwrap_or_else(|| refusals::plain(&answer))
                .hint(format!("--local evicts it without asking GitHub; it expires by itself in {left}"));
            return Err(failure).with_context(|| format!("revoke the token of {}", cached.name()));
        }
    }
    Ok(())
}
