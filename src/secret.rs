//! A text that must not show: no `Display`, a redacted `Debug`, wiped when dropped.
//! `expose` is the only way out, so that every use can be found by searching for it.

use std::borrow::Cow;
use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// An installation token, a bearer, an App JWT or the text of a private key.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; the caller keeps no copy.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself: for the wire, the cache file and git, never for a message.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in a time that does not depend on where the two differ.
    pub fn matches(&self, other: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(other).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// How credentials begin that a server may send back: GitHub's tokens
/// (<https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>), JWTs, and the
/// base64 of `x-access-token:` in Basic authentication.
const BEGINNINGS: [&str; 8] =
    ["ghs_", "ghu_", "gho_", "ghp_", "ghr_", "github_pat_", "eyJ", "eC1hY2Nlc3MtdG9rZW46"];
/// A shorter word is no credential, but part of a name.
const SHORTEST: usize = 20;

/// Leaves out of a text from outside what has the form of a credential: a server that refuses one may quote it.
pub fn hide(text: &str) -> Cow<'_, str> {
    if !BEGINNINGS.iter().any(|beginning| text.contains(beginning)) {
        return Cow::Borrowed(text);
    }
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/');
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c: char| !part(c)) {
        let word = piece.trim_end_matches(|c: char| !part(c));
        let start = BEGINNINGS.iter().filter_map(|beginning| word.find(beginning)).min();
        match start.filter(|start| word.len() - start >= SHORTEST) {
            Some(start) => {
                shown.push_str(&word[..start]);
                shown.push_str("(hidden)");
                shown.push_str(&piece[word.len()..]);
            }
            None => shown.push_str(piece),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_text_and_its_length() {
        assert_eq!(format!("{:?}", Secret::new("ghs_sentinel".into())), "Secret(redacted)");
    }

    #[test]
    fn what_has_the_form_of_a_credential_is_hidden_and_nothing_else() {
        for (text, shown) in [
            ("Bad credentials", "Bad credentials"),
            ("Bearer ghs_123456789012345678 is bad", "Bearer (hidden) is bad"),
            ("x=%20ghs_1_eyJhbGciOiJFUzI1NiJ9.e30.x-_y;", "x=%20(hidden);"),
            ("\"eyJ0eXAiOiJKV1QifQ.e30.c2ln\",", "\"(hidden)\","),
            ("Basic eC1hY2Nlc3MtdG9rZW46Z2hzX2E=", "Basic (hidden)="),
            ("é github_pat_0123456789 é", "é (hidden) é"),
            ("a repository named ghs_tools", "a repository named ghs_tools"),
        ] {
            assert_eq!(hide(text), shown);
        }
    }

    #[test]
    fn only_the_same_bytes_match() {
        let secret = Secret::new("ghs_a".into());
        for (other, same) in
            [("ghs_a", true), ("ghs_b", false), ("ghs_", false), ("ghs_a ", false), ("", false)]
        {
            assert_eq!(secret.matches(other.as_bytes()), same, "{other:?}");
        }
    }
}
