//! Who may have which tokens: the bearer file's lines, and the most that each of them allows. Pure. Bearers are known
//! by their hashes alone.
//!
//! A line: `NAME sha256:HEX [workspace=ID] [owner=LOGIN] [repository=NAME…] [permission=NAME=LEVEL…]`; blank lines and
//! lines that begin with `#` are skipped. Nothing is named twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rsa::sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::tokens::error::escape;
use crate::tokens::scope::{self, Scope};
use crate::tokens::token::hex;

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
    /// Reads a file's text. Where the server's own settings do not name an owner (`has_owner`), a line with a
    /// repository or permission must.
    ///
    /// # Errors
    /// What is wrong, with the line's number and without the line: somebody may have put the bearer itself there.
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
            bearers.all.push((hash, bearer));
        }
        Ok(bearers)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// How many there are, in words.
    pub fn in_words(&self) -> String {
        match self.count() {
            0 => "no bearers: all are revoked".to_owned(),
            1 => "1 bearer".to_owned(),
            count => format!("{count} bearers"),
        }
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

/// A limit of one repository or permission reads as if it were for one owner: without an owner it would hold for each.
const WITHOUT_OWNER: &str =
    "a repository or permission is named, and neither the line nor --owner names an owner";

fn parse_line(line: &str, has_owner: bool) -> Result<(Bearer, Hash), &'static str> {
    let mut words = line.split_whitespace();
    let name = words.next().unwrap_or_default();
    let digest =
        words.next().and_then(|word| word.strip_prefix("sha256:")).ok_or("no sha256:HEX after the name")?;
    let hash = unhex(digest).ok_or("the hash is not 64 hexadecimal digits")?;
    if !is_name(name) {
        return Err("the name holds characters that a log cannot show as they are");
    }
    let (mut owner, mut workspace) = (None, None);
    let (mut repositories, mut permissions) = (BTreeSet::new(), BTreeMap::new());
    for word in words {
        let known = match word.split_once('=') {
            Some(("workspace", id)) if is_shown(id) => workspace.replace(id.to_owned()).is_some(),
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
            // Which of two levels is meant nobody knows, and the higher one would be a gift.
            return Err("a workspace, owner, repository or permission is named twice");
        }
    }
    if !has_owner && owner.is_none() && !(repositories.is_empty() && permissions.is_empty()) {
        return Err(WITHOUT_OWNER);
    }
    let repositories = Vec::from_iter(repositories);
    let limits = Scope::new(owner, &repositories, &permissions);
    Ok((Bearer { name: name.into(), workspace, limits }, hash))
}

/// Whether a bearer may be called so: one word that logs show as it is, and neither a comment nor the log's word for
/// nobody.
pub fn is_name(name: &str) -> bool {
    is_shown(name) && !name.contains(char::is_whitespace) && !name.starts_with('#') && name != "-"
}

fn is_shown(text: &str) -> bool {
    !text.is_empty() && escape(text) == text
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
        let parsed = Bearers::parse(&format!("x sha256:{} {text}", "0".repeat(64)), true).unwrap();
        parsed.all[0].1.limits.clone()
    }

    #[test]
    fn lines_are_read_and_bearers_are_found_by_their_hash() {
        let text = format!(
            "# who\n\n{}\n  {} workspace=ws-1 owner=Acme repository=B repository=a permission=contents=write\n",
            line("one", b"first"),
            line("two", b"second")
        );
        let bearers = Bearers::parse(&text, false).unwrap();
        assert_eq!(bearers.count(), 2);
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
            assert_eq!(Bearers::parse(&text, true), Err(wrong.to_owned()), "{text}");
        }
    }

    #[test]
    fn nothing_is_named_twice_in_any_spelling() {
        for limits in [
            "owner=acme owner=acme",
            "owner=acme owner=other",
            "workspace=a workspace=a",
            "owner=acme repository=website repository=website",
            "owner=acme repository=website repository=WebSite",
            "owner=acme permission=contents=read permission=contents=read",
            "owner=acme permission=contents=read permission=issues=read permission=Contents=write",
        ] {
            let line = format!("{} {limits}", line("x", b"x"));
            let wrong = "line 1: a workspace, owner, repository or permission is named twice";
            assert_eq!(Bearers::parse(&line, true), Err(wrong.to_owned()), "{limits}");
        }
    }

    #[test]
    fn a_repository_or_permission_is_one_of_an_owner() {
        let wrong = Err(format!("line 2: {WITHOUT_OWNER}"));
        for (limits, needs_owner) in [
            ("", false),
            ("workspace=ws-1", false),
            ("owner=acme", false),
            ("owner=acme repository=website permission=contents=read", false),
            ("repository=website", true),
            ("permission=contents=read", true),
            ("workspace=ws-1 permission=contents=read", true),
        ] {
            let text = format!("# who\n{} {limits}", line("x", b"x"));
            let parsed = |has_owner| Bearers::parse(&text, has_owner).map(drop);
            assert_eq!(parsed(true), Ok(()), "{limits}");
            assert_eq!(parsed(false), if needs_owner { wrong.clone() } else { Ok(()) }, "{limits}");
        }
    }

    #[test]
    fn a_name_is_what_a_log_can_show() {
        for (name, good) in [
            ("ws-1", true),
            ("agents/web", true),
            ("é", true),
            ("-", false),
            ("a\u{1b}[31m", false),
            ("a\u{7f}", false),
            ("a\u{9b}31m", false),
            ("a\u{202e}b", false),
            ("a\0", false),
            ("ghs_123456789012345678", false),
        ] {
            let line = line(name, b"x");
            assert_eq!(Bearers::parse(&line, true).is_ok(), good, "{name:?}");
            assert_eq!(is_name(name), good, "{name:?}");
        }
        for name in ["", "#", "#a", "a b", "a\u{a0}b", "a\n"] {
            assert!(!is_name(name), "{name:?}");
        }
        assert!(Bearers::parse(&format!("{} workspace=a\u{1b}", line("x", b"x")), true).is_err());
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
