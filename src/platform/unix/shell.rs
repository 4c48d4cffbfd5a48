//! What people type into `sh`, `bash` or `zsh`, for hints to copy.

/// No shell takes these for anything else.
const PLAIN: &str = "/._-+=:,@%";

/// Whether a variable can be set and empty.
pub const KEEPS_EMPTY_VARIABLES: bool = true;

/// A word as a shell reads it back.
pub fn quoted(word: &str) -> String {
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || PLAIN.contains(c)) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// A program as the first word of a command.
pub fn program(path: &str) -> String {
    quoted(path)
}

/// Sets a variable for the programs that this shell starts.
pub fn set(name: &str, value: &str) -> String {
    let value = if value.is_empty() { String::new() } else { quoted(value) };
    format!("export {name}={value}")
}

/// Removes variables.
pub fn unset(names: &[&str]) -> String {
    format!("unset {}", names.join(" "))
}

/// Runs a command after one that sets or removes variables.
pub fn then(first: &str, second: &str) -> String {
    format!("{first} && {second}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        for (word, is) in
            [("/a/b", "/a/b"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("", "''"), ("$x", "'$x'")]
        {
            assert_eq!((quoted(word), program(word)), (is.to_owned(), is.to_owned()));
        }
    }

    #[test]
    fn variables_are_set_and_removed_as_in_sh() {
        assert_eq!(set("HOME", "/home/me"), "export HOME=/home/me");
        assert_eq!(set("HOME", "/my home"), "export HOME='/my home'");
        assert_eq!(set("GIT_ASKPASS", ""), "export GIT_ASKPASS=");
        assert_eq!(unset(&["A"]), "unset A");
        assert_eq!(unset(&["A", "B"]), "unset A B");
        assert_eq!(then(&set("A", "b"), "git fetch"), "export A=b && git fetch");
    }
}
