//! What git's configuration means for one host: which helpers git asks in which order, and what else decides whether git
//! uses our token. Pure.
//!
//! Rules: helpers are collected in file order from all matching sections, however specific, and an empty value clears
//! the list (gitcredentials(7)).

use crate::programs::git::ConfigEntry;
use crate::programs::git::helper::Helper;

/// What the configuration means for a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wiring {
    /// The helpers that git asks, in its order.
    pub helpers: Vec<Helper>,
    /// An empty line after our helper that removes it from the list.
    pub reset_after_us: Option<ConfigEntry>,
    /// Whether git sends the repository's path.
    pub use_http_path: bool,
    /// The line that says so, or says that it does not.
    pub http_path_line: Option<ConfigEntry>,
    /// The user name that git sends if a URL has none.
    pub username: Option<ConfigEntry>,
    /// Headers that override every credential; their values are secrets.
    pub extra_headers: Vec<ConfigEntry>,
}

impl Wiring {
    /// Reads it for a host's URL, and for one repository if given as `owner/repository`.
    pub fn of(entries: &[ConfigEntry], host_url: &str, repository: Option<&str>) -> Self {
        let mut wiring = Self::default();
        let mut had_us = false;
        for entry in entries {
            let ConfigEntry { key, value, .. } = entry;
            let applies = |section: &str, variable: &str| {
                subsection(key, section, variable).is_some_and(|url| matches(url, host_url, repository))
            };
            if applies("credential", "helper") {
                if value.is_empty() {
                    if wiring.ours().is_some() {
                        wiring.reset_after_us = Some(entry.clone());
                    }
                    wiring.helpers.clear();
                } else {
                    wiring.helpers.push(entry.into());
                    had_us |= wiring.ours().is_some();
                }
            } else if applies("credential", "usehttppath") {
                wiring.use_http_path = is_true(value);
                wiring.http_path_line = Some(entry.clone());
            } else if applies("credential", "username") {
                wiring.username = Some(entry.clone());
            } else if applies("http", "extraheader") {
                if value.is_empty() {
                    wiring.extra_headers.clear();
                } else if value.to_ascii_lowercase().trim_start().starts_with("authorization:") {
                    wiring.extra_headers.push(entry.clone());
                }
            }
        }
        if !had_us || wiring.ours().is_some() {
            wiring.reset_after_us = None;
        }
        wiring
    }

    /// Our position among the helpers.
    pub fn ours(&self) -> Option<usize> {
        self.helpers.iter().position(Helper::is_ours)
    }
}

/// The subsection of a key of this section and variable; empty if it has none.
pub fn subsection<'a>(key: &'a str, section: &str, variable: &str) -> Option<&'a str> {
    let rest = key.strip_prefix(section)?.strip_prefix('.')?;
    let url = rest.strip_suffix(variable)?;
    if url.is_empty() { Some("") } else { url.strip_suffix('.') }
}

/// Whether a pattern such as `https://*.example.com/org` covers the host, and the repository where one is given. A
/// pattern with a path covers part of the host only, so without a repository it does not count; one with a user name
/// covers only URLs that have it, which are not ours.
fn matches(pattern: &str, host_url: &str, repository: Option<&str>) -> bool {
    if pattern.is_empty() {
        return true;
    }
    let (scheme, rest) = pattern.split_once("://").unwrap_or(("", pattern));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let Some((our_scheme, our_host)) = host_url.split_once("://") else { return false };
    let path = path.trim_end_matches('/');
    let covers_path = path.is_empty()
        || repository.is_some_and(|repository| {
            let rest = repository.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
        });
    let same_scheme = scheme.is_empty() || scheme == our_scheme;
    same_scheme && (host.is_empty() || same_host(host, our_host, our_scheme)) && covers_path
}

/// Host patterns compare label by label, `*` standing for one; the scheme's own port is none.
fn same_host(pattern: &str, host: &str, scheme: &str) -> bool {
    let own_port = if scheme == "https" { ":443" } else { ":80" };
    let pattern = pattern.to_ascii_lowercase();
    let pattern = pattern.strip_suffix(own_port).unwrap_or(&pattern);
    let (pattern, host): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), host.split('.').collect());
    pattern.len() == host.len() && pattern.iter().zip(&host).all(|(p, h)| *p == "*" || p == h)
}

fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1")
}

#[cfg(test)]
mod tests;
