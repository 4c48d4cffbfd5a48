//! Settings files are accepted, or refused with one message that has no control characters and shows no part of a line
//! that is not TOML.
#![no_main]

use git_credential_github_app::settings;
use git_credential_github_app::tokens::error::render;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Err(failure) = settings::of_text(text) else { return };
    let message = render(&failure.into());
    assert!(message.starts_with("git-credential-github-app: "), "a message without a name");
    assert!(message.chars().all(|c| c == '\n' || !c.is_control()), "control characters reach the terminal");
    assert!(!message.contains("not valid TOML") || !message.contains("ghs_sentinel"), "a line is shown");
});
