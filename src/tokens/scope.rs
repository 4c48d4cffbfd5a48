//! What a token is for: the owner, and GitHub's two ways to narrow it, repositories and permissions. Pure.
//!
//! Names compare without case, so they are kept lower-cased, sorted and without repeats:
//! equal scopes are equal values and give equal cache keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::tokens::error::escape;

/// GitHub's limit for one mint
/// (<https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app>).
pub const MAX_REPOSITORIES: usize = 500;

/// Owner, repositories and permissions; empty means not narrowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// Whose installation, where that matters.
    pub owner: Option<String>,
    /// Repository names without owner.
    pub repositories: Vec<String>,
    /// Permission name to level (`read`, `write`, `admin`).
    pub permissions: BTreeMap<String, String>,
}

impl Scope {
    /// A scope in its normal form.
    pub fn new(owner: Option<&str>, repositories: &[String], permissions: &BTreeMap<String, String>) -> Self {
        let mut names: Vec<String> = repositories.iter().map(|name| name.to_ascii_lowercase()).collect();
        names.sort();
        names.dedup();
        Self {
            owner: owner.map(str::to_ascii_lowercase),
            repositories: names,
            permissions: permissions
                .iter()
                .map(|(name, level)| (name.to_ascii_lowercase(), level.to_ascii_lowercase()))
                .collect(),
        }
    }
}

/// The repository that a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// As spelled in the path.
    pub owner: String,
    /// Without `.git` and `.wiki`.
    pub name: String,
}

impl Repository {
    /// Reads `owner/repository[/…]` as git sends it; `None` for anything else, which is not ours.
    pub fn from_path(path: &[u8]) -> Option<Self> {
        let path = std::str::from_utf8(path).ok()?;
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = path.trim_matches('/');
        if path.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return None;
        }
        let mut segments = path.split('/');
        let (owner, name) = (segments.next()?, segments.next()?);
        let name = without_suffix(without_suffix(name, ".git"), ".wiki");
        (is_owner(owner) && is_repository(name))
            .then(|| Self { owner: owner.to_owned(), name: name.to_owned() })
    }
}

fn without_suffix<'a>(name: &'a str, suffix: &str) -> &'a str {
    match name.len().checked_sub(suffix.len()) {
        Some(cut) if name.is_char_boundary(cut) && name[cut..].eq_ignore_ascii_case(suffix) => &name[..cut],
        _ => name,
    }
}

/// Whether GitHub could have an account of that name; managed users hold `_`.
pub fn is_owner(name: &str) -> bool {
    (1..=100).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// Whether GitHub could have a repository of that name.
pub fn is_repository(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && !matches!(name, "." | "..")
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Whether a word could be a permission's name; the list grows often, so it is not checked against one.
fn is_permission(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// Reads `NAME=LEVEL`, lower-cased; names are not checked against a list, as GitHub adds new ones.
pub fn permission(text: &str) -> Option<(String, String)> {
    let text = text.to_ascii_lowercase();
    match text.split_once('=') {
        Some((name, level @ ("read" | "write" | "admin"))) if is_permission(name) => {
            Some((name.to_owned(), level.to_owned()))
        }
        _ => None,
    }
}

/// Levels as they include each other; `None`: GitHub has a new one.
fn rank(level: &str) -> Option<usize> {
    ["read", "write", "admin"].iter().position(|known| *known == level)
}

/// What is granted beyond what was asked for, in words. `metadata=read` comes with every set; a level that is not known
/// here may allow anything.
pub fn excess_permissions(
    asked: &BTreeMap<String, String>,
    granted: &BTreeMap<String, String>,
) -> Vec<String> {
    let beyond = granted.iter().filter_map(|(name, level)| {
        let shown = || format!("{}={}", escape(name), escape(level));
        match asked.get(name) {
            Some(asked) if rank(level).is_some_and(|level| Some(level) <= rank(asked)) => None,
            Some(asked) => Some(format!("{} (asked for: {asked})", shown())),
            None if (name.as_str(), level.as_str()) == ("metadata", "read") => None,
            None => Some(format!("{} (not asked for)", shown())),
        }
    });
    beyond.collect()
}

/// What is asked for beyond what is granted, in words, such as `contents=write (granted: read)`.
pub fn missing_permissions(
    asked: &BTreeMap<String, String>,
    granted: &BTreeMap<String, String>,
) -> Vec<String> {
    let beyond = asked.iter().filter_map(|(name, level)| match granted.get(name) {
        Some(granted) if rank(granted) >= rank(level) => None,
        Some(granted) => Some(format!("{name}={level} (granted: {})", escape(granted))),
        None => Some(format!("{name}={level} (not granted)")),
    });
    beyond.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_permission_is_named_with_what_is_granted() {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect()
        };
        let granted = map(&[("contents", "read"), ("issues", "write"), ("members", "admin")]);
        for (asked, missing) in [
            (&[("contents", "read"), ("issues", "read"), ("members", "write")][..], &[][..]),
            (&[("contents", "write")], &["contents=write (granted: read)"]),
            (
                &[("issues", "admin"), ("workflows", "write")],
                &["issues=admin (granted: write)", "workflows=write (not granted)"],
            ),
        ] {
            assert_eq!(missing_permissions(&map(asked), &granted), missing, "{asked:?}");
        }
    }

    #[test]
    fn paths_name_a_repository_or_are_not_ours() {
        let table: [(&str, Option<(&str, &str)>); 22] = [
            ("o/r.git", Some(("o", "r"))),
            ("o/r", Some(("o", "r"))),
            ("o/r/", Some(("o", "r"))),
            ("/o/r", Some(("o", "r"))),
            ("O/R", Some(("O", "R"))),
            ("o/r.wiki.git", Some(("o", "r"))),
            ("o/r.git.git", Some(("o", "r.git"))),
            ("o/r.git/info/lfs", Some(("o", "r"))),
            ("o/r.git?x=1", Some(("o", "r"))),
            ("o/r.git#f", Some(("o", "r"))),
            ("emu_corp/.github", Some(("emu_corp", ".github"))),
            ("", None),
            ("o", None),
            ("o//r.git", None),
            ("o/../p/r.git", None),
            ("o/.", None),
            ("o/.git", None),
            ("o/r%00.git", None),
            ("?.evil.example/o/r", None),
            ("o/r r", None),
            ("o.x/r", None),
            ("o/r/../s", None),
        ];
        for (path, expected) in table {
            let found = Repository::from_path(path.as_bytes());
            assert_eq!(found.as_ref().map(|r| (r.owner.as_str(), r.name.as_str())), expected, "{path}");
        }
        assert_eq!(Repository::from_path(b"o/r\xff.git"), None);
    }

    #[test]
    fn equal_scopes_are_equal_values() {
        let permissions = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(n, l)| ((*n).to_owned(), (*l).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let one = Scope::new(
            Some("Acme"),
            &["B".into(), "a".into(), "b".into()],
            &permissions(&[("contents", "Write")]),
        );
        let two = Scope::new(Some("acme"), &["a".into(), "b".into()], &permissions(&[("contents", "write")]));
        assert_eq!(one, two);
        assert_ne!(one, Scope::new(Some("acme"), &["a".into()], &permissions(&[("contents", "write")])));
    }
}
