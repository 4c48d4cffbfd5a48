//! Explains what a trust file does with claims, for authors of rules. Pure.

use std::fmt::Write;

use serde_json::Value;

use crate::broker::identity::Identity;
use crate::broker::oidc::presented;
use crate::broker::trust::TrustRules;
use crate::broker::trust::claims::Claims;
use crate::broker::trust::issuer::Issuer;
use crate::broker::trust::rule::{Misfit, TrustRule};
use crate::tokens::error::escape;

/// Says what each rule does with these claims until one matches, and what the token would get. `None` instead of the
/// identity: nothing.
pub fn explain(rules: &TrustRules, claims: &Claims) -> (String, Option<Identity>) {
    let mut text = String::new();
    let Some(issuer) = issuer(rules, claims, &mut text) else { return (text, None) };
    for rule in &rules.rules {
        match rule.evaluate((&issuer.name, &issuer.url), claims) {
            Ok(identity) => {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "rule {}: fits", rule.number);
                grant(&identity, &mut text);
                return (text, Some(identity));
            }
            Err(misfit) => {
                let _ = writeln!(text, "rule {}: {}", rule.number, reason(rule, &misfit, claims));
            }
        }
    }
    text.push_str("no rule fits\n");
    (text, None)
}

/// The issuer of these claims.
fn issuer<'a>(rules: &'a TrustRules, claims: &Claims, text: &mut String) -> Option<&'a Issuer> {
    let shown = |claim: &str| claims.get(claim).map_or_else(|| "missing".to_owned(), value);
    let mut of_url = rules
        .issuers
        .iter()
        .filter(|issuer| claims.get("iss").is_some_and(|iss| *iss == issuer.url))
        .peekable();
    if of_url.peek().is_none() {
        let _ = writeln!(text, "no issuer has this url: iss is {}", shown("iss"));
        return None;
    }
    let found = of_url.find(|issuer| presented::has_audience(claims, &issuer.audience));
    let _ = match found {
        Some(issuer) => writeln!(text, "issuer {}: iss and aud fit", issuer.name),
        None => writeln!(text, "no issuer of this url has this audience: aud is {}", shown("aud")),
    };
    found
}

fn reason(rule: &TrustRule, misfit: &Misfit, claims: &Claims) -> String {
    match misfit {
        Misfit::Value(claim) => {
            let found = claim.find(claims).map(value).unwrap_or_default();
            format!("{misfit}: it is {found}")
        }
        Misfit::Issuer => format!("{misfit}, {}", rule.issuer),
        _ => misfit.to_string(),
    }
}

/// A claim as JSON.
fn value(value: &Value) -> String {
    escape(&value.to_string())
}

fn grant(identity: &Identity, text: &mut String) {
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key} = {value}");
    };
    line("name", &identity.name);
    line("workspace", identity.workspace.as_deref().unwrap_or("any"));
    let limits = &identity.limits;
    line("owner", limits.owner.as_deref().unwrap_or("any"));
    let all = |list: Vec<String>, none: &str| if list.is_empty() { none.to_owned() } else { list.join(" ") };
    line("repository", &all(limits.repositories.clone(), "all of the owner's"));
    let permissions = limits.permissions.iter().map(|(name, level)| format!("{name}={level}")).collect();
    line("permission", &all(permissions, "all that the App has"));
}
