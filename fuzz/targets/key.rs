//! Texts that should be private keys are parsed or refused, and no message shows a part of them.
#![no_main]

use git_credential_github_app::tokens::error::render;
use git_credential_github_app::tokens::github::private_key::PrivateKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Err(failure) = PrivateKey::from_bytes(text.as_bytes()) else { return };
    let message = render(&failure.into());
    // What a key's lines are made of; a fuzzer finds words of our own messages, too.
    let is_base64 = |line: &&str| {
        line.len() >= 24 && line.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
    };
    for line in text.lines().map(str::trim).filter(is_base64) {
        assert!(!message.contains(line), "a message shows a line of the key");
    }
});
