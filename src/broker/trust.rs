//! The trust file: which OIDC tokens are accepted, and what they may get. Pure; files and network are elsewhere.

use std::path::Path;

use crate::broker::identity::Identity;

pub mod claims;
pub mod explain;
pub mod issuer;
mod issuers;
mod parse;
pub mod pattern;
pub mod rule;
mod tables;
mod tenants;
#[cfg(test)]
mod tests;

use claims::Claims;
use issuer::Issuer;
use rule::TrustRule;
pub use tables::TrustError;

/// The content of a trust file.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustRules {
    /// In the file's order.
    pub issuers: Vec<Issuer>,
    /// In the file's order: the first rule that matches decides.
    pub rules: Vec<TrustRule>,
    /// What is allowed but may mean more than intended.
    pub warnings: Vec<String>,
}

impl TrustRules {
    /// Parses a file's text. Relative paths in it start at `dir`.
    ///
    /// # Errors
    /// The first error.
    pub fn parse(text: &str, dir: &Path) -> Result<Self, TrustError> {
        parse::parse(text, dir)
    }

    /// The numbers of issuers and rules, in words.
    pub fn in_words(&self) -> String {
        let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        format!("{}, {}", count(self.issuers.len(), "issuer"), count(self.rules.len(), "rule"))
    }

    /// The identity for these claims of this issuer; `None`: no rule matches.
    pub fn identify(&self, issuer: &Issuer, claims: &Claims) -> Option<Identity> {
        self.rules.iter().find_map(|rule| rule.evaluate((&issuer.name, &issuer.url), claims).ok())
    }
}
