//! Methods, paths, queries and bearers that reach `serve`: no client gets more than it asked for or than the limits of
//! its bearer and of the settings allow, and a client without a bearer does not get past 401.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use git_credential_github_app::broker::asker::Asker;
use git_credential_github_app::broker::model::{Asking, IDENTITIES, SERVERS, judge};
use libfuzzer_sys::fuzz_target;

static ASKER: LazyLock<Asker> = LazyLock::new(|| {
    let dir = std::env::temp_dir().join(format!("fuzz-paths-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("room for a directory");
    Asker::new(&dir)
});

// Which broker and whose bearer (a letter after the last one means an unknown one), a request line, and below it the
// header `Authorization`, if any, of a client without a known bearer.
fuzz_target!(|input: &[u8]| {
    let [server, identity, rest @ ..] = input else { return };
    let number = |byte: &u8, first: u8| usize::from(byte.wrapping_sub(first));
    let server = number(server, b'0') % SERVERS.len();
    let identity = IDENTITIES.get(number(identity, b'a') % (IDENTITIES.len() + 1));
    let known = identity.map(|identity| format!("Bearer {}", identity.bearer));
    let mut parts = rest.splitn(2, |&byte| byte == b'\n');
    let (line, raw) = (parts.next().unwrap_or_default(), parts.next());
    let mut words = line.trim_ascii_start().splitn(2, |&byte| byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let authorization = known.as_ref().map(String::as_bytes).or(raw);
    let asking = Asking { method, target, authorization };
    let Some(seen) = ASKER.ask(server, &asking) else { return };
    if let Err(broken) = judge(SERVERS[server], &asking, &seen) {
        panic!("{broken}: status {}, minted {:?}", seen.status, seen.minted);
    }
});
