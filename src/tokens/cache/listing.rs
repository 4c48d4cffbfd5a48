//! The tokens that are in the cache, whatever their scope: `status` lists them, `revoke` revokes them.

use std::io;

use anyhow::Result;

use crate::platform::clock::{self, Deadline};
use crate::tokens::cache::disk::Cache;
use crate::tokens::cache::entry::{Entry, Label};
use crate::tokens::error::{Failure, Kind, MORE_TIME, escape};
use crate::tokens::notes::Notes;
use crate::tokens::scope::Scope;
use crate::tokens::secret::Secret;
use crate::tokens::token::Token;

/// A cached token that is valid.
pub struct CachedToken {
    key: String,
    /// What it is for.
    pub label: Label,
    /// The token and what is known of it.
    pub token: Token,
}

/// All of them, by host, owner and scope.
///
/// # Errors
/// The directory cannot be listed. An entry that cannot be read is skipped with a warning.
pub fn list(cache: &Cache, notes: Notes) -> io::Result<Vec<CachedToken>> {
    let mut found = Vec::new();
    for (key, entry) in entries(cache, notes)? {
        if let (Some(token), Some(label)) = (entry.valid(clock::now()), entry.label().cloned()) {
            found.push(CachedToken { key, label, token });
        }
    }
    let order = |one: &CachedToken| {
        let Label { host_url, api_url, scope } = one.label.clone();
        (host_url, api_url, scope.owner, scope.repositories, scope.permissions, one.key.clone())
    };
    found.sort_by_cached_key(order);
    Ok(found)
}

/// The keys and scopes of all tokens, expired ones too: what has been asked for here.
///
/// # Errors
/// The directory cannot be listed. An entry that cannot be read is skipped with a warning.
pub fn scopes(cache: &Cache, notes: Notes) -> io::Result<Vec<(String, Scope)>> {
    let scope = |(key, entry): (String, Entry)| {
        let label = entry.label().filter(|_| entry.has_token())?;
        Some((key, label.scope.clone()))
    };
    Ok(entries(cache, notes)?.into_iter().filter_map(scope).collect())
}

fn entries(cache: &Cache, notes: Notes) -> io::Result<Vec<(String, Entry)>> {
    let mut found = Vec::new();
    for key in cache.keys()? {
        match cache.read(&key) {
            Ok(Some(stored)) => found.push((key, Entry::of(&stored))),
            Ok(None) => {}
            Err(error) => {
                notes.warn(&format!("cannot read {key}.json in the cache: {error}; skipping it"));
            }
        }
    }
    Ok(found)
}

impl CachedToken {
    /// The key of its entry: the file's name.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether its entry has this key.
    pub fn has_key(&self, key: &str) -> bool {
        self.key == key
    }

    /// What messages call it: the owner and the host.
    pub fn name(&self) -> String {
        let owner = self.label.scope.owner.as_ref().or(self.token.facts.account.as_ref());
        let host = self.label.host_url.split_once("://").map_or("", |(_, host)| host);
        match owner {
            Some(owner) => format!("{} at {host}", escape(owner)),
            None => host.to_owned(),
        }
    }

    /// Takes it out of the cache, if it is still there.
    ///
    /// # Errors
    /// The entry can be neither written nor removed; [`Kind::Temporary`] if another process holds its lock.
    pub fn evict(&self, cache: &Cache, deadline: Deadline) -> Result<()> {
        change(cache, &self.key, deadline, |entry| entry.withdraw(&self.token.id()))
    }
}

/// A host's credential was refused (or, without a password, is to be removed), and the repository is not known: evicts it
/// from each chosen entry.
///
/// # Errors
/// The first entry that could not be changed; all others are changed first.
pub fn evict_all(
    cache: &Cache,
    chosen: impl Fn(&Label) -> bool,
    password: Option<&Secret>,
    deadline: Deadline,
    notes: Notes,
) -> Result<()> {
    let evict = |entry: &mut Entry| entry.evict(password, clock::now());
    let mut outcome = Ok(());
    for (key, mut entry) in entries(cache, notes)? {
        if entry.label().is_some_and(&chosen) && evict(&mut entry) {
            outcome = outcome.and(change(cache, &key, deadline, evict));
        }
    }
    outcome
}

/// Changes an entry under its lock.
fn change(cache: &Cache, key: &str, deadline: Deadline, change: impl Fn(&mut Entry) -> bool) -> Result<()> {
    let lock = cache.lock(key, deadline).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => {
            let failure = Failure::new(Kind::Temporary, error.to_string());
            failure.hint(MORE_TIME).into()
        }
        _ => anyhow::Error::from(error),
    })?;
    let Some(stored) = cache.read(key)? else { return Ok(()) };
    let mut entry = Entry::of(&stored);
    if change(&mut entry)
        && let Err(error) = lock.write(&entry.to_bytes(), entry.mark())
    {
        lock.remove().map_err(|_| error)?;
    }
    Ok(())
}
