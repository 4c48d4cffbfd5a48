//! What the environment says about other programs: where gh keeps its login, and which tokens gh and git would use
//! instead of ours.

use std::path::PathBuf;

use crate::platform::paths;
use crate::settings::dirs::home;

pub use crate::settings::environment::is_in_environment as is_set;
use crate::settings::environment::variable as read;
use crate::tokens::error::Failure;
use crate::tokens::host::Host;
use crate::tokens::secret::Secret;

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

/// The variables with a token that gh prefers to its own login for this host; an empty one counts as unset.
pub fn shadowing_tokens(host: &Host) -> Result<Vec<(&'static str, Secret)>, Failure> {
    let mut found = Vec::new();
    for name in host.token_variables() {
        found.extend(read(name)?.map(|value| (name, Secret::new(value))));
    }
    Ok(found)
}

/// Where gh keeps its login. `None`: unknown; gh itself would use a directory below the current one.
pub fn gh_directory() -> Result<Option<PathBuf>, Failure> {
    if let Some(found) = read("GH_CONFIG_DIR")? {
        return Ok(Some(found.into()));
    }
    let own = if is_set("XDG_CONFIG_HOME") { None } else { paths::gh_dir(&variable) };
    Ok(own.or(xdg_config_home()?.map(|dir| dir.join("gh"))))
}

/// The file that `git config --global` writes to: `GIT_CONFIG_GLOBAL`, else `~/.gitconfig`, unless only the one in
/// `XDG_CONFIG_HOME` exists (git-config(1), FILES).
pub fn git_global_file() -> Result<Option<PathBuf>, Failure> {
    if let Some(found) = read("GIT_CONFIG_GLOBAL")? {
        return Ok(Some(found.into()));
    }
    let Some(home) = home() else { return Ok(None) };
    let file = home.join(".gitconfig");
    let xdg = xdg_config_home()?.unwrap_or_default().join("git/config");
    Ok(Some(if !file.exists() && xdg.exists() { xdg } else { file }))
}

/// The file of `git config --system`, if the environment names it.
pub fn git_system_file() -> Result<Option<PathBuf>, Failure> {
    Ok(read("GIT_CONFIG_SYSTEM")?.map(PathBuf::from))
}

/// `XDG_CONFIG_HOME`, or its default; on every system, as git, gh and systemd use it.
pub fn xdg_config_home() -> Result<Option<PathBuf>, Failure> {
    if let Some(found) = read("XDG_CONFIG_HOME")? {
        return Ok(Some(found.into()));
    }
    Ok(home().map(|home| home.join(".config")))
}

/// A variable of another program, such as git; an empty one counts as unset, and so does one that is not UTF-8.
pub fn variable(name: &'static str) -> Option<String> {
    read(name).ok().flatten()
}

/// The variables with names and addresses that override git's configuration, and their values.
pub fn identity_variables() -> Vec<(&'static str, String)> {
    let names = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
    names.into_iter().filter_map(|name| Some((name, variable(name)?))).collect()
}

/// The `PATH` of this process.
pub fn path() -> Result<Option<String>, Failure> {
    read("PATH")
}
