//! A helper line of git's configuration (gitcredentials(7), CUSTOM HELPERS). Pure.

use super::Entry;

/// Our name as a program, and as git's helper lines may shorten it.
pub const PROGRAM: &str = "git-credential-github-app";
const SHORT: &str = "github-app";

/// A configured helper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    /// As configured.
    pub command: String,
    /// The file it stands in.
    pub origin: String,
    /// The line's key.
    pub key: String,
}

impl From<&Entry> for Helper {
    fn from(entry: &Entry) -> Self {
        let Entry { key, value, origin } = entry.clone();
        Self { command: value, origin, key }
    }
}

impl Helper {
    /// Whether it is this program, by name, path or snippet.
    pub fn is_ours(&self) -> bool {
        let command = self.command.trim();
        if let Some(snippet) = command.strip_prefix('!') {
            return snippet.contains(PROGRAM);
        }
        let word = first_word(command);
        word == SHORT || word.rsplit('/').next() == Some(PROGRAM)
    }

    /// What messages call it: the first word alone, as what follows may hold a secret.
    pub fn name(&self) -> String {
        first_word(self.command.trim())
    }

    /// Whether it is what `gh auth setup-git` writes.
    pub fn is_gh(&self) -> bool {
        self.command.contains("auth git-credential")
    }
}

/// The first word of a command line as the shell reads it, where nothing but backslashes escapes.
fn first_word(command: &str) -> String {
    let mut word = String::new();
    let mut characters = command.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => word.extend(characters.next()),
            c if c.is_whitespace() => break,
            '"' | '\'' => {}
            c => word.push(c),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn helper(command: &str) -> Helper {
        Helper { command: command.into(), origin: String::new(), key: String::new() }
    }

    #[test]
    fn our_helper_is_known_by_name_path_and_snippet() {
        for (command, ours) in [
            ("github-app", true),
            ("github-app --config /x", true),
            ("/usr/local/bin/git-credential-github-app", true),
            ("/opt/my\\ tools/git-credential-github-app --owner x", true),
            ("!git-credential-github-app", true),
            ("!/x/git-credential-github-app get", true),
            ("github-app-auth", false),
            ("store", false),
            ("/usr/bin/not-git-credential-github-app-x", false),
        ] {
            assert_eq!(helper(command).is_ours(), ours, "{command}");
        }
        assert_eq!(helper("!f() { echo password=hunter2; }; f").name(), "!f()");
        let gh = helper("!/usr/bin/gh auth git-credential");
        assert!(gh.is_gh() && !gh.is_ours());
    }
}
