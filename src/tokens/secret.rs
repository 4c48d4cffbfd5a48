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

    /// A text that can be sent as a bearer, without the blanks around it.
    pub fn of_bearer(text: &str) -> Option<Self> {
        let bearer = text.trim();
        let is_line = !bearer.is_empty() && bearer.bytes().all(|byte| byte.is_ascii_graphic());
        (is_line && bearer.len() <= LONGEST_BEARER).then(|| Self::new(bearer.to_owned()))
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

/// No issuer's token is longer, and brokers refuse longer ones.
const LONGEST_BEARER: usize = 16 << 10;

/// How credentials begin that a server may send back: GitHub's tokens
/// (<https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>), JWTs, and the
/// base64 of `x-access-token:` in Basic authentication.
const BEGINNINGS: [&str; 8] =
    ["ghs_", "ghu_", "gho_", "ghp_", "ghr_", "github_pat_", "eyJ", "eC1hY2Nlc3MtdG9rZW46"];
/// A shorter word is part of a name, not a credential.
const SHORTEST: usize = 20;

/// Which secret a text has the form of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// PEM text of a private key, whatever became of its line ends.
    Key,
    /// The same in base64.
    EncodedKey,
    /// The base64 between the armour of a key.
    BareKey,
    /// Other PEM text.
    Pem,
    /// One of GitHub's tokens.
    Token,
    /// An App JWT, or an OIDC token.
    Jwt,
}

impl Looks {
    /// Completes "this is".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Key => "the private key itself",
            Self::EncodedKey => "the private key itself, in base64",
            Self::BareKey => "the private key itself, without its first and last line",
            Self::Pem => "PEM text itself",
            Self::Token => "a token",
            Self::Jwt => "a JWT",
        }
    }

    /// Where such a secret belongs.
    pub fn belongs(self) -> &'static str {
        match self {
            Self::Key | Self::EncodedKey | Self::BareKey => {
                "write the key to a file with mode 600 and set GITHUB_APP_PRIVATE_KEY_FILE to its path, or put its text into GITHUB_APP_PRIVATE_KEY"
            }
            Self::Pem => "write it to a file and give the path of the file",
            Self::Token | Self::Jwt => {
                "a broker's bearer belongs in a file that GITHUB_APP_BROKER_TOKEN_FILE names, or in GITHUB_APP_BROKER_TOKEN; GitHub's own tokens are never configured"
            }
        }
    }
}

/// Holds the private key itself; removed from the environment of git, gh and other programs that this one runs for itself.
pub const KEY_VARIABLE: &str = "GITHUB_APP_PRIVATE_KEY";
/// Holds a broker's bearer itself; removed too.
pub const BEARER_VARIABLE: &str = "GITHUB_APP_BROKER_TOKEN";
/// Lets its holder request ID tokens of a GitHub Actions job; removed too.
pub const ID_TOKEN_VARIABLE: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// The beginning of the base64 of `-----BEGIN`.
const ENCODED_ARMOUR: &str = "LS0tLS1CRUdJTi";
/// How the base64 of a key's DER begins: a sequence with a length of two bytes.
const ENCODED_DER: &str = "MII";
/// A line of a key's base64; a shorter one is not a key.
const KEY_LINE: usize = 60;

/// Recognises the secrets that people put where a path, a URL or a name belongs. What is in a text beside the secret
/// makes no difference. Every setting of every `get` passes here, so that it searches byte by byte and sets nothing up.
pub fn looks_like(text: &str) -> Option<Looks> {
    let bytes = text.as_bytes();
    if let Some(at) = position(bytes, b"-----BEGIN") {
        let label = text[at + 10..].split("-----").next().unwrap_or_default();
        let is_key = label.contains("PRIVATE") || !label.contains(['P', 'C']);
        return Some(if is_key { Looks::Key } else { Looks::Pem });
    }
    if text.len() < SHORTEST {
        return None;
    }
    if position(bytes, ENCODED_ARMOUR.as_bytes()).is_some() {
        return Some(Looks::EncodedKey);
    }
    text.split(|c: char| !is_part(c)).find_map(looks_like_word)
}

fn looks_like_word(word: &str) -> Option<Looks> {
    if word.len() >= KEY_LINE && word.starts_with(ENCODED_DER) {
        return Some(Looks::BareKey);
    }
    let beginning = |at: usize| {
        let rest = &word[at..];
        let beginning = BEGINNINGS.iter().find(|beginning| rest.starts_with(**beginning))?;
        Some((*beginning, &rest[beginning.len()..]))
    };
    // A word is ASCII; these are the first letters of all beginnings.
    let mut starts = word.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'g' | b'e'));
    let (beginning, rest) = starts.find_map(|(at, _)| beginning(at))?;
    if beginning == "eyJ" {
        return (rest.len() >= SHORTEST && rest.matches('.').count() == 2).then_some(Looks::Jwt);
    }
    let run = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
    // A name such as `ghs_installation_helpers` is none.
    (run >= SHORTEST || rest[run..].starts_with("_eyJ")).then_some(Looks::Token)
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// Whether a character can be part of a credential.
fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/')
}

