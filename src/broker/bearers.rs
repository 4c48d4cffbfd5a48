//! Who may have which tokens: the bearer file's lines, and the most that each of them allows. Pure. Bearers are known
//! by their hashes alone.
//!
//! A line: `NAME sha256:HEX [workspace=ID] [owner=LOGIN] [repository=NAME…] [permission=NAME=LEVEL…]`; blank lines and
//! lines that begin with `#` are passed over.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rsa::sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::scope::{self, Scope};
use crate::token::hex;

/// Longer ones are nobody's.
const MAX_BEARER: usize = 4096;

/// One line of the file: a bearer and the most that it may get. Empty means no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bearer {
    /// For logs and the limiter.
    pub name: Arc<str>,
    /// Only this workspace's route.
    pub workspace: Option<String>,
    /// Owner, repositories and permissions.
    pub limits: Scope,
}

/// All lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bearers {
    all: Vec<(Hash, Bearer)>,
    /// Where those are whose hashes begin so. Nobody can choose how the hash of a guess begins, so that the time of a
    /// look-up tells nothing.
    by_start: HashMap<Start, usize>,
}

/// SHA-256 of a bearer.
type Hash = [u8; 32];
type Start = [u8; 8];

fn start(hash: &Hash) -> Start {
    *hash.first_chunk().expect("32 bytes are more than 8")
}

/// A bearer's line without limits.
pub fn line(name: &str, bearer: &[u8]) -> String {
    format!("{name} sha256:{}", hex(&Sha256::digest(bearer)))
}

impl Bearers {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong, with the line's number and without the line: somebody may have put the bearer itself there.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut bearers = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (bearer, hash) = parse_line(line).map_err(|wrong| format!("line {}: {wrong}", index + 1))?;
            let known = bearers.by_start.insert(start(&hash), bearers.all.len());
            if known.is_some() || bearers.has(&bearer.name) {
                return Err(format!("line {}: the name or the bearer is there already", index + 1));
            }
            bearers.all.push((hash, bearer));
        }
        Ok(bearers)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether a bearer of this name is there.
    pub fn has(&self, name: &str) -> bool {
        self.all.iter().any(|(_, bearer)| &*bearer.name == name)
    }

    /// Whose bearer this is. The hashes are compared in constant time.
    pub fn find(&self, bearer: &[u8]) -> Option<&Bearer> {
        if bearer.is_empty() || bearer.len() > MAX_BEARER {
            return None;
        }
        let asked: Hash = Sha256::digest(bearer).into();
        let (hash, bearer) = &self.all[*self.by_start.get(&start(&asked))?];
        bool::from(hash.ct_eq(&asked)).then_some(bearer)
    }
}

fn parse_line(line: &str) -> Result<(Bearer, Hash), &'static str> {
    let mut words = line.split_whitespace();
    let name = Arc::from(words.next().unwrap_or_default());
    let digest =
        words.next().and_then(|word| word.strip_prefix("sha256:")).ok_or("no sha256:HEX after the name")?;
    let hash = unhex(digest).ok_or("the hash is not 64 hexadecimal digits")?;
    let mut bearer = Bearer { name, ..Bearer::default() };
    let (mut repositories, mut permissions) = (Vec::new(), BTreeMap::new());
    let mut owner = None;
    for word in words {
        match word.split_once('=') {
            Some(("workspace", id)) if !id.is_empty() && bearer.workspace.is_none() => {
                bearer.workspace = Some(id.to_owned());
            }
            Some(("owner", login)) if scope::is_owner(login) && owner.is_none() => owner = Some(login),
            Some(("repository", name)) if scope::is_repository(name) => repositories.push(name.to_owned()),
            Some(("permission", pair)) => {
                let (name, level) = scope::permission(pair).ok_or("a permission is not NAME=LEVEL")?;
                permissions.insert(name, level);
            }
            _ => {
                return Err("a word is none of workspace=, owner=, repository= and permission= with a value");
            }
        }
    }
    bearer.limits = Scope::new(owner, &repositories, &permissions);
    Ok((bearer, hash))
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

/// The scope that an asker gets: what is asked for where the limit allows it, the limit where nothing is asked for.
/// `None`: more than the limit.
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
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        let parsed = Bearers::parse(&format!("x sha256:{} {text}", "0".repeat(64))).unwrap();
        parsed.all[0].1.limits.clone()
    }

    #[test]
    fn lines_are_read_and_bearers_are_found_by_their_hash() {
        let text = format!(
            "# who\n\n{}\n  {} workspace=ws-1 owner=Acme repository=B repository=a permission=contents=write\n",
            line("one", b"first"),
            line("two", b"second")
        );
        let bearers = Bearers::parse(&text).unwrap();
        assert_eq!(bearers.len(), 2);
        assert_eq!(&*bearers.find(b"first").unwrap().name, "one");
        let two = bearers.find(b"second").unwrap();
        assert_eq!((two.workspace.as_deref(), two.limits.owner.as_deref()), (Some("ws-1"), Some("acme")));
        assert_eq!(two.limits.repositories, ["a", "b"]);
        for other in [&b""[..], b"third", b"first ", &[b'x'; 5000]] {
            assert!(bearers.find(other).is_none());
        }
    }

    #[test]
    fn a_bad_line_is_named_by_its_number_and_not_shown() {
        let good = line("a", b"x");
        for (text, wrong) in [
            ("a".to_owned(), "line 1: no sha256:HEX after the name"),
            (format!("{good}\nb hunter2"), "line 2: no sha256:HEX after the name"),
            ("a sha256:12".to_owned(), "line 1: the hash is not 64 hexadecimal digits"),
            (
                format!("\n{good} ownr=x"),
                "line 2: a word is none of workspace=, owner=, repository= and permission= with a value",
            ),
            (format!("{good} permission=contents"), "line 1: a permission is not NAME=LEVEL"),
            (format!("{good}\n{good}"), "line 2: the name or the bearer is there already"),
        ] {
            assert_eq!(Bearers::parse(&text), Err(wrong.to_owned()), "{text}");
        }
    }

    #[test]
    fn nobody_gets_more_than_the_limit_and_less_is_allowed() {
        for (limit, asked, given) in [
            ("", "", Some("")),
            (
                "",
                "owner=o repository=r permission=contents=write",
                Some("owner=o repository=r permission=contents=write"),
            ),
            ("owner=o", "", Some("owner=o")),
            ("owner=o", "owner=O", Some("owner=o")),
            ("owner=o", "owner=p", None),
            ("repository=a repository=b", "", Some("repository=a repository=b")),
            ("repository=a repository=b", "repository=B", Some("repository=b")),
            ("repository=a", "repository=a repository=c", None),
            ("permission=contents=write", "", Some("permission=contents=write")),
            ("permission=contents=write", "permission=contents=read", Some("permission=contents=read")),
            ("permission=contents=read", "permission=contents=write", None),
            ("permission=contents=write", "permission=issues=read", None),
        ] {
            assert_eq!(within(&scope(limit), &scope(asked)), given.map(scope), "{limit} / {asked}");
        }
    }
}
