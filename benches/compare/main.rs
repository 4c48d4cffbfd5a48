//! `cargo bench --bench compare`: the helper compared with other installed helpers, and its calls over a slow line.
//! Prints tables and writes them to `target/compare.md`, and a plot to `target/speed-get.svg`. `HELPER_UNDER_TEST` names
//! another binary to measure, such as a release. Nothing leaves the machine.
//!
//! Within each round the commands run in turn, so that noise affects all of them equally; medians are reported.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures and prints"
)]

#[path = "../../tests/support/mod.rs"]
mod support;

mod contenders;
mod network;
mod parallel;
mod plot;
mod rounds;

use std::fmt::Write as _;
use std::path::Path;

fn main() {
    let mut report = String::new();
    let mut section = |title: &str, table: String| {
        let _ = write!(report, "## {title}\n\n{table}\n");
        println!("## {title}\n\n{table}");
    };
    section("Machine", machine());
    let contenders = contenders::Contenders::new();
    let (table, plot) = contenders.table();
    section("A credential that is in the cache", table);
    section("Memory", contenders.memory());
    section("A new token over a line with 50 ms of round trip", network::table());
    section("Many at once", parallel::table());
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    // CARGO_TARGET_DIR may name another one.
    std::fs::create_dir_all(&dir).expect("room in the checkout");
    let file = dir.join("compare.md");
    std::fs::write(&file, report).expect("room in target");
    std::fs::write(dir.join("speed-get.svg"), plot).expect("room in target");
    println!("written to {}", file.display());
}

fn machine() -> String {
    let first = |file: &str, key: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default().to_owned();
        line.split_once(':').map_or(line.clone(), |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let size = std::fs::metadata(support::sandbox::Sandbox::new().binary()).map_or(0, |file| file.len());
    format!(
        "{}, {cores} cores; Linux {}; {date}; the binary has {:.2} MiB\n",
        first("/proc/cpuinfo", "model name"),
        kernel.trim(),
        f64::from(u32::try_from(size).unwrap_or(0)) / f64::from(1 << 20),
    )
}
