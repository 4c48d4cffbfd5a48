//! Trust files are accepted, or refused with a line number, and no message shows a value.
#![no_main]

use std::path::Path;

use git_credential_github_app::broker::trust::TrustRules;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input).into_owned();
    match TrustRules::parse(&text, Path::new("/etc")) {
        Ok(rules) => {
            assert!(!rules.issuers.is_empty());
            for rule in &rules.rules {
                assert!(!rule.conditions.is_empty(), "a rule that matches everything");
                let known = rules.issuers.iter().any(|issuer| issuer.name == rule.issuer);
                assert!(known, "a rule of an issuer that there is not");
            }
        }
        Err(wrong) => {
            assert!((1..=text.matches('\n').count() + 1).contains(&wrong.line), "a line that there is not");
            // Names of tables and keys may be shown, values never; we look for words that are not keys.
            for value in text.split('"').filter(|value| value.len() > 40 && value.contains(' ')) {
                let as_key =
                    text.contains(&format!("\"{value}\" =")) || text.contains(&format!("\"{value}\"="));
                let as_name = text.contains(&format!("[issuer.\"{value}\"]"));
                assert!(as_key || as_name || !wrong.message.contains(value), "a message shows a value");
            }
        }
    }
});
