//! JWK Sets, and tokens checked against keys that only the issuer has: no token is accepted.
#![no_main]

use git_credential_github_app::broker::oidc::jwks::Jwks;
use git_credential_github_app::broker::oidc::presented::Presented;
use git_credential_github_app::tokens::signatures;
use libfuzzer_sys::fuzz_target;

/// An issuer's real public keys, whose private halves are not available here.
const KEYS: &str = r#"{"keys":[
{"kty":"EC","crv":"P-256","kid":"p256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

// A JWK Set in the first line, then a token.
fuzz_target!(|input: &[u8]| {
    signatures::install();
    let mut parts = input.splitn(2, |&byte| byte == b'\n');
    let (set, token) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let own = Jwks::parse(KEYS.as_bytes()).expect("keys");
    let given = Jwks::parse(set);
    if let Ok(keys) = &given {
        assert!((1..=100).contains(&keys.count()), "no keys, or too many");
    }
    let Ok(presented) = Presented::read(token) else { return };
    assert!(token.len() <= 16 * 1024, "a token that is too long");
    let algorithm = presented.header.alg;
    assert!(own.check(&presented, algorithm).is_err(), "a token without a valid signature");
    // With the input's own keys a signature may even be right; it must not end the process.
    if let Ok(keys) = given {
        let _ = keys.check(&presented, algorithm);
    }
    if let Ok(until) = presented.until(None, 1_800_000_000) {
        assert!(until > 1_800_000_000, "a token that has expired");
    }
});
