//! A line of the audit log: who asked for what, what was decided and why, and which token was handed out. Pure;
//! contains no secret.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::broker::identity::{self, Identity};
use crate::broker::log::{PATH, SCOPE, cut};
use crate::broker::oidc::presented::Invalid;
use crate::broker::peer::Peer;
use crate::broker::ready::{self, Ready};
use crate::platform::clock;
use crate::tokens::error::escape;
use crate::tokens::scope::Scope;

/// Bytes kept of a user agent.
const USER_AGENT: usize = 256;
/// Bytes kept of a permission's name; all real ones are shorter.
const PERMISSION: usize = 100;

/// The reason for a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A token was handed out.
    Granted,
    /// A token was renewed in the background.
    Renewed,
    /// A token was revoked.
    Revoked,
    /// There was no token to revoke, or others may hold it too.
    NothingToRevoke,
    /// The audit log can be written again after a failure.
    WritableAgain,
    /// The text the client got: too much, another workspace, a wrong query.
    Denied(&'static str),
    /// The token is not valid.
    Invalid(Invalid),
    /// The token is valid, but no rule matches.
    NoRule,
    /// GitHub did not mint or revoke the token.
    Failed,
}

impl Reason {
    /// The reason in words.
    pub fn text(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Granted => "granted",
            Self::Renewed => "renewed in the background",
            Self::Revoked => "revoked",
            Self::NothingToRevoke => "nothing of the asker's own to revoke",
            Self::WritableAgain => "the audit log can be written again",
            Self::Denied(text) => text,
            Self::Invalid(invalid) => return Cow::Owned(invalid.to_string()),
            Self::NoRule => "no rule of the trust file fits",
            Self::Failed => "GitHub did not do it: the cause is in the log",
        })
    }

    fn allows(&self) -> bool {
        !matches!(self, Self::Denied(_) | Self::Invalid(_) | Self::NoRule | Self::Failed)
    }
}

/// A line being built.
pub struct AuditLine<'a> {
    /// When, in seconds since 1970.
    pub time: i64,
    /// Why.
    pub reason: Reason,
    /// The identity; `None`: not authenticated.
    pub identity: Option<&'a Identity>,
    /// The workspace whose route was used.
    pub workspace: Option<&'a str>,
    /// The scope asked for.
    pub asked: Option<&'a Scope>,
    /// The token handed out or revoked, and whether it was in memory.
    pub token: Option<(&'a Ready, bool)>,
    /// The client; `None`: done in the background.
    pub client: Option<Peer>,
    /// The user agent.
    pub user_agent: Option<&'a str>,
    /// The trace that the request belongs to (<https://www.w3.org/TR/trace-context/#traceparent-header>).
    pub traceparent: Option<&'a str>,
}

impl AuditLine<'_> {
    /// A line with only a reason.
    pub fn new(time: i64, reason: Reason) -> Self {
        Self {
            time,
            reason,
            identity: None,
            workspace: None,
            asked: None,
            token: None,
            client: None,
            user_agent: None,
            traceparent: None,
        }
    }

    /// The line as written, with its newline. The parts that depend only on the identity or the token are made in
    /// advance, as every request waits for its line.
    pub fn to_text(&self) -> String {
        let own = self.identity.and_then(|identity| identity.workspace.as_deref());
        let (time, decision) =
            (clock::rfc3339(self.time), if self.reason.allows() { "allow" } else { "deny" });
        let reason = json(&self.reason.text());
        let identity = self.identity.map_or(identity::NOBODY, |identity| &identity.audited);
        let (workspace, asked) = if self.reason.allows() {
            (json(&self.workspace.or(own)), json(&self.asked))
        } else {
            let workspace = self.workspace.or(own).map(|id| cut(id, PATH));
            (json(&workspace), json(&self.asked.map(Refused::of)))
        };
        let token = self.token.map_or(ready::NO_TOKEN, |(ready, _)| &ready.audited);
        let cached = json(&self.token.map(|(_, cached)| cached));
        let client = json(&self.client.map(|client| client.to_string()));
        let user_agent = json(&self.user_agent.map(user_agent));
        let traceparent = json(&self.traceparent.filter(|text| is_traceparent(text)));
        format!(
            "{{\"time\":\"{time}\",\"decision\":\"{decision}\",\"reason\":{reason},{identity},\
             \"workspace\":{workspace},\"asked\":{asked},{token},\"cached\":{cached},\"client\":{client},\
             \"user_agent\":{user_agent},\"traceparent\":{traceparent}}}\n"
        )
    }
}

/// What a refused request asked for: only the first names are kept, so that refused clients cannot fill the disk.
#[derive(Serialize)]
struct Refused<'a> {
    owner: Option<&'a str>,
    repositories: Vec<&'a str>,
    permissions: BTreeMap<Cow<'a, str>, &'a str>,
    /// How many names were left out.
    #[serde(skip_serializing_if = "is_zero")]
    more: usize,
}

