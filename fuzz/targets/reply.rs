//! Answers to git: whatever a server returns as a token, it adds no line to git's protocol, and git reads it back.
#![no_main]

use git_credential_github_app::tokens::protocol::{self, Reply};
use git_credential_github_app::tokens::secret::Secret;
use git_credential_github_app::tokens::token;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (String, Option<i64>, bool, bool)| {
    let (token, expiry, authtype, state) = input;
    let Some(text) = reply(&token, expiry, authtype, state.then_some("0123456789abcdef")) else { return };
    let expected = 2 + usize::from(expiry.is_some()) + 2 * usize::from(authtype) + 3 * usize::from(state);
    assert_eq!(text.split('\n').count(), expected + 1, "a line too many or too few");
    assert!(text.ends_with('\n') && !text.contains(['\0', '\r']), "bytes that end git's message");
    let password = text.lines().find_map(|line| line.strip_prefix("password="));
    assert_eq!(password, Some(token.as_str()), "another password than the token");
    assert!(token.len() > 65_000 || protocol::parse(text.as_bytes()).is_some(), "git cannot read it");
});

/// The answer to git with a token; `None`: the token is refused.
fn reply(token: &str, expiry: Option<i64>, authtype: bool, state: Option<&str>) -> Option<String> {
    token::check_text(token).ok()?;
    let password = &Secret::new(token.to_owned());
    let reply = Reply { user: "x-access-token", password, expiry, authtype, state, again: state.is_some() };
    Some(reply.to_secret().expose().to_owned())
}
