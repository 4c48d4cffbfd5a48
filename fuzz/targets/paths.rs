//! Methods, paths, queries and bearers that reach `serve`: nobody without the bearer gets past 401, and nothing panics.
#![no_main]

use std::sync::LazyLock;

use git_credential_github_app::internals::{Asker, bearer_line};
use libfuzzer_sys::fuzz_target;

static ASKER: LazyLock<Asker> = LazyLock::new(|| {
    let file = std::env::temp_dir().join(format!("fuzz-bearers-{}", std::process::id()));
    std::fs::write(&file, bearer_line("one", b"the bearer")).expect("room for a file");
    Asker::new(&file)
});

// A request line, and below it the header `Authorization` if there is one.
fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |&byte| byte == b'\n');
    let (line, authorization) = (parts.next().unwrap_or_default(), parts.next());
    let mut words = line.splitn(2, |&byte| byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let Some(status) = ASKER.status(method, target, authorization) else { return };
    // A fragment is no part of what a server sees.
    let path = target.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
    let open = path.ends_with(b"/healthz") || path.ends_with(b"/readyz");
    let known = authorization.is_some_and(|value| value.trim_ascii().ends_with(b"the bearer"));
    match status {
        200 => assert!(open || known, "an answer without a bearer"),
        400 | 404 if !known => {
            assert!(!path.ends_with(b"/github-installation-token") || !is_route(path), "past 401")
        }
        400 | 401 | 403 | 404 | 405 | 429 | 503 => {}
        status => panic!("an answer with {status}"),
    }
});

/// Whether these bytes are one of the two token routes as a plain client writes them.
fn is_route(path: &[u8]) -> bool {
    path == b"/admin/github-installation-token" || path == b"/workspaces/ws-1/github-installation-token"
}
