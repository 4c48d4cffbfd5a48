//! Every URL in git's configuration that git would connect to, after its `insteadOf` rules. Pure.

use crate::programs::git::rewrite::{self, Rule};
use crate::programs::git::wiring::subsection;
use crate::programs::git::{ConfigEntry, remote_url::Url};

/// What a URL is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// `remote.NAME.url`.
    Remote(String),
    /// `remote.NAME.pushurl`, or the same URL after the rules for pushing.
    Push(String),
    /// `submodule.NAME.url`.
    Submodule(String),
    /// Any other key, such as a branch's own URL or one of LFS.
    Key(String),
}

/// A URL and the line that it is in.
pub struct Remote<'a> {
    /// What it is for.
    pub target: Destination,
    /// The line. Its value may hold a secret.
    pub entry: &'a ConfigEntry,
    /// The URL that git uses; the same if no rule matches. May hold a secret.
    pub used: String,
    /// Whether a rule has changed it.
    pub is_rewritten: bool,
}

impl Remote<'_> {
    /// The URL as written.
    pub fn written(&self) -> Option<Url> {
        Url::parse(&self.entry.value)
    }

    /// The URL as used.
    pub fn used(&self) -> Option<Url> {
        Url::parse(&self.used)
    }
}

/// All of them, in the order of the configuration.
pub fn of(entries: &[ConfigEntry]) -> Vec<Remote<'_>> {
    let rules = rewrite::rules(entries);
    let mut found: Vec<Remote<'_>> = Vec::new();
    for entry in entries {
        let Some(target) = target(entry) else { continue };
        if entry.value.is_empty() {
            // An empty value clears those of earlier files (git 2.46).
            found.retain(|remote| remote.target != target);
            continue;
        }
        found.push(remote(target, entry, rewrite::applied(&rules, &entry.value, false)));
    }
    let has_push_url =
        |name: &String| found.iter().any(|other| other.target == Destination::Push(name.clone()));
    let pushed = found.iter().filter_map(|fetched| match &fetched.target {
        Destination::Remote(name) if !has_push_url(name) => {
            let rule = rewrite::applied(&rules, &fetched.entry.value, true)?;
            Some(remote(Destination::Push(name.clone()), fetched.entry, Some(rule)))
        }
        _ => None,
    });
    let pushed: Vec<_> = pushed.collect();
    found.extend(pushed);
    found
}

fn remote<'a>(target: Destination, entry: &'a ConfigEntry, rule: Option<&Rule<'_>>) -> Remote<'a> {
    let used = rule.map_or_else(|| entry.value.clone(), |rule| rule.apply(&entry.value));
    Remote { target, entry, used, is_rewritten: rule.is_some() }
}

/// The use of a line's URL, if it has one.
fn target(entry: &ConfigEntry) -> Option<Destination> {
    let name = |section, variable| subsection(&entry.key, section, variable).filter(|name| !name.is_empty());
    if let Some(name) = name("remote", "url") {
        return Some(Destination::Remote(name.to_owned()));
    }
    if let Some(name) = name("remote", "pushurl") {
        return Some(Destination::Push(name.to_owned()));
    }
    if let Some(name) = name("submodule", "url") {
        return Some(Destination::Submodule(name.to_owned()));
    }
    let others =
        [("branch", "remote"), ("branch", "pushremote"), ("remote", "lfsurl"), ("remote", "lfspushurl")];
    let is_other = others.iter().any(|(section, variable)| name(section, variable).is_some())
        || matches!(entry.key.as_str(), "remote.pushdefault" | "lfs.url" | "lfs.pushurl");
    // Most of these name a remote and hold no URL.
    (is_other && entry.value.contains("://")).then(|| Destination::Key(entry.key.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[(&str, &str)]) -> Vec<(Destination, String)> {
        let entry = |(key, value): &(&str, &str)| ConfigEntry {
            key: (*key).into(),
            value: (*value).into(),
            origin: String::new(),
        };
        let entries: Vec<ConfigEntry> = lines.iter().map(entry).collect();
        of(&entries).into_iter().map(|remote| (remote.target, remote.used)).collect()
    }

    #[test]
    fn each_url_is_found_with_what_it_is_for() {
        let found = read(&[
            ("remote.origin.url", "https://h/o/r"),
            ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
            ("remote.a.b.pushurl", "git@h:o/r"),
            ("submodule.libs/x.url", "https://h/o/x"),
            ("submodule.libs/x.active", "true"),
            ("branch.main.remote", "origin"),
            ("branch.next.remote", "https://h/o/fork"),
            ("lfs.url", "https://h/o/r.git/info/lfs"),
            ("http.proxy", "http://p:1"),
        ]);
        let expected = [
            (Destination::Remote("origin".into()), "https://h/o/r"),
            (Destination::Push("a.b".into()), "git@h:o/r"),
            (Destination::Submodule("libs/x".into()), "https://h/o/x"),
            (Destination::Key("branch.next.remote".into()), "https://h/o/fork"),
            (Destination::Key("lfs.url".into()), "https://h/o/r.git/info/lfs"),
        ];
        assert_eq!(found, expected.map(|(target, url)| (target, url.to_owned())));
    }

    #[test]
    fn rules_for_pushing_count_where_there_is_no_url_for_pushing() {
        let rule = ("url.git@h:.pushinsteadof", "https://h/");
        let (remote, push) = (Destination::Remote("o".into()), Destination::Push("o".into()));
        let url = ("remote.o.url", "https://h/r");
        assert_eq!(
            read(&[rule, url]),
            [(remote.clone(), "https://h/r".to_owned()), (push.clone(), "git@h:r".to_owned())]
        );
        let own = [rule, url, ("remote.o.pushurl", "https://h/p")];
        assert_eq!(read(&own), [(remote, "https://h/r".to_owned()), (push, "https://h/p".to_owned())]);
        assert!(read(&[url, ("remote.o.url", "")]).is_empty(), "taken back");
    }
}