/// Leaves out of a text from outside what has the form of a credential: a server that refuses one may quote it.
pub fn hide(text: &str) -> Cow<'_, str> {
    // Nearly every text has none of them, and is looked through but once: this is done for each line of a log.
    let telling = |(at, byte): (usize, u8)| {
        let begins = |beginning: &&str| text.as_bytes()[at..].starts_with(beginning.as_bytes());
        let all = BEGINNINGS.iter().chain(&[ENCODED_ARMOUR, ENCODED_DER, "-----BEGIN"]);
        matches!(byte, b'g' | b'e' | b'L' | b'M' | b'-') && all.into_iter().any(begins)
    };
    if text.len() < SHORTEST || !text.bytes().enumerate().any(telling) {
        return Cow::Borrowed(text);
    }
    if let Some((before, block)) = text.split_once("-----BEGIN") {
        let after = block.split_once("-----END").and_then(|(_, end)| end.split_once("-----"));
        return Cow::Owned(format!("{}(hidden){}", hide(before), hide(after.map_or("", |(_, after)| after))));
    }
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c: char| !is_part(c)) {
        let word = piece.trim_end_matches(|c: char| !is_part(c));
        let key = word.starts_with(ENCODED_DER) && word.len() >= KEY_LINE;
        let start =
            BEGINNINGS.iter().chain(&[ENCODED_ARMOUR]).filter_map(|beginning| word.find(beginning)).min();
        match start.filter(|start| word.len() - start >= SHORTEST).or(key.then_some(0)) {
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
    fn a_bearer_is_one_line_of_a_length_that_makes_sense() {
        let longest = "x".repeat(LONGEST_BEARER);
        for (text, bearer) in [
            ("a.b-c_d\n", Some("a.b-c_d")),
            (" \ta\r\n", Some("a")),
            (longest.as_str(), Some(longest.as_str())),
            (&format!("{longest}x"), None),
            ("", None),
            ("\n", None),
            ("a b", None),
            ("a\nb\n", None),
            ("a\u{0}", None),
            ("ä", None),
        ] {
            assert_eq!(Secret::of_bearer(text).as_ref().map(Secret::expose), bearer, "{text:?}");
        }
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
            ("x -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- y", "x (hidden) y"),
            ("bad '-----BEGIN PRIVATE KEY-----MIIE", "bad '(hidden)"),
            ("LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo=", "(hidden)="),
        ] {
            assert_eq!(hide(text), shown);
        }
    }

    #[test]
    fn every_beginning_starts_with_a_letter_that_is_looked_for() {
        assert!(BEGINNINGS.iter().all(|beginning| beginning.starts_with(['g', 'e'])));
    }

    #[test]
    fn secrets_are_recognised_by_their_form_and_names_are_not() {
        let classic = format!("ghs_{}", "aB3".repeat(12));
        let stateless = "ghs_12345_eyJhbGciOiJFUzI1NiJ9.eyJhIjoxfQ.c2lnbmF0dXJl";
        let jwt = "eyJhbGciOiJFUzI1NiJ9.eyJhIjoxfQ.c2lnbmF0dXJl";
        let line = format!("MIIEpAIBAAKCAQEA{}", "x".repeat(48));
        for (text, looks) in [
            ("-----BEGIN RSA PRIVATE KEY-----", Some(Looks::Key)),
            ("  -----BEGIN PRIVATE KEY-----\\nMIIE", Some(Looks::Key)),
            ("-----BEGIN", Some(Looks::Key)),
            ("-----BEGIN CERTIFICATE-----", Some(Looks::Pem)),
            ("-----BEGIN PUBLIC KEY-----", Some(Looks::Pem)),
            ("LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo=", Some(Looks::EncodedKey)),
            (&line, Some(Looks::BareKey)),
            (&classic, Some(Looks::Token)),
            (&format!("https://x-access-token:{classic}@github.com"), Some(Looks::Token)),
            (stateless, Some(Looks::Token)),
            (jwt, Some(Looks::Jwt)),
            (&format!("Bearer {jwt}"), Some(Looks::Jwt)),
            ("/opt/ghs_installation_helpers/key.pem", None),
            ("/keys/MIIT/app.pem", None),
            ("eyJ", None),
            ("Iv23liTestApp", None),
        ] {
            assert_eq!(looks_like(text), looks, "{text}");
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
