//! Bearer files: a line that we write is read and matches its bearer and no other, and no message shows a part of a line.
#![no_main]

use git_credential_github_app::broker::bearers::{self, Bearers};
use libfuzzer_sys::fuzz_target;

// Two lines with bearers, then the file.
fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(3, |&byte| byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let (bearer, other) = (part(), part());
    let text = String::from_utf8_lossy(part()).into_owned();
    if let Err(message) = name_of(&text, bearer) {
        let words = text.split_whitespace().filter(|word| word.len() > 20);
        assert!(words.into_iter().all(|word| !message.contains(word)), "a message shows a part of a line");
    }
    let text = format!("# known\n{}\n", bearers::line("one", bearer));
    let found = Some("one".to_owned());
    assert_eq!(name_of(&text, bearer), Ok(found), "a bearer is not found by its line");
    assert!(other == bearer || name_of(&text, other) == Ok(None), "somebody else is let in");
});

/// Whose bearer this is, by a bearer file's text.
fn name_of(text: &str, bearer: &[u8]) -> Result<Option<String>, String> {
    Ok(Bearers::parse(text, true)?.find(&bearers::hash(bearer)).map(|found| found.name.to_string()))
}
