//! The repository that `--repo` names.

use crate::error::{Failure, Kind, escape};
use crate::scope::Repository;

/// A repository.
#[derive(Debug)]
pub struct Target {
    /// Owner and name.
    pub repository: Repository,
}

impl Target {
    /// Reads the option.
    ///
    /// # Errors
    /// It names no repository.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::new(Kind::Usage, format!("option --repo: {what}"));
        let bad = || {
            wrong(&format!("bad repository \"{}\"", escape(text)))
                .hint("expected OWNER/NAME, such as octo-org/hello")
        };
        let found = Repository::from_path(text.as_bytes()).filter(|_| text.matches('/').count() == 1);
        found.map(|repository| Self { repository }).ok_or_else(bad)
    }

    /// As in a URL's path.
    pub fn path(&self) -> String {
        format!("{}/{}", self.repository.owner, self.repository.name)
    }
}
