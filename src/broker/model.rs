//! The contract, written a second time: who may get what, as rules that every answer of the broker must meet. Used by
//! the fuzz target `paths` and by a property test. It calls nothing of the code that it checks.

use std::collections::{BTreeMap, BTreeSet};

#[cfg(test)]
mod tests;

/// An identity as a bearer file has it.
pub struct KnownBearer {
    /// The bearer.
    pub bearer: &'static str,
    /// The only workspace whose route it may use.
    pub workspace: Option<&'static str>,
    /// The widest scope it may get, as a line has it.
    pub limits: &'static str,
}

const fn identity(
    bearer: &'static str,
    workspace: Option<&'static str>,
    limits: &'static str,
) -> KnownBearer {
    KnownBearer { bearer, workspace, limits }
}

/// All identities.
pub const IDENTITIES: [KnownBearer; 8] = [
    identity("bearer-of-all", None, ""),
    identity("bearer-of-acme", None, "owner=acme"),
    identity("bearer-of-two", None, "owner=acme repository=docs repository=web"),
    identity(
        "bearer-of-reader",
        None,
        "owner=acme repository=docs repository=web permission=contents=read permission=issues=write",
    ),
    identity("bearer-of-one", Some("one"), "owner=acme repository=web permission=contents=write"),
    identity("bearer-of-odd", Some("a/b%é"), ""),
    identity("bearer-of-evil", None, "owner=evil repository=web permission=contents=admin"),
    identity("bearer-of-levels", None, "owner=acme permission=contents=write permission=issues=read"),
];

/// The limits in the settings of each broker.
pub const SERVERS: [&str; 4] = [
    "",
    "owner=acme",
    "owner=acme repository=docs permission=contents=read permission=issues=read",
    "permission=contents=write",
];

/// A request; the rest of it is always the same.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// `GET`.
    pub method: &'a [u8],
    /// Path and query.
    pub target: &'a [u8],
    /// The `Authorization` header, if there is one.
    pub authorization: Option<&'a [u8]>,
}

/// The outcome.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The answer's status.
    pub status: u16,
    /// The answer's body.
    pub body: Vec<u8>,
    /// The tokens minted meanwhile.
    pub minted: Vec<String>,
}

/// The levels of a permission; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Read,
    Write,
    Admin,
}

/// The scope of a line, the settings, a query or a token; if it names nothing of a kind, it means all of that kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct NamedScope {
    owners: BTreeSet<String>,
    repositories: BTreeSet<String>,
    permissions: BTreeMap<String, Level>,
}

impl NamedScope {
    /// `None`: it has an unknown word.
    fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut named = Self::default();
        for (key, value) in pairs {
            let value = value.to_ascii_lowercase();
            if value.is_empty() {
                return None;
            }
            match key {
                "owner" => drop(named.owners.insert(value)),
                "repository" => drop(named.repositories.insert(value)),
                "permission" => {
                    let (name, level) = value.split_once('=').filter(|(name, _)| !name.is_empty())?;
                    let level = match level {
                        "read" => Level::Read,
                        "write" => Level::Write,
                        "admin" => Level::Admin,
                        _ => return None,
                    };
                    // The lower of two levels counts.
                    let known = named.permissions.entry(name.to_owned()).or_insert(level);
                    *known = level.min(*known);
                }
                _ => return None,
            }
        }
        Some(named)
    }

    fn of_words(words: &str) -> Option<Self> {
        Self::of(words.split_whitespace().map(|word| word.split_once('=').unwrap_or((word, ""))))
    }

    /// Whether it is within a limit. All of a kind is more than any of it.
    fn is_within(&self, limit: &Self) -> bool {
        let owner = limit.owners.is_empty() || self.owners == limit.owners;
        let repositories = limit.repositories.is_empty()
            || (!self.repositories.is_empty() && self.repositories.is_subset(&limit.repositories));
        let is_allowed = |(name, level)| limit.permissions.get(name).is_some_and(|most| level <= most);
        let permissions = limit.permissions.is_empty()
            || (!self.permissions.is_empty() && self.permissions.iter().all(is_allowed));
        owner && repositories && permissions
    }
}

/// The scope of a query, if it can be parsed, and whether it must be: each name is plain and given once.
fn read_query(query: &[u8]) -> Option<(NamedScope, bool)> {
    let pairs = str::from_utf8(query).ok()?.split('&').filter(|pair| !pair.is_empty());
    let pairs: Vec<(&str, String)> = pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((key, String::from_utf8(decode(value.as_bytes())).ok()?))
        })
        .collect::<Option<_>>()?;
    let asked = NamedScope::of(pairs.iter().map(|(key, value)| (*key, value.as_str())))?;
    let is_plain = |(key, value): &(&str, String)| {
        let name =
            value.split_once('=').filter(|_| *key == "permission").map_or(value.as_str(), |(name, _)| name);
        name.len() <= 100 && name.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    let names = asked.owners.len() + asked.repositories.len() + asked.permissions.len();
    let is_plain =
        names == pairs.len() && names <= 100 && asked.owners.len() <= 1 && pairs.iter().all(is_plain);
    Some((asked, is_plain))
}

fn decode(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut decoded, mut at) = (Vec::new(), 0);
    while let Some(byte) = text.get(at) {
        if let (b'%', Some(high), Some(low)) = (byte, digit(at + 1), digit(at + 2)) {
            decoded.extend(u8::try_from(high * 16 + low));
            at += 3;
        } else {
            decoded.push(*byte);
            at += 1;
        }
    }
    decoded
}

