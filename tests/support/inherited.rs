//! What the shell that starts the tests hands down to them: a umask, a limit of open files, a directory for temporary
//! files, signals that are ignored (`cargo test &` in a script: SIGINT and SIGQUIT; `nohup`: SIGHUP) or blocked. The tests
//! and all that they start have what a new login has instead. Variables do not matter: a sandbox starts from an empty
//! environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, Once, OnceLock, Weak};
use std::time::Duration;

use rustix::fs::{Mode, StatVfsMountFlags};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::http_server::lock;
use super::leftovers;
use super::needs::{left_out, program, say};

/// SIGPIPE's bit: Rust ignores it in every program, and resets it in what it starts.
const PIPE: u64 = 1 << 12;

/// The longest path of a directory below which a sandbox has room for Unix sockets, whose paths may have 104 bytes.
const LONGEST: usize = 56;

/// A temporary directory; gone when dropped, which fails a test whose directory cannot be removed.
pub struct Directory(PathBuf);

impl Directory {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A program that has not quite ended may still make files.
        for _ in 0..100 {
            if fs::remove_dir_all(&self.0).is_ok() || !self.0.exists() {
                return leftovers::removed(&self.0);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(std::thread::panicking(), "{} cannot be removed", self.0.display());
    }
}

/// A new directory for this user only. Files created in it, here or by other programs, get the modes that they ask for.
pub fn directory(prefix: &str) -> Directory {
    directory_in(temporary(), prefix)
}

/// The same at a place of the caller's.
pub fn directory_in(place: &Path, prefix: &str) -> Directory {
    static LOGIN: Once = Once::new();
    LOGIN.call_once(|| {
        rustix::process::umask(Mode::WGRP | Mode::WOTH);
        // 256, as on macOS, are not enough for all that runs at once on a machine with many processors.
        let files = getrlimit(Resource::Nofile);
        let current = files.maximum.map_or(4096, |most| most.min(4096)).max(files.current.unwrap_or(0));
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(current), ..files });
    });
    let owner_only = fs::Permissions::from_mode(0o700);
    let new = tempfile::Builder::new().prefix(prefix).permissions(owner_only).tempdir_in(place);
    let path = new.expect("a temporary directory").keep();
    leftovers::made(&path);
    Directory(path)
}

/// Where temporary directories go: to `TMPDIR`, or where that does not fit, to `/tmp` or into `target`. A path that is
/// short and plain needs no quotes in scripts and settings; what needs them is in a directory that says so.
pub fn temporary() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let asked = std::env::temp_dir();
        // The last one is in `target`, and only tests know it.
        let places = [
            Some(asked.as_path()),
            Some(Path::new("/tmp")),
            option_env!("CARGO_TARGET_TMPDIR").map(Path::new),
        ];
        let mut places = places.into_iter().flatten().filter_map(|place| place.canonicalize().ok());
        let place = places.find(|place| fits(place)).expect("a directory for temporary files");
        if asked.canonicalize().ok().as_ref() != Some(&place) {
            say(&format!("temporary files are in {}, as {} does not fit", place.display(), asked.display()));
        }
        place
    })
}

/// Whether sandboxes can be in a directory: programs can be made and started there, by a path without surprises.
fn fits(place: &Path) -> bool {
    let short = place.as_os_str().len() <= LONGEST;
    let noexec = rustix::fs::statvfs(place).is_ok_and(|on| on.f_flag.contains(StatVfsMountFlags::NOEXEC));
    is_plain(place) && short && !noexec && tempfile::tempfile_in(place).is_ok()
}

fn is_plain(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte))
}

/// A program by a plain path. In a checkout that has none it is a copy, which exists as long as a test holds it.
pub fn plain(program: PathBuf) -> (PathBuf, Option<Arc<Directory>>) {
    static COPY: Mutex<Weak<Directory>> = Mutex::new(Weak::new());
    if is_plain(&program) {
        return (program, None);
    }
    let mut known = lock(&COPY);
    let name = program.file_name().expect("a program");
    let directory = known.upgrade().unwrap_or_else(|| {
        let directory = directory("github-app-program-");
        // By another program, as one that this process writes cannot be run while any other test starts a child.
        let cp = Command::new("cp").arg(&program).arg(directory.path().join(name)).status();
        assert!(cp.is_ok_and(|status| status.success()), "room for a copy");
        Arc::new(directory)
    });
    *known = Arc::downgrade(&directory);
    (directory.path().join(name), Some(directory))
}

/// As many connections as are wanted, or as the limit of open files allows to one test among others.
pub fn connections(wanted: u64) -> u64 {
    getrlimit(Resource::Nofile).current.map_or(wanted, |files| wanted.min(files / 4))
}

/// Prepares a program with exactly this environment, and perhaps a library, that no signal of the caller's is kept from.
pub fn command(name: &Path, env: &BTreeMap<OsString, OsString>, library: Option<&Path>) -> Command {
    static ENV: OnceLock<Option<PathBuf>> = OnceLock::new();
    let Some(resetting) = ENV.get_or_init(resetting_env) else {
        let mut command = Command::new(name);
        command.env_clear().envs(env).envs(library.map(|library| ("LD_PRELOAD", library)));
        return command;
    };
    let mut command = Command::new(resetting);
    command.env_clear().envs(env).arg("--default-signal");
    if let Some(library) = library {
        // Not for env(1) itself, which ends without what it would have to do for the library.
        command.arg(format!("LD_PRELOAD={}", library.display()));
    }
    // env(1) takes what has this character for a variable.
    if OsStr::new(name).as_bytes().contains(&b'=') {
        command.args(["/bin/sh", "-c", "exec \"$0\" \"$@\""]);
    }
    command.arg(name);
    command
}

/// env(1) of GNU coreutils, where it is needed.
fn resetting_env() -> Option<PathBuf> {
    // Elsewhere than on Linux there is no such file, and no such env(1).
    let status = fs::read_to_string("/proc/self/status").ok()?;
    if !status.lines().any(withholds) {
        return None;
    }
    let env = program("env").filter(|env| {
        let output = Command::new(env).args(["--default-signal", "true"]).output();
        output.is_ok_and(|output| output.status.success())
    });
    if env.is_none() {
        left_out(
            "signals are ignored or blocked here, and env --default-signal is missing",
            "resetting them",
        );
    }
    env
}

/// Whether a line of `/proc/PID/status` names signals that are blocked or ignored.
fn withholds(line: &str) -> bool {
    let Some((name @ ("SigBlk" | "SigIgn"), set)) = line.split_once(':') else { return false };
    let set = u64::from_str_radix(set.trim(), 16).unwrap_or_default();
    let expected = if name == "SigIgn" { PIPE } else { 0 };
    set & !expected != 0
}

#[test]
fn signals_that_are_ignored_or_blocked_are_seen() {
    for (line, seen) in [
        ("SigBlk:\t0000000000000000", false),
        ("SigBlk:\t0000000000001000", true),
        ("SigIgn:\t0000000000001000", false),
        ("SigIgn:\t0000000000001006", true),
        ("SigCgt:\t0000000000000006", false),
    ] {
        assert_eq!(withholds(line), seen, "{line}");
    }
}
