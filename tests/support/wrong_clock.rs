//! A local clock that is wrong for a whole program and all that it starts, by libfaketime
//! (<https://github.com/wolfcw/libfaketime>). The tests' own servers keep the right time.

use std::path::{Path, PathBuf};

use super::needs::missing;
use super::process::Run;

/// Where distributions put the library.
const PLACES: [&str; 6] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
    "/usr/local/lib/faketime/libfaketime.so.1",
    "/opt/homebrew/lib/faketime/libfaketime.1.dylib",
];

/// The library; `None`, and a line that says so, where it is not installed.
pub fn library() -> Option<PathBuf> {
    let found = PLACES.iter().map(Path::new).find(|path| path.exists()).map(Path::to_owned);
    if found.is_none() {
        missing("libfaketime is not installed", "apt-get install faketime", "a local clock that is wrong");
    }
    found
}

/// Runs a program with its wall clock off by this many seconds; timers stay right.
pub fn off_by(run: Run, library: &Path, seconds: i64) -> Run {
    run.preload(library)
        .env("FAKETIME", format!("{seconds:+}s"))
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("FAKETIME_NO_CACHE", "1")
}

/// Runs a program with its wall clock off by what a file says, such as `-7200s`, at every moment; timers stay right.
pub fn by_file(run: Run, library: &Path, file: &Path) -> Run {
    run.env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", file)
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("FAKETIME_NO_CACHE", "1")
}
