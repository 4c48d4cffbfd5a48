//! Links release builds for Linux with glibc statically, at a fixed address: a helper is started at every clone, fetch
//! and push, and loading and relocating is most of what a `get` that finds its token in the cache costs beyond starting
//! a process (README.md, Speed).
//!
//! rustc itself links so with `-C target-feature=+crt-static`, but a package cannot ask for that, nor for one profile
//! only: tests preload libraries. So the linker gets what rustc would have given it. The feature `static` is on by
//! default; without it, without the static libraries, or across targets the build is dynamic as ever.
//!
//! It also makes what `--version` says beside the number: the commit, in release builds, and the target.
//!
//! Whoever links glibc statically must ask for names and users in another way: `cfg(static_glibc)`, see `src/platform/unix/getent.rs`.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "this is how a build script and cargo talk"
)]

use std::path::Path;
use std::process::Command;
use std::{env, fs, io};

/// The libraries that rustc's standard library names without saying static or shared, and what stands for them.
const LIBRARIES: [(&str, &str); 7] = [
    ("c", "-l:libc.a -l:libgcc_eh.a -l:libgcc.a"),
    ("m", "-l:libm.a"),
    ("dl", "-l:libdl.a"),
    ("rt", "-l:librt.a"),
    ("util", "-l:libutil.a"),
    ("pthread", "-l:libpthread.a"),
    ("gcc_s", "-l:libgcc_eh.a"),
];

/// How much of a commit's name is told.
const COMMIT_LENGTH: usize = 12;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(static_glibc)");
    tell_version();
    let target = |key: &str| variable(&format!("CARGO_CFG_TARGET_{key}"));
    let by_rustc = target("FEATURE").split(',').any(|feature| feature == "crt-static");
    if target("OS") != "linux" || target("ENV") != "gnu" {
        return Ok(());
    }
    if by_rustc {
        println!("cargo::rustc-cfg=static_glibc");
        return Ok(());
    }
    let wanted = env::var_os("CARGO_FEATURE_STATIC").is_some() && variable("PROFILE") == "release";
    if wanted && variable("HOST") == variable("TARGET") && can_link_statically() {
        return link_statically(Path::new(&variable("OUT_DIR")));
    }
    // The unwinder at least: it is part of gcc, which links the binary anyway.
    println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    Ok(())
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

/// Distributions that keep static libraries in a package of their own may lack them.
fn can_link_statically() -> bool {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    ["libc.a", "libgcc_eh.a"].iter().all(|name| {
        // A file that is not found is printed as it was asked for.
        Command::new(&linker)
            .arg(format!("-print-file-name={name}"))
            .output()
            .is_ok_and(|output| output.status.success() && output.stdout.contains(&b'/'))
    })
}

/// Puts linker scripts that name static libraries where the linker looks before it looks for the shared ones.
fn link_statically(out: &Path) -> io::Result<()> {
    for (name, instead) in LIBRARIES {
        fs::write(out.join(format!("lib{name}.so")), format!("GROUP({instead})\n"))?;
    }
    for argument in [&format!("-L{}", out.display()), "-static", "-no-pie"] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    println!("cargo::rustc-cfg=static_glibc");
    Ok(())
}
