//! Links the unwinder statically on Linux with glibc: a helper is started at every clone, fetch and push, and loading
//! one shared library less is a tenth of a warm `get`. The archive is part of gcc, which links the binary anyway.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "this is how a build script and cargo talk"
)]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |key: &str| std::env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
