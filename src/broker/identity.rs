//! An identity: a line of the bearer file, or an OIDC token that a rule of the trust file accepts. The broker keeps,
//! counts and queues everything by identity. Pure.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::tokens::error::escape;
use crate::tokens::scope::Scope;

/// The longest name of an identity or workspace from claims, in bytes, as every log line contains it.
pub const LONGEST_NAME: usize = 256;

/// An asker, and the widest scope that it may get. Empty limits mean none.
#[derive(Debug)]
pub struct Identity {
    /// Its name in logs.
    pub name: Arc<str>,
    /// The only workspace whose route it may use.
    pub workspace: Option<String>,
    /// Owner, repositories and permissions.
    pub limits: Scope,
    /// How it was authenticated.
    pub proof: Proof,
    /// A key that differs for each identity.
    key: String,
    /// Its part of an audit line, made once: members of a JSON object.
    pub audited: String,
}

/// The same part without an identity.
pub const NOBODY: &str = r#""identity":null,"kind":null,"issuer":null,"subject":null,"claims":null"#;

/// How an identity was authenticated.
#[derive(Debug)]
pub enum Proof {
    /// By a bearer.
    Bearer,
    /// By an OIDC token.
    Oidc(Claimed),
}

/// The part of an OIDC token that mattered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claimed {
    /// The issuer's URL.
    pub issuer: String,
    /// `sub`, if present.
    pub subject: Option<String>,
    /// The claims that the rule matched, by their names in the rule.
    pub matched: Map<String, Value>,
}

impl Identity {
    /// The identity of a line in the bearer file. Names of bearers are unique and contain no blanks.
    pub fn of_bearer(name: &str, workspace: Option<String>, limits: Scope) -> Self {
        let audited = audited(name, "bearer", None);
        Self { name: name.into(), workspace, limits, proof: Proof::Bearer, key: name.to_owned(), audited }
    }

    /// The identity of an OIDC token. It is distinguished by issuer, subject, workspace and name; the key begins with a
    /// blank, so it differs from every bearer's.
    pub fn of_claims(name: &str, workspace: Option<String>, limits: Scope, claimed: Claimed) -> Self {
        let key = format!(" {}", json!([claimed.issuer, claimed.subject, workspace, name]));
        let audited = audited(name, "oidc", Some(&claimed));
        Self { name: name.into(), workspace, limits, proof: Proof::Oidc(claimed), key, audited }
    }
}

fn audited(name: &str, kind: &str, claimed: Option<&Claimed>) -> String {
    let issuer = claimed.map(|claimed| &claimed.issuer);
    let subject = claimed.and_then(|claimed| claimed.subject.as_ref());
    let claims = claimed.map(|claimed| &claimed.matched);
    format!(
        r#""identity":{},"kind":"{kind}","issuer":{},"subject":{},"claims":{}"#,
        json!(name),
        json!(issuer),
        json!(subject),
        json!(claims)
    )
}

/// Identities are compared by who they are, not by what they may have.
impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Identity {}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

/// Whether an identity may have this name: one printable word that is neither a comment nor the log's mark for no
/// identity.
pub fn is_name(name: &str) -> bool {
    is_shown(name) && !name.contains(char::is_whitespace) && !name.starts_with('#') && name != "-"
}

/// Whether a workspace may have this ID, as far as the broker is concerned.
pub fn is_workspace(id: &str) -> bool {
    is_shown(id)
}

fn is_shown(text: &str) -> bool {
    !text.is_empty() && escape(text) == text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_claims(issuer: &str, subject: Option<&str>, workspace: Option<&str>, name: &str) -> Identity {
        let claimed =
            Claimed { issuer: issuer.into(), subject: subject.map(Into::into), matched: Map::new() };
        Identity::of_claims(name, workspace.map(Into::into), Scope::default(), claimed)
    }

    #[test]
    fn no_two_identities_are_taken_for_one() {
        let all = [
            Identity::of_bearer("a", None, Scope::default()),
            Identity::of_bearer("[\"https://i\",\"s\",null,\"a\"]", None, Scope::default()),
            of_claims("https://i", Some("s"), None, "a"),
            of_claims("https://j", Some("s"), None, "a"),
            of_claims("https://i", Some("t"), None, "a"),
            of_claims("https://i", None, None, "a"),
            of_claims("https://i", Some("s"), Some("w"), "a"),
            of_claims("https://i", Some("s"), Some("v"), "a"),
            of_claims("https://i", Some("s"), None, "b"),
            of_claims("https://i", Some("s\",null,\"a"), None, "a"),
        ];
        for (at, one) in all.iter().enumerate() {
            for (other_at, other) in all.iter().enumerate() {
                assert_eq!(one == other, at == other_at, "{one:?} {other:?}");
            }
        }
    }
}
