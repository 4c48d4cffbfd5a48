//! Makes what `--version` says beside the number: the commit, in release builds, and the target.
//!
//! On Linux with glibc, links gcc's unwinder statically: a helper is started at every clone, fetch and push, and a shared
//! library less is less to load. It is part of gcc, which links the binary anyway. Releases are built for musl and have
//! no shared library at all.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "this is how a build script and cargo talk"
)]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// How much of a commit's name is told.
const COMMIT_LENGTH: usize = 12;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    tell_version();
    let target = |key: &str| variable(&format!("CARGO_CFG_TARGET_{key}"));
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// `0.1.0 (0123456789ab, x86_64-unknown-linux-musl)`; without a commit where none can be told. The same commit makes the
/// same bytes, wherever and whenever it is built.
fn tell_version() {
    let known = [commit(), Some(variable("TARGET"))];
    let known: Vec<String> = known.into_iter().flatten().collect();
    println!("cargo::rustc-env=VERSION_LINE={} ({})", variable("CARGO_PKG_VERSION"), known.join(", "));
}

/// The commit of a release build: others would be built again after each commit.
fn commit() -> Option<String> {
    if variable("PROFILE") != "release" {
        return None;
    }
    let checkout = variable("CARGO_MANIFEST_DIR");
    // Cargo notes it in a package that it uploads.
    let packaged = Path::new(&checkout).join(".cargo_vcs_info.json");
    if let Ok(noted) = fs::read_to_string(packaged) {
        let (_, rest) = noted.split_once("\"sha1\": \"")?;
        return rest.get(..COMMIT_LENGTH).map(str::to_owned);
    }
    // In a package that lies in somebody else's repository, the commit would be that one's.
    let root = git(&checkout, &["rev-parse", "--show-toplevel"])?;
    if fs::canonicalize(root).ok()? != fs::canonicalize(&checkout).ok()? {
        return None;
    }
    for path in ["src", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={path}");
    }
    if let Some(log) = git(&checkout, &["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    let abbreviated = format!("--short={COMMIT_LENGTH}");
    let commit = git(&checkout, &["rev-parse", &abbreviated, "HEAD"])?;
    let changed = git(&checkout, &["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() { commit } else { format!("{commit}-dirty") })
}

/// What git says of the checkout, whatever repository the builder's variables name.
fn git(checkout: &str, args: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        git.env_remove(name);
    }
    let output = git.env("GIT_OPTIONAL_LOCKS", "0").arg("-C").arg(checkout).args(args).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
