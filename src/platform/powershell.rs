//! The text of commands for PowerShell, in the forms that Windows PowerShell 5.1 and PowerShell 7 share. Pure.

/// PowerShell takes these for themselves within a word: unlike in `sh`, a comma makes a list, and an `@` may begin one.
const PLAIN: &str = "/\\._-+=:%";

/// A word as PowerShell reads it back.
pub fn quoted(word: &str) -> String {
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || PLAIN.contains(c)) {
        return word.to_owned();
    }
    in_quotes(word)
}

/// A program as the first word of a command: a quoted one would only be printed without the `&`.
pub fn program(path: &str) -> String {
    let word = quoted(path);
    if word.starts_with('\'') { format!("& {word}") } else { word }
}

/// Sets a variable for the programs that this shell starts.
pub fn set(name: &str, value: &str) -> String {
    format!("$env:{name} = {}", in_quotes(value))
}

/// Removes variables.
pub fn unset(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("Env:{name}")).collect();
    format!("Remove-Item {}", names.join(", "))
}

/// Runs a command after one that sets or removes variables. Windows PowerShell 5.1 has no `&&`.
pub fn then(first: &str, second: &str) -> String {
    format!("{first}; {second}")
}

fn in_quotes(word: &str) -> String {
    format!("'{}'", word.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_powershell_needs_it() {
        for (word, is) in [
            (r"C:\a\b.exe", r"C:\a\b.exe"),
            (r"C:\my tools\b", r"'C:\my tools\b'"),
            ("it's", "'it''s'"),
            ("", "''"),
            ("a,b", "'a,b'"),
            ("$x", "'$x'"),
            ("@x", "'@x'"),
        ] {
            assert_eq!(quoted(word), is);
        }
    }

    #[test]
    fn a_program_in_quotes_is_called() {
        assert_eq!(program(r"C:\b.exe"), r"C:\b.exe");
        assert_eq!(program(r"C:\my tools\b.exe"), r"& 'C:\my tools\b.exe'");
    }

    #[test]
    fn variables_are_set_and_removed_as_in_powershell() {
        assert_eq!(set("HOME", r"C:\a"), r"$env:HOME = 'C:\a'");
        assert_eq!(set("HOME", "it's"), "$env:HOME = 'it''s'");
        assert_eq!(unset(&["A"]), "Remove-Item Env:A");
        assert_eq!(unset(&["A", "B"]), "Remove-Item Env:A, Env:B");
        assert_eq!(then(&set("A", "b"), "git fetch"), "$env:A = 'b'; git fetch");
    }
}
