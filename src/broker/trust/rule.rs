//! A rule of the trust file: which claims it matches, and what their owner may get. Pure. Whatever the claims contain,
//! nobody gets more than the rule says: a text that is not a valid name makes the rule fail to match, never match more.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::broker::identity::{self, Claimed, Identity, LONGEST_NAME};
use crate::broker::trust::claims::{ClaimPath, Claims, Template};
use crate::broker::trust::pattern::ClaimPattern;
use crate::tokens::scope::{self, Scope};

/// Characters that a log cannot show within one word.
const NOT_IN_A_WORD: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustRule {
    /// Its number in the file, from 1.
    pub number: usize,
    /// The issuer's name in the file.
    pub issuer: String,
    /// Conditions, all of which must be met.
    pub conditions: Vec<Condition>,
    /// The only workspace whose route may be used.
    pub workspace: Option<Template>,
    /// The identity's name in logs.
    pub name: Option<Template>,
    /// The owner of the installation.
    pub owner: Template,
    /// Names, or `OWNER/NAME` of that owner; empty: all.
    pub repositories: Vec<Template>,
    /// Empty: all that the App has.
    pub permissions: BTreeMap<String, String>,
}

/// A key of `match`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The claim.
    pub claim: ClaimPath,
    /// One of them must match.
    pub values: Vec<ClaimPattern>,
}

/// Why a rule does not match, without the claims' values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// The token is from another issuer.
    Issuer,
    /// The claim is missing.
    Missing(ClaimPath),
    /// The claim has another value.
    Value(ClaimPath),
    /// The text made from claims for this key is not a valid name.
    Name(&'static str),
    /// A repository of another owner.
    OtherOwner,
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Issuer => f.write_str("it is for another issuer"),
            Self::Missing(claim) => write!(f, "there is no claim {claim}"),
            Self::Value(claim) => write!(f, "{claim} is not what the rule requires"),
            Self::Name(key) => write!(f, "the claims do not give a valid {key}"),
            Self::OtherOwner => f.write_str("the repository is not the rule's owner's"),
        }
    }
}

impl TrustRule {
    /// The identity of a token with these claims, from this issuer (by name and URL).
    ///
    /// # Errors
    /// The rule does not match.
    pub fn evaluate(&self, (issuer, url): (&str, &str), claims: &Claims) -> Result<Identity, Misfit> {
        if issuer != self.issuer {
            return Err(Misfit::Issuer);
        }
        let mut matched = Map::new();
        for Condition { claim, values } in &self.conditions {
            let found = claim.find(claims).ok_or_else(|| Misfit::Missing(claim.clone()))?;
            if !values.iter().any(|value| value.fits(found)) {
                return Err(Misfit::Value(claim.clone()));
            }
            matched.insert(claim.to_string(), found.clone());
        }
        let subject = claims.get("sub").and_then(Value::as_str).map(str::to_owned);
        let workspace = self.workspace.as_ref().map(|template| workspace(template, claims)).transpose()?;
        let name = match &self.name {
            Some(template) => template.fill(claims),
            None => Some(default_name(issuer, subject.as_deref())),
        };
        let name = name.filter(|name| is_short_name(name)).ok_or(Misfit::Name("name"))?;
        let limits = self.limits(claims)?;
        let claimed = Claimed { issuer: url.to_owned(), subject, matched };
        Ok(Identity::of_claims(&name, workspace, limits, claimed))
    }

    fn limits(&self, claims: &Claims) -> Result<Scope, Misfit> {
        let owner = self.owner.fill(claims).filter(|owner| scope::is_owner(owner));
        let owner = owner.ok_or(Misfit::Name("owner"))?;
        let repository = |template: &Template| {
            let text = template.fill(claims).ok_or(Misfit::Name("repository"))?;
            repository(&text, &owner).map(str::to_owned)
        };
        let repositories: Vec<String> = self.repositories.iter().map(repository).collect::<Result<_, _>>()?;
        Ok(Scope::new(Some(&owner), &repositories, &self.permissions))
    }
}

/// The repository's own name; an owner before it must be the rule's.
pub fn repository<'a>(text: &'a str, owner: &str) -> Result<&'a str, Misfit> {
    let (of, name) = text.split_once('/').unwrap_or((owner, text));
    if !scope::is_repository(name) {
        return Err(Misfit::Name("repository"));
    }
    if of.eq_ignore_ascii_case(owner) { Ok(name) } else { Err(Misfit::OtherOwner) }
}

/// Whether an identity may have this name.
pub fn is_short_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME && identity::is_name(name)
}

/// Whether a workspace may have this ID.
pub fn is_short_workspace(id: &str) -> bool {
    id.len() <= LONGEST_NAME && identity::is_workspace(id) && !id.contains(char::is_whitespace)
}

fn workspace(template: &Template, claims: &Claims) -> Result<String, Misfit> {
    template.fill(claims).filter(|id| is_short_workspace(id)).ok_or(Misfit::Name("workspace"))
}