impl<'a> Refused<'a> {
    fn of(scope: &'a Scope) -> Self {
        let mut bytes = 0;
        let mut fits = |name: &str| {
            let fits = bytes <= SCOPE;
            bytes += name.len();
            fits
        };
        let repositories: Vec<&str> =
            scope.repositories.iter().map(String::as_str).filter(|name| fits(name)).collect();
        let permissions: BTreeMap<_, _> = scope
            .permissions
            .iter()
            .map(|(name, level)| (cut(name, PERMISSION), level.as_str()))
            .filter(|(name, _)| fits(name))
            .collect();
        let named = repositories.len() + permissions.len();
        let more = scope.repositories.len() + scope.permissions.len() - named;
        Self { owner: scope.owner.as_deref(), repositories, permissions, more }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(more: &usize) -> bool {
    *more == 0
}

fn json(value: &impl Serialize) -> String {
    // Neither strings nor scopes can fail.
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// A client may send anything as its user agent, even a secret.
fn user_agent(text: &str) -> String {
    cut(&escape(text), USER_AGENT).into_owned()
}

fn is_traceparent(text: &str) -> bool {
    let lengths = [2, 32, 16, 2];
    let mut parts = text.split('-');
    let fits = lengths.iter().all(|length| {
        parts.next().is_some_and(|part| {
            part.len() == *length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    });
    fits && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use serde_json::{Value, json};

    use super::*;
    use crate::broker::identity::Claimed;
    use crate::tokens::secret::Secret;
    use crate::tokens::token::{Facts, Source, Token};

    #[test]
    fn a_line_says_who_got_what_for_which_claims_and_not_the_token() {
        let matched = json!({ "ns": "agents" }).as_object().unwrap().clone();
        let claimed = Claimed { issuer: "https://i".into(), subject: Some("s".into()), matched };
        let limits = Scope { owner: Some("acme".into()), ..Scope::default() };
        let identity = Identity::of_claims("agents/web", Some("web-0".into()), limits, claimed);
        let facts = Facts {
            installation_id: Some(7),
            account: Some("Acme".into()),
            repositories: Some(vec!["website".into()]),
            permissions: Some([("contents".to_owned(), "write".to_owned())].into()),
            ..Facts::new(Source::App, Some(1_800_003_600))
        };
        let token = Token::fresh(Secret::new("ghs_x".into()), facts, clock::moment());
        let ready = Ready::new(token);
        let line = AuditLine {
            identity: Some(&identity),
            asked: Some(&Scope::default()),
            token: Some((&ready, true)),
            client: Some(Peer::Address(Ipv4Addr::LOCALHOST.into())),
            user_agent: Some("git/2\n{}"),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ..AuditLine::new(1_800_000_000, Reason::Granted)
        };
        let text = line.to_text();
        assert!(text.ends_with("}\n") && text.matches('\n').count() == 1 && !text.contains("ghs_"), "{text}");
        let expected = json!({
            "time": "2027-01-15T08:00:00Z", "decision": "allow", "reason": "granted",
            "identity": "agents/web", "kind": "oidc", "issuer": "https://i", "subject": "s",
            "claims": { "ns": "agents" }, "workspace": "web-0",
            "asked": { "owner": null, "repositories": [], "permissions": {} },
            "granted": {
                "owner": "Acme", "installation_id": 7, "repositories": ["website"],
                "permissions": { "contents": "write" },
            },
            // printf ghs_x | openssl dgst -sha256 -binary | base64
            "hashed_token": "nzHpBE+5Vsj//e27CI6v856CyTK2ZWvnFevqV7MueB8=",
            "expires_at": "2027-01-15T09:00:00Z", "cached": true, "client": "127.0.0.1",
            "user_agent": "git/2\\u{a}{}",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }

    #[test]
    fn refusals_are_denied_and_what_a_client_says_of_itself_is_cut() {
        let long = "x".repeat(5000);
        let line = AuditLine {
            user_agent: Some(&long),
            traceparent: Some("00-xyz"),
            ..AuditLine::new(0, Reason::Invalid(Invalid::Audience))
        };
        let json: Value = serde_json::from_str(&line.to_text()).unwrap();
        assert_eq!((json["decision"].as_str(), json["traceparent"].as_str()), (Some("deny"), None));
        assert_eq!(json["reason"], "the token is for another audience");
        assert_eq!(json["user_agent"], format!("{}...", "x".repeat(USER_AGENT - 3)));
    }

    #[test]
    fn only_the_first_names_that_a_refused_request_asks_for_are_kept() {
        let names: Vec<String> = (0..500).map(|number| format!("{number:0100}")).collect();
        let permissions = [("x".repeat(5000), "read".to_owned())].into();
        let (few, many) =
            (Scope::new(Some("acme"), &names[..2], &BTreeMap::new()), Scope::new(None, &names, &permissions));
        let workspace = "é".repeat(5000);
        let line = |reason, asked: &Scope| -> Value {
            let workspace = Some(&*workspace);
            let line = AuditLine { workspace, asked: Some(asked), ..AuditLine::new(0, reason) };
            serde_json::from_str(&line.to_text()).unwrap()
        };
        let refused = line(Reason::Denied("no"), &many);
        assert_eq!(refused["workspace"], format!("{}...", "é".repeat((PATH - 3) / 2)));
        let first = json!({ "owner": null, "repositories": names[..6], "permissions": {}, "more": 495 });
        assert_eq!(refused["asked"], first);
        let whole = json!({ "owner": "acme", "repositories": names[..2], "permissions": {} });
        assert_eq!(line(Reason::Denied("no"), &few)["asked"], whole);
        let long = line(Reason::Failed, &Scope::new(None, &[], &permissions));
        let cut = format!("{}...", "x".repeat(PERMISSION - 3));
        assert_eq!(long["asked"]["permissions"], json!({ cut: "read" }));
        let granted = line(Reason::Granted, &many);
        assert_eq!(granted["workspace"], workspace);
        assert_eq!(granted["asked"]["repositories"].as_array().unwrap().len(), 500);
    }
}
