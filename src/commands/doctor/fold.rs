//! Wraps text to the terminal's width. Pure.

/// Breaks a line between words if it would be wider than this. The text begins at column `indent`, and later lines are
/// indented as far. A longer word, such as a path, stays whole.
pub fn fold(text: &str, indent: usize, width: usize) -> String {
    let mut folded = String::new();
    let mut column = indent;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column == indent {
            column += length;
        } else if column + 1 + length <= width {
            folded.push(' ');
            column += 1 + length;
        } else {
            folded.push('\n');
            folded.push_str(&" ".repeat(indent));
            column = indent + length;
        }
        folded.push_str(word);
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn lines_break_between_words_and_nowhere_else() {
        for (text, width, folded) in [
            ("one two", 80, "one two"),
            ("one two", 9, "one two"),
            ("one two", 8, "one\n  two"),
            ("/a/very/long/path then", 10, "/a/very/long/path\n  then"),
            ("one  two", 80, "one  two"),
            ("", 5, ""),
            ("one two three", usize::MAX, "one two three"),
        ] {
            assert_eq!(fold(text, 2, width), folded, "{text:?} {width}");
        }
    }
}
