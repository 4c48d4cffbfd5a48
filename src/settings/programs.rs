//! What the environment says about other programs: where gh keeps its login, and which tokens gh and git would find
//! there before ours.

use std::path::PathBuf;

use super::hosts::Host;
use super::sources::environment;
use crate::error::Failure;
use crate::secret::Secret;

/// gh's variables for github.com and data residency, and for Enterprise Server; the first of each pair wins
/// (<https://cli.github.com/manual/gh_help_environment>).
const PAIRS: [[&str; 2]; 2] =
    [["GH_TOKEN", "GITHUB_TOKEN"], ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"]];

impl Host {
    /// The variables that gh reads a token for this host from.
    pub fn token_variables(&self) -> [&'static str; 2] {
        PAIRS[usize::from(!self.is_cloud())]
    }

    /// The variables that hold tokens for other hosts.
    pub fn foreign_token_variables(&self) -> [&'static str; 2] {
        PAIRS[usize::from(self.is_cloud())]
    }
}

/// The variables with a token that gh takes before its own login for this host; an empty one counts as unset.
pub fn shadowing_tokens(host: &Host) -> Result<Vec<(&'static str, Secret)>, Failure> {
    let mut found = Vec::new();
    for name in host.token_variables() {
        found.extend(environment(name)?.map(|value| (name, Secret::new(value.text))));
    }
    Ok(found)
}

/// The user's home directory: `HOME`, else the user database's.
pub fn home() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()).filter(|home| home.is_absolute())
}

/// Where gh keeps its login. `None`: nobody knows; gh itself would use a directory below the current one.
pub fn gh_directory() -> Result<Option<PathBuf>, Failure> {
    if let Some(found) = environment("GH_CONFIG_DIR")? {
        return Ok(Some(found.text.into()));
    }
    if let Some(found) = environment("XDG_CONFIG_HOME")? {
        return Ok(Some(PathBuf::from(found.text).join("gh")));
    }
    Ok(home().map(|home| home.join(".config/gh")))
}
