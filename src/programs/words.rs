//! Words of a command line, as a shell reads them. Pure.
//!
//! shlex quotes otherwise (`"it's"`, and `'--a=b'` where nothing needs it), knows no backslashes, which only git takes for
//! a path, and splits a snippet with `$`, `;` or a comment as if it were words. It would be one crate and 1 KiB more.

/// Characters that no shell treats specially.
const PLAIN: &str = "/._-+=:,@%";

/// A word for the shell, escaped by backslashes and not by quotes: git takes only a word that begins with `/` for a path.
pub fn shell_word(text: &str) -> String {
    if text.is_empty() {
        return "''".to_owned();
    }
    let mut word = String::new();
    for c in text.chars() {
        if !c.is_alphanumeric() && !PLAIN.contains(c) {
            word.push('\\');
        }
        word.push(c);
    }
    word
}

/// The words of a command line for the shell; `None` where it is more than words.
pub fn words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (c, quote) {
            ('\'', Some('\'')) | ('"', Some('"')) => quote = None,
            (c, Some('\'')) => word.get_or_insert_default().push(c),
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('\\', None) => word.get_or_insert_default().push(characters.next()?),
            ('$' | '`' | '\\', _)
            | (';' | '&' | '|' | '<' | '>' | '(' | ')' | '{' | '}' | '*' | '?' | '#', None) => {
                return None;
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// The first word of a command line as the shell reads it, if it is escaped only by backslashes.
pub fn first_word(command: &str) -> String {
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

    #[test]
    fn words_reach_the_shell_as_they_are() {
        for (text, word) in [
            ("/usr/bin/x", "/usr/bin/x"),
            ("/my tools/it's", "/my\\ tools/it\\'s"),
            ("a$b`c\"d\\", "a\\$b\\`c\\\"d\\\\"),
            ("/é/x", "/é/x"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }
}
