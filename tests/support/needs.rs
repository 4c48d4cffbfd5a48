//! What a test needs and not every machine has. A test without it is left out, and one line on standard error says so for
//! each thing that is missing. With `RUN_ALL_TESTS=1`, as in `.ci/run`, what can be installed must be.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::Access;

use super::http_server::lock;

/// A program that some tests need.
#[derive(Debug)]
pub struct Need {
    pub program: &'static str,
    /// What has it; `None` if nobody has to install that for the tests.
    package: Option<&'static str>,
    /// What the tests that need it are about.
    pub tests: &'static str,
}

const fn need(program: &'static str, package: Option<&'static str>, tests: &'static str) -> Need {
    Need { program, package, tests }
}

pub const BASH: Need = need("bash", Some("bash"), "bash's completions");
pub const FISH: Need = need("fish", Some("fish"), "fish's own check of its completions");
pub const GH: Need = need("gh", Some("gh"), "gh's login, and gh under exec");
pub const GZIP: Need = need("gzip", Some("gzip"), "a check of the tests' own gzip bomb");
pub const HAPROXY: Need = need("haproxy", None, "brokers behind a load balancer");
pub const JQ: Need = need("jq", Some("jq"), "the documented search of an audit log");
pub const NODE: Need = need("node", Some("nodejs"), "the GitHub Action");
pub const OPENSSL: Need = need("openssl", Some("openssl"), "sign commands, and directories of certificates");
pub const SCRIPT: Need = need("script", Some("bsdutils"), "what a person at a terminal is told");
pub const SETPRIV: Need = need("setpriv", Some("util-linux"), "what other users of the machine can do");
pub const STRACE: Need = need("strace", Some("strace"), "system calls that fail");
pub const SYSTEMD_ANALYZE: Need = need("systemd-analyze", None, "systemd's own check of our units");
pub const UNSHARE: Need = need("unshare", Some("util-linux"), "disks that are full or read-only");
pub const ZSH: Need = need("zsh", Some("zsh"), "zsh's own check of its completions");

/// All of them.
const ALL: [Need; 14] = [
    BASH,
    FISH,
    GH,
    GZIP,
    HAPROXY,
    JQ,
    NODE,
    OPENSSL,
    SCRIPT,
    SETPRIV,
    STRACE,
    SYSTEMD_ANALYZE,
    UNSHARE,
    ZSH,
];

impl Need {
    /// The program; `None`, and a line that says so, where it is not installed.
    #[track_caller]
    pub fn find(&self) -> Option<PathBuf> {
        let found = program(self.program);
        if found.is_none() {
            let what = format!("{} is not installed", self.program);
            match self.package {
                Some(package) => missing(&what, &format!("apt-get install {package}"), self.tests),
                None => left_out(&what, self.tests),
            }
        }
        found
    }

    /// Whether the program is installed; a line says so where it is not.
    #[track_caller]
    pub fn is_met(&self) -> bool {
        self.find().is_some()
    }
}

/// The first program of a name on the `PATH` of the test run.
pub fn program(name: &str) -> Option<PathBuf> {
    programs(name).into_iter().next()
}

/// All programs of a name on the `PATH`.
pub fn programs(name: &str) -> Vec<PathBuf> {
    std::env::split_paths(&path()).map(|dir| dir.join(name)).filter(|file| is_program(file)).collect()
}

/// The `PATH` of the test run without relative entries, which lead elsewhere from a sandbox, and directories
/// that this user may not search: with one, a program that is not there is one that may not be run.
pub fn path() -> OsString {
    let all = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&all).filter(|dir| dir.is_absolute() && may_search(dir));
    std::env::join_paths(dirs).expect("parts of a PATH")
}

fn may_search(dir: &Path) -> bool {
    rustix::fs::access(dir, Access::EXEC_OK).is_ok()
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Says what is missing and which tests are left out; a failure where all must run.
#[track_caller]
pub fn missing(what: &str, remedy: &str, tests: &str) {
    let all = std::env::var_os("RUN_ALL_TESTS").is_some_and(|value| value == "1");
    assert!(!all, "{what}, and RUN_ALL_TESTS is set: {remedy}");
    left_out(what, tests);
}

/// Says, once, which tests the machine or its user does not allow.
pub fn left_out(why: &str, tests: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if lock(&SAID).insert(why.to_owned()) {
        say(&format!("skipped: {why}: left out: {tests}"));
    }
}

/// Writes a line past the test harness, which keeps what `eprintln` writes to itself.
pub fn say(text: &str) {
    // At once, as tests run side by side.
    drop(std::io::stderr().write_all(format!("{text}\n").as_bytes()));
}

#[test]
fn the_documents_name_what_building_and_testing_need() {
    let contributing = include_str!("../../CONTRIBUTING.md");
    let rust = format!("[Rust](https://rustup.rs) {} or later", env!("CARGO_PKG_RUST_VERSION"));
    for text in [contributing, include_str!("../../README.md")] {
        assert!(text.contains(&rust) && text.contains("a C compiler"), "{rust}");
    }
    let table =
        contributing.split("| without | left out |").nth(1).and_then(|rest| rest.split("\n\n").next());
    let table = table.expect("a table of what is left out").replace("systemd", "systemd-analyze");
    for need in ALL {
        let mut words = table.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        assert!(words.any(|word| word == need.program), "{}", need.program);
    }
}
