//! What tests end and remove when they are done stays if they are stopped by force, say by Ctrl-C. A program that hears of
//! each program and directory through a pipe ends and removes what there is when that closes, which it does in any case.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use super::http_server::lock;

/// Programs first, as they could make directories again; each has a process group. The paths need no quotes.
const AWK: &str = r#"{ if ($1 == "+") left[$2]; else delete left[$2] }
END {
    for (one in left) if (one !~ "^/") system("kill -s KILL -- -" one)
    for (one in left) if (one ~ "^/") system("rm -rf " one)
}"#;

/// A program has been started.
pub fn started(id: u32) {
    tell(&format!("+ {id}\n"));
}

/// It has ended, and its number may become another's.
pub fn ended(id: u32) {
    tell(&format!("- {id}\n"));
}

/// A directory has been made.
pub fn made(directory: &Path) {
    tell(&format!("+ {}\n", directory.display()));
}

/// It has been removed.
pub fn removed(directory: &Path) {
    tell(&format!("- {}\n", directory.display()));
}

fn tell(line: &str) {
    static PIPE: OnceLock<Option<Mutex<ChildStdin>>> = OnceLock::new();
    if let Some(pipe) = PIPE.get_or_init(start) {
        drop(lock(pipe).write_all(line.as_bytes()));
    }
}

fn start() -> Option<Mutex<ChildStdin>> {
    let mut awk = Command::new("awk");
    // A group of its own, which no Ctrl-C reaches.
    awk.arg(AWK).process_group(0).current_dir("/");
    awk.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    awk.spawn().ok()?.stdin.take().map(Mutex::new)
}

#[test]
fn what_is_still_there_goes_when_the_pipe_closes() {
    let directory = super::inherited::directory("github-app-left-");
    let mut program = Command::new("sleep").arg("60").process_group(0).spawn().expect("sleep");
    let pipe = start().expect("awk");
    let told = format!("+ {}\n+ {}\n", program.id(), directory.path().display());
    lock(&pipe).write_all(told.as_bytes()).expect("a reader");
    drop(pipe);
    assert!(!program.wait().expect("a child of ours").success(), "it was killed");
    while directory.path().exists() {
        std::thread::yield_now();
    }
}
