//! Who asks: a line of the bearer file, or an OIDC token that a rule of the trust file accepts. What the broker keeps, counts
//! and queues is kept, counted and queued by identity. Pure.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::tokens::error::escape;
use crate::tokens::scope::Scope;

/// The longest name of an identity or workspace that comes from claims, in bytes: it stands in each line of the logs.
pub const LONGEST_NAME: usize = 256;

/// An asker, and the most that it may get. Empty limits mean none.
#[derive(Debug)]
pub struct Identity {
    /// What logs call it.
    pub name: Arc<str>,
    /// The only workspace whose route it may use.
    pub workspace: Option<String>,
    /// Owner, repositories and permissions.
    pub limits: Scope,
    /// How it has proved itself.
    pub proof: Proof,
    /// Tells it from all others.
    key: String,
    /// What the audit log says of it, made once: members of a JSON object.
    pub audited: String,
}

/// What the audit log says where nobody is known.
pub const NOBODY: &str = r#""identity":null,"kind":null,"issuer":null,"subject":null,"claims":null"#;

/// How an identity has proved itself.
#[derive(Debug)]
pub enum Proof {
    /// By a bearer.
    Bearer,
    /// By an OIDC token.
    Oidc(Claimed),
}

/// What an OIDC token says of its bearer, as far as it mattered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claimed {
    /// The issuer's URL.
    pub issuer: String,
    /// `sub`, if there is one.
    pub subject: Option<String>,
    /// The claims that the rule has matched, by the rule's names of them.
    pub matched: Map<String, Value>,
}

impl Identity {
    /// Of a line in the bearer file. Names of bearers are unique, and hold no blanks.
    pub fn of_bearer(name: &str, workspace: Option<String>, limits: Scope) -> Self {
        let audited = audited(name, "bearer", None);
        Self { name: name.into(), workspace, limits, proof: Proof::Bearer, key: name.to_owned(), audited }
    }

    /// Of an OIDC token. Whoever differs in issuer, subject, workspace or name is somebody else; and so is every bearer, as
    /// this key begins with a blank.
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

/// Identities are equal by who they are, whatever they may have at the moment.
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

/// Whether an identity may be called so: one word that logs show as it is, and neither a comment nor the log's word for
/// nobody.
pub fn is_name(name: &str) -> bool {
    is_shown(name) && !name.contains(char::is_whitespace) && !name.starts_with('#') && name != "-"
}

/// Whether a workspace may have this ID, as far as the broker cares.
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
