//! The bearer file's lines: who may have which tokens, and the widest scope of each. Pure. Only hashes of bearers are
//! kept.
//!
//! A line: `NAME sha256:HEX [workspace=ID] [owner=LOGIN] [repository=NAME…] [permission=NAME=LEVEL…]`; blank lines and
//! lines that begin with `#` are skipped. No value may be given twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rsa::sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::broker::identity::{self, Identity};
use crate::tokens::scope::{self, Scope};
use crate::tokens::token::hex;

/// All lines.
#[derive(Debug, Default)]
pub struct Bearers {
    all: Vec<(Hash, Arc<Identity>)>,
    /// Lines by the first bytes of their hashes. Nobody can choose how the hash of a guess begins, so the time of a
    /// look-up reveals nothing.
    by_start: HashMap<Start, usize>,
}

/// SHA-256 of a bearer.
pub type Hash = [u8; 32];
type Start = [u8; 8];

fn start(hash: &Hash) -> Start {
    *hash.first_chunk().expect("32 bytes are more than 8")
}

/// A bearer's line without limits.
pub fn line(name: &str, bearer: &[u8]) -> String {
    format!("{name} sha256:{}", hex(&hash(bearer)))
}

/// The hash that identifies a bearer or any other credential.
pub fn hash(bearer: &[u8]) -> Hash {
    Sha256::digest(bearer).into()
}

impl Bearers {
    /// Parses a file's text. If the server's own settings do not name an owner (`has_owner`), a line with a repository
    /// or permission must.
    ///
    /// The first error, with the line's number but not its text, which may be the bearer itself.
    pub fn parse(text: &str, has_owner: bool) -> Result<Self, String> {
        let mut bearers = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (bearer, hash) =
                parse_line(line, has_owner).map_err(|wrong| format!("line {}: {wrong}", index + 1))?;
            let known = bearers.by_start.insert(start(&hash), bearers.all.len());
            if known.is_some() || bearers.has(&bearer.name) {
                return Err(format!("line {}: the name or the bearer is there already", index + 1));
            }
            bearers.all.push((hash, Arc::new(bearer)));
        }
        Ok(bearers)
    }

    /// The number of bearers.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// The number of bearers, in words.
    pub fn in_words(&self) -> String {
        match self.count() {
            0 => "no bearers: all are revoked".to_owned(),
            1 => "1 bearer".to_owned(),
            count => format!("{count} bearers"),
        }
    }

    /// Whether a bearer has this name.
    pub fn has(&self, name: &str) -> bool {
        self.all.iter().any(|(_, bearer)| &*bearer.name == name)
    }

    /// The identity of the bearer with this hash. Hashes are compared in constant time.
    pub fn find(&self, asked: &Hash) -> Option<&Arc<Identity>> {
        let (hash, identity) = &self.all[*self.by_start.get(&start(asked))?];
        bool::from(hash.ct_eq(asked)).then_some(identity)
    }
}

/// A limit to a repository or permission looks as if it were for one owner; without one it would apply to every owner.
const WITHOUT_OWNER: &str =
    "a repository or permission is named, and neither the line nor --owner names an owner";

fn parse_line(line: &str, has_owner: bool) -> Result<(Identity, Hash), &'static str> {
    let mut words = line.split_whitespace();
    let name = words.next().unwrap_or_default();
    let digest =
        words.next().and_then(|word| word.strip_prefix("sha256:")).ok_or("no sha256:HEX after the name")?;
    let hash = unhex(digest).ok_or("the hash is not 64 hexadecimal digits")?;
    if !identity::is_name(name) {
        return Err("the name holds characters that a log cannot show as they are");
    }
    let (mut owner, mut workspace) = (None, None);
    let (mut repositories, mut permissions) = (BTreeSet::new(), BTreeMap::new());
    for word in words {
        let known = match word.split_once('=') {
            Some(("workspace", id)) if identity::is_workspace(id) => {
                workspace.replace(id.to_owned()).is_some()
            }
            Some(("owner", login)) if scope::is_owner(login) => owner.replace(login).is_some(),
            Some(("repository", name)) if scope::is_repository(name) => {
                !repositories.insert(name.to_ascii_lowercase())
            }
            Some(("permission", pair)) => {
                let (name, level) = scope::permission(pair).ok_or("a permission is not NAME=LEVEL")?;
                permissions.insert(name, level).is_some()
            }
            _ => {
                return Err("a word is none of workspace=, owner=, repository= and permission= with a value");
            }
        };
        if known {
            // The higher level would grant too much, and the lower one may not be meant.
            return Err("a workspace, owner, repository or permission is named twice");
        }
    }
    if !has_owner && owner.is_none() && !(repositories.is_empty() && permissions.is_empty()) {
        return Err(WITHOUT_OWNER);
    }
    let repositories = Vec::from_iter(repositories);
    let limits = Scope::new(owner, &repositories, &permissions);
    Ok((Identity::of_bearer(name, workspace, limits), hash))
}

fn unhex(text: &str) -> Option<Hash> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] * 16 + pair[1]).collect();
    (digits.len() == 64).then_some(())?;
    bytes.try_into().ok()
}

/// The scope that an asker gets: what it asks for if the limit allows it, or the limit if it asks for nothing. `None`:
/// it asks for more than the limit.
pub fn within(limit: &Scope, asked: &Scope) -> Option<Scope> {
    let owner = match (&limit.owner, &asked.owner) {
        (Some(limit), Some(asked)) if limit != asked => return None,
        (Some(limit), _) => Some(limit.clone()),
        (None, asked) => asked.clone(),
    };
    let repositories = if asked.repositories.is_empty() { &limit.repositories } else { &asked.repositories };
    if !limit.repositories.is_empty() && !repositories.iter().all(|name| limit.repositories.contains(name)) {
        return None;
    }
    let permissions = if asked.permissions.is_empty() { &limit.permissions } else { &asked.permissions };
    if !limit.permissions.is_empty()
        && !scope::missing_permissions(permissions, &limit.permissions).is_empty()
    {
        return None;
    }
    Some(Scope { owner, repositories: repositories.clone(), permissions: permissions.clone() })
}

#[cfg(test)]
mod tests;
