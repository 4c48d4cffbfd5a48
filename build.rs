//! Links gcc's unwinder statically on Linux with glibc: a helper is started at every clone, fetch and push, and a shared
//! library less is less to load. It is part of gcc, which links the binary anyway. Releases are built for musl and have
//! no shared library at all.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "this is how a build script and cargo talk"
)]

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |key: &str| env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
