//! What a request asks for: its query and its `Cache-Control` (RFC 9111, section 5.2.1). Pure.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;

use crate::tokens::scope::{self, Scope};

/// How fresh the token must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// Not one that was handed out before.
    pub new: bool,
    /// With this much time left, in seconds.
    pub min_fresh: i64,
}

/// Parses a query; the error says what is wrong, and quotes nothing that was sent.
pub fn scope(query: &str) -> Result<Scope, &'static str> {
    let mut owner = None;
    let (mut repositories, mut permissions) = (BTreeSet::new(), BTreeMap::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode_str(value).decode_utf8().map_err(|_| "the query is not UTF-8")?;
        match key {
            "owner" if owner.is_some() => return Err("owner is given twice"),
            "owner" if scope::is_owner(&value) => owner = Some(value.into_owned()),
            "owner" => return Err("owner is not a login"),
            "repository" if scope::is_repository(&value) => {
                if !repositories.insert(value.to_ascii_lowercase()) {
                    return Err("a repository is given twice");
                }
            }
            "repository" => return Err("repository is not a repository's name"),
            "permission" => {
                let (name, level) = scope::permission(&value)
                    .ok_or("permission is not name=level with level read, write or admin")?;
                if permissions.insert(name, level).is_some() {
                    return Err("a permission is given twice");
                }
            }
            _ => return Err("unknown query key; known are owner, repository and permission"),
        }
    }
    if repositories.len() > scope::MAX_REPOSITORIES {
        return Err("more than 500 repositories");
    }
    let repositories = Vec::from_iter(repositories);
    Ok(Scope::new(owner.as_deref(), &repositories, &permissions))
}

/// Parses all `Cache-Control` headers. The header is advice, so unknown directives are ignored.
pub fn wish<'a>(values: impl Iterator<Item = &'a str>) -> Freshness {
    let mut wish = Freshness::default();
    for directive in values.flat_map(|value| value.split(',')).map(str::trim) {
        let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
        if name.eq_ignore_ascii_case("no-cache") {
            wish.new = true;
        } else if name.eq_ignore_ascii_case("min-fresh")
            && let Ok(seconds) = argument.trim_matches('"').parse::<u32>()
        {
            wish.min_fresh = seconds.into();
        }
    }
    wish
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_narrow_or_are_wrong() {
        let known =
            scope("owner=Acme&repository=B&repository=a&permission=contents=write&permission=issues%3Dread")
                .unwrap();
        assert_eq!((known.owner.as_deref(), known.repositories.join(" ")), (Some("acme"), "a b".into()));
        assert_eq!(known.permissions.len(), 2);
        assert_eq!(scope(""), Ok(Scope::default()));
        for query in [
            "x=1",
            "owner",
            "owner=a&owner=b",
            "owner=a/b",
            "repository=..",
            "permission=x",
            "permission=a=b",
            "owner=%ff",
            "repository=a&repository=A",
            "permission=contents=read&permission=contents=write",
            "permission=contents=read&permission=Contents=read",
        ] {
            assert!(scope(query).is_err(), "{query}");
        }
    }

    #[test]
    fn cache_control_is_advice() {
        for (values, new, min_fresh) in [
            (&[""][..], false, 0),
            (&["no-cache"], true, 0),
            (&["No-Cache, min-fresh=2400"], true, 2400),
            (&["max-age=0", "min-fresh=\"60\""], false, 60),
            (&["min-fresh=soon, no-cachet"], false, 0),
        ] {
            assert_eq!(wish(values.iter().copied()), Freshness { new, min_fresh }, "{values:?}");
        }
    }
}