/// The issuer's name and the subject, as one word. Subjects may be long and contain blanks.
fn default_name(issuer: &str, subject: Option<&str>) -> String {
    let Some(subject) = subject else { return issuer.to_owned() };
    let mut name = format!("{issuer}/{}", utf8_percent_encode(subject, NOT_IN_A_WORD));
    if name.len() > LONGEST_NAME {
        name.truncate(LONGEST_NAME - 3);
        name.push_str("...");
    }
    name
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule() -> TrustRule {
        let template = |text| Template::parse(text).unwrap();
        TrustRule {
            number: 1,
            issuer: "ci".to_owned(),
            conditions: vec![Condition {
                claim: ClaimPath::parse("team").unwrap(),
                values: ["web", "docs-*"].map(|text| ClaimPattern::of_text(text).unwrap()).into(),
            }],
            workspace: Some(template("${job}")),
            name: Some(template("ci/${team}")),
            owner: template("acme"),
            repositories: vec![template("${repository}")],
            permissions: BTreeMap::from([("contents".to_owned(), "write".to_owned())]),
        }
    }

    fn judged(rule: &TrustRule, claims: &Value) -> Result<Identity, Misfit> {
        rule.evaluate(("ci", "https://ci.example"), claims.as_object().unwrap())
    }

    #[test]
    fn whoever_has_the_claims_gets_what_the_rule_says() {
        let claims = json!({ "sub": "s", "team": "docs-x", "job": 7, "repository": "Acme/Site", "x": 1 });
        let identity = judged(&rule(), &claims).unwrap();
        assert_eq!((&*identity.name, identity.workspace.as_deref()), ("ci/docs-x", Some("7")));
        assert_eq!(identity.limits.owner.as_deref(), Some("acme"));
        assert_eq!(identity.limits.repositories, ["site"]);
        let matched = json!({ "team": "docs-x" }).as_object().unwrap().clone();
        let claimed = Claimed { issuer: "https://ci.example".into(), subject: Some("s".into()), matched };
        assert!(matches!(&identity.proof, identity::Proof::Oidc(found) if *found == claimed));
    }

    #[test]
    fn claims_that_are_missing_wrong_or_no_names_make_the_rule_not_fit() {
        let team = || ClaimPath::parse("team").unwrap();
        for (changes, misfit) in [
            (json!({ "team": null }), Misfit::Value(team())),
            (json!({ "team": "other" }), Misfit::Value(team())),
            (json!({ "team": ["other"] }), Misfit::Value(team())),
            (json!({ "job": "a b" }), Misfit::Name("workspace")),
            (json!({ "job": "" }), Misfit::Name("workspace")),
            (json!({ "job": "x".repeat(LONGEST_NAME + 1) }), Misfit::Name("workspace")),
            (json!({ "job": null }), Misfit::Name("workspace")),
            (json!({ "team": ["web", "other"] }), Misfit::Name("name")),
            (json!({ "repository": "evil/site" }), Misfit::OtherOwner),
            (json!({ "repository": "acme/a/b" }), Misfit::Name("repository")),
            (json!({ "repository": "acme/" }), Misfit::Name("repository")),
            (json!({ "repository": "" }), Misfit::Name("repository")),
            (json!({ "repository": ".." }), Misfit::Name("repository")),
            (json!({ "repository": "a&owner=evil" }), Misfit::Name("repository")),
            (json!({ "repository": ["site"] }), Misfit::Name("repository")),
        ] {
            let mut claims = json!({ "sub": "s", "team": "web", "job": "j", "repository": "site" });
            for (key, value) in changes.as_object().unwrap() {
                claims[key] = value.clone();
            }
            assert_eq!(judged(&rule(), &claims).unwrap_err(), misfit, "{changes}");
        }
        assert_eq!(judged(&rule(), &json!({})).unwrap_err(), Misfit::Missing(team()));
        let other = rule().evaluate(("other", "https://ci.example"), &Claims::new());
        assert_eq!(other.unwrap_err(), Misfit::Issuer);
    }

    #[test]
    fn an_identity_without_a_name_is_called_by_issuer_and_subject() {
        let rule = TrustRule { name: None, workspace: None, repositories: Vec::new(), ..rule() };
        let long = "x".repeat(2000);
        for (sub, name) in [
            (json!("system:serviceaccount:agents:web"), "ci/system:serviceaccount:agents:web".to_owned()),
            (json!("repo:a/b:environment:Live EU\n"), "ci/repo:a/b:environment:Live%20EU%0A".to_owned()),
            (json!(long), format!("ci/{}...", "x".repeat(LONGEST_NAME - 6))),
            (json!(null), "ci".to_owned()),
        ] {
            let identity = judged(&rule, &json!({ "team": "web", "sub": sub })).unwrap();
            assert_eq!(*identity.name, name);
        }
    }
}
