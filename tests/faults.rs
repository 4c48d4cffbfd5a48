//! Faults of the disk, of the network and of the process itself, by tables. After each of them the same holds: a push
//! got its token or one clear message, no secret lies anywhere but in its private file, and the next command works.
//! `LONG=1` makes more runs.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::common::{REQUEST, attribute, broker_sandbox, fresh_tokens, password};
use crate::support::broker::FakeBroker;
use crate::support::process::Output;
use crate::support::sandbox::{Sandbox, files_below};

mod disk;
mod kill;
mod mounts;
mod network;
mod planted;
mod sockets;
mod swapped;
mod threads;
mod tls;

/// Every token of the tests' brokers begins so.
const TOKEN: &[u8] = b"ghs_";

/// A broker with a new token for every request, a sandbox that asks it, and the name of the cache entry.
pub struct Site {
    pub broker: FakeBroker,
    pub sandbox: Sandbox,
    pub key: String,
}

impl Site {
    /// With one token in the cache.
    pub fn new() -> Self {
        Self::with(fresh_tokens())
    }

    /// The same with this broker.
    pub fn with(broker: FakeBroker) -> Self {
        let sandbox = broker_sandbox(&broker.url(), "bearer");
        sandbox.set_env("GITHUB_APP_CACHE_DIR", sandbox.path().join("cache"));
        sandbox.set_env("GITHUB_APP_TIMEOUT", "5s");
        password(&sandbox.helper(&["get"]).stdin(REQUEST).run());
        let names = fs::read_dir(sandbox.path().join("cache")).expect("the cache");
        let mut names = names.map(|entry| entry.expect("an entry").path());
        let entry = names.find(|path| path.extension().is_some_and(|end| end == "json")).expect("an entry");
        let key = entry.file_stem().expect("a name").to_string_lossy().into_owned();
        Self { broker, sandbox, key }
    }

    pub fn cache(&self) -> PathBuf {
        self.sandbox.path().join("cache")
    }

    /// A file of the entry, by its ending.
    pub fn file(&self, end: &str) -> PathBuf {
        self.cache().join(format!("{}.{end}", self.key))
    }

    pub fn get(&self) -> Output {
        self.sandbox.helper(&["get"]).stdin(REQUEST).run()
    }

    /// Makes the cache a directory that is not there.
    pub fn make_cold(&self) {
        let _ = fs::remove_dir_all(self.cache());
    }

    /// Whatever happened before: every command works, and a token that is asked for again is the same one.
    #[track_caller]
    pub fn everything_works(&self, what: &str) {
        let run = |args: &[&str], stdin: &str| {
            let output = self.sandbox.helper(args).stdin(stdin).run();
            assert_eq!(output.status, 0, "{what}: {args:?}: {}", output.stderr);
            assert_eq!(output.stderr, "", "{what}: {args:?}");
            output
        };
        let token = password(&run(&["get"], REQUEST));
        assert_eq!(password(&run(&["get"], REQUEST)), token, "{what}: cached");
        let approved = format!("{REQUEST}username=x-access-token\npassword={token}\n");
        run(&["store"], &approved);
        assert!(run(&["status"], "").stdout.contains(" left"), "{what}: status lists the token");
        run(&["erase"], &approved);
        let next = password(&run(&["get"], REQUEST));
        assert_ne!(next, token, "{what}: erased");
        run(&["refresh"], "");
        run(&["revoke", "--local"], "");
        assert_ne!(password(&run(&["get"], REQUEST)), next, "{what}: revoked");
        self.no_secret_is_astray(what);
        assert_eq!(self.temporary_files(), [] as [PathBuf; 0], "{what}");
    }

    /// No file of the sandbox holds a token but entries in the private directory.
    #[track_caller]
    pub fn no_secret_is_astray(&self, what: &str) {
        for path in files_below(self.sandbox.path()) {
            // Gone by now: it holds nothing.
            let Ok(content) = fs::read(&path) else { continue };
            if !content.windows(TOKEN.len()).any(|window| window == TOKEN) {
                continue;
            }
            let mode = |path: &Path| fs::metadata(path).expect("a file of ours").mode() & 0o777;
            let ours = path.parent() == Some(&self.cache());
            assert!(ours && mode(&path) == 0o600, "{what}: a token lies in {}", path.display());
            assert_eq!(mode(&self.cache()), 0o700, "{what}");
        }
    }

    /// What is in the cache and is neither an entry nor a lock.
    pub fn temporary_files(&self) -> Vec<PathBuf> {
        let lasting = |path: &Path| path.extension().is_some_and(|end| end == "json" || end == "lock");
        files_below(&self.cache()).into_iter().filter(|path| !lasting(path)).collect()
    }
}

/// What must hold however a command ends: a documented status, no panic, no secret but the answer's.
#[track_caller]
fn ends_well(output: &Output, what: &str) {
    assert!((0..=5).contains(&output.status), "{what}: status {}: {}", output.status, output.stderr);
    assert!(
        !output.stderr.contains("ghs_") && !output.stderr.contains("panicked"),
        "{what}: {}",
        output.stderr
    );
    let answers = attribute(output, "password").is_some();
    assert!(output.status == 0 || !answers, "{what}: a token and a failure");
    assert!(
        output.status == 0 || output.stderr.starts_with("git-credential-github-app: "),
        "{what}: {}",
        output.stderr
    );
}

/// A `get` that the cache has failed: its token, and at most one line, which is a warning.
#[track_caller]
fn answers(output: &Output, what: &str) {
    ends_well(output, what);
    assert!(attribute(output, "password").is_some(), "{what}: no token: {}", output.stderr);
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert!(lines.len() <= 1 && lines.iter().all(|line| line.contains("warning: ")), "{what}: {lines:?}");
}

/// Whether the suite may take its time: `LONG=1`.
fn long() -> bool {
    std::env::var_os("LONG").is_some_and(|value| value == "1")
}

/// For people who read the tests' output.
#[expect(clippy::print_stderr, reason = "tests report what they have done")]
fn say(text: &str) {
    eprintln!("{text}");
}
