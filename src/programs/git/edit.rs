//! Commands that change git's configuration, for people to copy. They never contain a secret of a key or a value. Pure.

use std::path::Path;

use crate::platform::shell::{self, quoted};
use crate::programs::git::ConfigEntry;
use crate::programs::git::remote_url::Url;
use crate::programs::git::wiring::subsection;

/// The option of `git config` for the file that a line is in. `None`: it is not in a file.
fn file(origin: &str) -> Option<String> {
    match origin {
        "command line:" => None,
        // Relative to the top of the work tree, whatever the current directory.
        _ if Path::new(origin).is_absolute() => Some(format!("--file {}", quoted(origin))),
        _ if origin.ends_with("config.worktree") => Some("--worktree".to_owned()),
        _ => Some("--local".to_owned()),
    }
}

/// Whether a line is in the configuration of the clone.
pub fn is_local(origin: &str) -> bool {
    file(origin).is_some_and(|option| !option.starts_with("--file"))
}

impl ConfigEntry {
    /// Removes the line, and lines of the same key that begin with the same word.
    pub fn removal(&self) -> String {
        let Some(file) = file(&self.origin) else {
            return shell::unset(&["GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"]);
        };
        if self.has_secret_in_key() {
            return self.edit();
        }
        format!("git config {file} --unset-all {}{}", quoted(&self.key), self.pattern())
    }

    /// Gives the line another value.
    pub fn change(&self, value: &str) -> String {
        let key = &self.key;
        match file(&self.origin) {
            Some(file) if !self.has_secret_in_key() => {
                format!("git config {file} {} {}", quoted(key), quoted(value))
            }
            Some(_) => self.edit(),
            None => format!("git config --global {} {}", quoted(key), quoted(value)),
        }
    }

    /// Opens the file that the line is in.
    pub fn edit(&self) -> String {
        let file = file(&self.origin).unwrap_or_else(|| "--global".to_owned());
        format!("git config {file} --edit")
    }

    fn has_secret_in_key(&self) -> bool {
        let (section, variable) = (self.key.split('.').next(), self.key.rsplit('.').next());
        let url = subsection(&self.key, section.unwrap_or_default(), variable.unwrap_or_default());
        url.and_then(Url::parse).is_some_and(|url| url.has_secret())
    }

    /// The pattern that git matches values with, if a key may have several: only the first word, as the rest may be a
    /// secret, and in a header is one.
    fn pattern(&self) -> String {
        let word = self.value.split(char::is_whitespace).next().unwrap_or_default();
        if self.key.ends_with("extraheader") || Url::parse(word).is_some_and(|url| url.has_secret()) {
            return String::new();
        }
        let escaped: String = word
            .chars()
            .flat_map(|c| {
                let is_special = ".[]{}()*+?^$|\\".contains(c);
                is_special.then_some('\\').into_iter().chain([c])
            })
            .collect();
        let end = if word == self.value { "$" } else { "" };
        format!(" {}", quoted(&format!("^{escaped}{end}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, value: &str, origin: &str) -> ConfigEntry {
        ConfigEntry { key: key.into(), value: value.into(), origin: origin.into() }
    }

    #[test]
    fn lines_are_removed_where_they_stand_and_secrets_are_not_told() {
        for (key, value, origin, command) in [
            (
                "credential.helper",
                "",
                "/h/.gitconfig",
                "--file /h/.gitconfig --unset-all credential.helper '^$'",
            ),
            ("credential.helper", "cache", ".git/config", "--local --unset-all credential.helper '^cache$'"),
            ("credential.helper", "x --pw y", "/a b", "--file '/a b' --unset-all credential.helper '^x'"),
            ("a.b", "c", ".git/config.worktree", "--worktree --unset-all a.b '^c$'"),
            (
                "http.https://h/.extraheader",
                "Authorization: x",
                "/c",
                "--file /c --unset-all http.https://h/.extraheader",
            ),
            (
                "url.git@h:.insteadof",
                "https://h/",
                "/c",
                "--file /c --unset-all url.git@h:.insteadof '^https://h/$'",
            ),
            ("url.https://u:pw@h/.insteadof", "https://h/", "/c", "--file /c --edit"),
            (
                "url.https://h/.insteadof",
                "https://u:pw@h/",
                "/c",
                "--file /c --unset-all url.https://h/.insteadof",
            ),
        ] {
            assert_eq!(entry(key, value, origin).removal(), format!("git config {command}"));
        }
        let given = entry("a.b", "c", "command line:");
        assert_eq!(given.removal(), "unset GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS");
        assert_eq!(entry("a.b", "c", ".git/config").change("true"), "git config --local a.b true");
    }
}
