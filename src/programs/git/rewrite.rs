//! How git rewrites a URL before it uses it: `url.BASE.insteadOf` and `pushInsteadOf` (git-config(1)). Pure.
//!
//! Rules: the longest matching prefix is replaced, once; of equal ones the first. `pushInsteadOf` applies to pushes if
//! the remote has no push URL, and then `insteadOf` does not.

use crate::programs::git::ConfigEntry;
use crate::programs::git::wiring::subsection;

/// One line of them.
pub struct Rule<'a> {
    /// The replacement; may hold a secret.
    pub base: &'a str,
    /// The prefix that it replaces.
    pub prefix: &'a str,
    /// Only for pushing.
    pub push: bool,
    /// The line itself.
    pub entry: &'a ConfigEntry,
}

/// All rules, grouped by base, as git keeps them.
pub fn rules(entries: &[ConfigEntry]) -> Vec<Rule<'_>> {
    let mut found: Vec<Rule<'_>> = Vec::new();
    for entry in entries {
        let base = |variable| subsection(&entry.key, "url", variable);
        let (base, push) = match (base("insteadof"), base("pushinsteadof")) {
            (Some(base), _) => (base, false),
            (None, Some(base)) => (base, true),
            (None, None) => continue,
        };
        let after = found.iter().rposition(|rule| rule.base == base && rule.push == push);
        let rule = Rule { base, prefix: &entry.value, push, entry };
        found.insert(after.map_or(found.len(), |index| index + 1), rule);
    }
    found
}

/// The rule that git applies to a URL, if any.
pub fn applied<'r, 'a>(rules: &'r [Rule<'a>], url: &str, push: bool) -> Option<&'r Rule<'a>> {
    let mut best: Option<&Rule<'_>> = None;
    for rule in rules.iter().filter(|rule| rule.push == push && url.starts_with(rule.prefix)) {
        if best.is_none_or(|best| best.prefix.len() < rule.prefix.len()) {
            best = Some(rule);
        }
    }
    best
}

impl Rule<'_> {
    /// The URL with its prefix replaced.
    pub fn apply(&self, url: &str) -> String {
        format!("{}{}", self.base, url.strip_prefix(self.prefix).unwrap_or(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins_and_of_equal_ones_the_first() {
        let entry = |(key, value): &(&str, &str)| ConfigEntry {
            key: (*key).into(),
            value: (*value).into(),
            origin: String::new(),
        };
        let lines = [
            ("url.https://one/.insteadof", "git@h:"),
            ("url.https://two/.insteadof", "git@h:o/"),
            ("url.https://three/.insteadof", "git@h:o/"),
            ("url.https://one/.insteadof", "git@h:o/"),
            ("url.ssh://push/.pushinsteadof", "https://h/"),
        ];
        let entries: Vec<ConfigEntry> = lines.iter().map(entry).collect();
        let rules = rules(&entries);
        for (url, push, used) in [
            ("git@h:x", false, Some("https://one/x")),
            ("git@h:o/r", false, Some("https://one/r")),
            ("https://h/r", false, None),
            ("https://h/r", true, Some("ssh://push/r")),
            ("git@h:x", true, None),
        ] {
            let is = applied(&rules, url, push).map(|rule| rule.apply(url));
            assert_eq!(is.as_deref(), used, "{url} {push}");
        }
    }
}
