//! The trust file: whose OIDC tokens are believed, and what their bearers may have. Pure; files and network are elsewhere.

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

/// What a trust file says.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustRules {
    /// In the file's order.
    pub issuers: Vec<Issuer>,
    /// In the file's order: the first that fits decides.
    pub rules: Vec<TrustRule>,
    /// What is allowed but may mean more than it seems.
    pub warnings: Vec<String>,
}

impl TrustRules {
    /// Reads a file's text. Paths in it are below `dir` where they are not absolute.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(text: &str, dir: &Path) -> Result<Self, TrustError> {
        parse::parse(text, dir)
    }

    /// How much there is, in words.
    pub fn in_words(&self) -> String {
        let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        format!("{}, {}", count(self.issuers.len(), "issuer"), count(self.rules.len(), "rule"))
    }

    /// Who has these claims of this issuer's; `None`: no rule fits.
    pub fn identify(&self, issuer: &Issuer, claims: &Claims) -> Option<Identity> {
        self.rules.iter().find_map(|rule| rule.judge((&issuer.name, &issuer.url), claims).ok())
    }
}
