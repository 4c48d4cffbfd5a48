//! What a mint asks for.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::tokens::cache::looked_up::Installation;

/// What to mint for, and the body that says so.
#[derive(Serialize)]
pub(crate) struct MintTarget<'a> {
    #[serde(skip)]
    pub installation: Installation,
    /// Left out where empty: an empty list is refused, or means something else.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub repositories: Vec<String>,
    /// In place of a name that is out of date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_ids: Option<[u64; 1]>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub permissions: &'a BTreeMap<String, String>,
}

impl MintTarget<'_> {
    /// Whether it is for less than all repositories.
    pub fn names_repositories(&self) -> bool {
        !self.repositories.is_empty() || self.repository_ids.is_some()
    }
}