/// What a target leads to.
enum ModelRoute {
    /// Tokens, without a workspace.
    Admin,
    /// Tokens of this workspace.
    Workspace(Vec<u8>),
    /// Open to everybody.
    Open,
    /// Open to everybody with a bearer.
    Metrics,
    Nowhere,
}

/// Route and query.
fn read_target(target: &[u8]) -> (ModelRoute, &[u8]) {
    let target = target.split(|byte| *byte == b'#').next().unwrap_or_default();
    let end = target.iter().position(|byte| *byte == b'?');
    let (path, query) = target.split_at(end.unwrap_or(target.len()));
    // A client may send the whole URL.
    let path = match path.windows(3).position(|part| part == b"://") {
        Some(at) if !path.starts_with(b"/") => {
            let rest = &path[at + 3..];
            &rest[rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len())..]
        }
        _ => path,
    };
    let segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let place = match segments[..] {
        [b"", b"admin", b"github-installation-token"] => ModelRoute::Admin,
        [b"", b"workspaces", id, b"github-installation-token"] => ModelRoute::Workspace(decode(id)),
        [b"", b"healthz" | b"readyz"] => ModelRoute::Open,
        [b"", b"metrics"] => ModelRoute::Metrics,
        _ => ModelRoute::Nowhere,
    };
    (place, query.strip_prefix(b"?").unwrap_or_default())
}

/// The identity of a header's bearer.
fn presented(authorization: Option<&[u8]>) -> Option<&'static KnownBearer> {
    let bearer = authorization?.strip_prefix(b"Bearer ")?.trim_ascii();
    IDENTITIES.iter().find(|identity| identity.bearer.as_bytes() == bearer)
}

/// Checks an answer of the broker with these limits in its settings; the error names the broken rule.
///
/// # Errors
/// The broker is at fault.
pub fn judge(server: &str, asking: &Asking, seen: &Observed) -> Result<(), &'static str> {
    let (place, query) = read_target(asking.target);
    let identity = presented(asking.authorization);
    let is_served = (200..300).contains(&seen.status);
    let has_token = token(&seen.body).is_some() || !seen.minted.is_empty();
    let hold = |rule: bool, broken| if rule { Ok(()) } else { Err(broken) };
    hold(is_served || matches!(seen.status, 400 | 401 | 403 | 404 | 405), "neither an answer nor a refusal")?;
    hold(is_served || !has_token, "a token though it is refused")?;
    let workspace = match place {
        ModelRoute::Admin => None,
        ModelRoute::Workspace(id) => Some(id),
        ModelRoute::Open => return hold(!has_token, "a token where there are none"),
        ModelRoute::Metrics => {
            return hold(!has_token && (!is_served || identity.is_some()), "metrics without a bearer");
        }
        ModelRoute::Nowhere => return hold(!is_served, "something where nothing is"),
    };
    match (asking.method, seen.status) {
        (b"GET", 200) => hold(token(&seen.body).is_some(), "an answer without a token")?,
        (b"GET" | b"HEAD", _) => hold(seen.status != 405, "not even GET")?,
        (b"DELETE", 204) => hold(!has_token, "a new token where one was to end")?,
        _ => hold(!is_served, "an answer to another method")?,
    }
    let Some(identity) = identity else {
        return hold(matches!(seen.status, 401 | 405), "past 401 without a bearer");
    };
    let own = identity.workspace.map(str::as_bytes);
    let has_id = workspace.as_ref().is_none_or(|id| !id.is_empty() && str::from_utf8(id).is_ok());
    let fits = has_id && (own.is_none() || workspace.as_deref() == own);
    hold(!is_served || fits, "another workspace's route")?;
    let Some((asked, is_plain)) = read_query(query) else {
        return hold(!is_served, "an answer to what cannot be read");
    };
    let limits = [identity.limits, server].map(|words| NamedScope::of_words(words).unwrap_or_default());
    let must = fits && is_plain && asking.method == b"GET";
    judge_grants(&limits, asked, must, seen)
}

/// The rules for a token's scope. A request that `must` be understood cannot be refused if the limits allow it.
fn judge_grants(
    limits: &[NamedScope],
    asked: NamedScope,
    must: bool,
    seen: &Observed,
) -> Result<(), &'static str> {
    let is_within_limits = |named: &NamedScope| limits.iter().all(|limit| named.is_within(limit));
    let granted = token(&seen.body);
    for token in granted.iter().chain(&seen.minted) {
        let grant = NamedScope::of_words(token).ok_or("a token that does not say what it is for")?;
        if !is_within_limits(&grant) {
            return Err("more than the limits allow");
        }
        if !grant.is_within(&asked) {
            return Err("more than was asked for");
        }
    }
    if granted.as_ref().is_some_and(|token| seen.minted.iter().any(|minted| minted != token)) {
        return Err("a token that nobody gets");
    }
    // A request for nothing gets the line's scope.
    let wanted = if asked == NamedScope::default() { limits[0].clone() } else { asked };
    let given = granted.as_deref().and_then(NamedScope::of_words);
    if must && is_within_limits(&wanted) && given.as_ref() != Some(&wanted) {
        return Err("something else than what is allowed");
    }
    Ok(())
}

/// The token in a body.
fn token(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some(body.get("token")?.as_str()?.to_owned())
}
