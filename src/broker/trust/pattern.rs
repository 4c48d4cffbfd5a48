//! What a claim must be: an exact string, number or boolean, or a text with `*` in it. Pure.

use serde_json::Value;

/// One value of a rule's `match`.
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimPattern {
    /// This text.
    Text(String),
    /// A text with stars: each matches one or more characters except `/` and `:`.
    Stars(String),
    /// This whole number.
    Number(i64),
    /// `true` or `false`.
    Flag(bool),
}

impl ClaimPattern {
    /// Parses a text of the trust file.
    ///
    /// # Errors
    /// It is empty, or has only stars, which would match nearly everything.
    pub fn of_text(text: &str) -> Result<Self, &'static str> {
        match text {
            "" => Err("an empty text"),
            _ if !text.contains('*') => Ok(Self::Text(text.to_owned())),
            _ if text.bytes().all(|byte| byte == b'*') => {
                Err("a bare *, which nearly every value would match")
            }
            _ => Ok(Self::Stars(text.to_owned())),
        }
    }

    /// Whether a claim matches. An array matches if one of its elements does.
    pub fn fits(&self, claim: &Value) -> bool {
        match claim {
            Value::Array(elements) => elements.iter().any(|element| self.fits_one(element)),
            other => self.fits_one(other),
        }
    }

    fn fits_one(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(text), Value::String(value)) => text == value,
            (Self::Stars(pattern), Value::String(value)) => matches_stars(pattern, value),
            (Self::Number(number), Value::Number(value)) => value.as_i64() == Some(*number),
            (Self::Flag(flag), Value::Bool(value)) => flag == value,
            _ => false,
        }
    }
}

/// Whether a text matches a pattern. Each step takes one character of the pattern and keeps the set of positions in the
/// text, so the time is bounded by the product of both lengths.
fn matches_stars(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for wanted in pattern.chars() {
        let mut next = vec![false; text.len() + 1];
        for (at, char) in text.iter().enumerate() {
            next[at + 1] = match wanted {
                '*' => (reached[at] || next[at]) && !matches!(char, '/' | ':'),
                other => reached[at] && other == *char,
            };
        }
        reached = next;
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_star_is_one_or_more_characters_of_one_part() {
        for (pattern, text, fits) in [
            ("docs-*", "docs-a", true),
            ("docs-*", "docs-a-b.c", true),
            ("docs-*", "docs-", false),
            ("docs-*", "Docs-a", false),
            ("docs-*", "xdocs-a", false),
            ("docs-*", "docs-a/b", false),
            ("docs-*", "docs-a:b", false),
            ("*-docs", "a-docs", true),
            ("*-docs", "-docs", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "abbbc", true),
            ("a*b*c", "abc", false),
            ("refs/heads/*", "refs/heads/main", true),
            ("refs/heads/*", "refs/heads/feature/x", false),
            ("repo:acme/*:ref:*", "repo:acme/web:ref:x", true),
            ("repo:acme/*:ref:*", "repo:acme/web:environment:x:ref:x", false),
            ("a**", "ab", false),
            ("a**", "abc", true),
            ("é*", "éü", true),
            ("a.c", "abc", false),
            ("a*", "a\n", true),
        ] {
            let found = ClaimPattern::of_text(pattern).unwrap().fits(&json!(text));
            assert_eq!(found, fits, "{pattern} {text}");
        }
    }

    #[test]
    fn values_of_other_types_do_not_fit() {
        let text = |text| ClaimPattern::of_text(text).unwrap();
        for (pattern, claim, fits) in [
            (text("1"), json!("1"), true),
            (text("1"), json!(1), false),
            (ClaimPattern::Number(1), json!(1), true),
            (ClaimPattern::Number(1), json!("1"), false),
            (ClaimPattern::Number(1), json!(1.5), false),
            (ClaimPattern::Number(1), json!(true), false),
            (text("true"), json!(true), false),
            (ClaimPattern::Flag(true), json!(true), true),
            (ClaimPattern::Flag(true), json!("true"), false),
            (text("a"), json!(["b", "a"]), true),
            (text("a"), json!([["a"]]), false),
            (text("a"), json!([]), false),
            (text("a"), json!({ "a": "a" }), false),
            (text("null"), json!(null), false),
        ] {
            assert_eq!(pattern.fits(&claim), fits, "{pattern:?} {claim}");
        }
        assert!(ClaimPattern::of_text("*").is_err() && ClaimPattern::of_text("***").is_err());
        assert!(ClaimPattern::of_text("").is_err());
    }

    /// The same by exhaustive search.
    fn tried(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], [first, others @ ..]) if !"/:".contains(*first) => {
                tried(rest, others) || tried(pattern, others)
            }
            ([wanted, rest @ ..], [first, others @ ..]) if *wanted != '*' && wanted == first => {
                tried(rest, others)
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn patterns_fit_what_trying_everything_finds(pattern in "[ab/:*]{0,8}", text in "[ab/:*]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches_stars(&pattern, &text), tried(&chars(&pattern), &chars(&text)));
        }
    }
}
