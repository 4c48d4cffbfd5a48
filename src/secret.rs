//! A text that must not show: no `Display`, a redacted `Debug`, wiped when dropped.
//! `expose` is the only way out, so that every use can be found by searching for it.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_text_and_its_length() {
        assert_eq!(format!("{:?}", Secret::new("ghs_sentinel".into())), "Secret(redacted)");
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
