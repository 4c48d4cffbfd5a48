//! Links, pipes, directories and other users' files planted in place of the cache's directory and files.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use super::{Site, answers};
use crate::common::{REQUEST, password};
use crate::support::inherited::directory;
use crate::support::users::is_root;

/// The target of a link; it holds no token, and must not be changed.
const VICTIM: &str = "the victim's own text";

/// Puts something at a path; the second path is the victim.
type Plant = fn(&Path, &Path);

fn fifo(at: &Path, _: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, at, rustix::fs::FileType::Fifo, mode, 0).expect("a new pipe");
}

fn socket(at: &Path, _: &Path) {
    // A socket stays in the directory after its listener has gone; its path must be short.
    let short = directory("s-");
    drop(UnixListener::bind(short.path().join("s")).expect("a new socket"));
    fs::rename(short.path().join("s"), at).expect("the same disk");
}

fn full_directory(at: &Path, _: &Path) {
    fs::create_dir(at).expect("a new directory");
    fs::write(at.join("x"), "").expect("a new file");
}

fn dangling(at: &Path, victim: &Path) {
    symlink(victim.with_extension("nowhere"), at).expect("a new link");
}

const PLANTS: [(&str, Plant); 7] = [
    ("a symbolic link", |at, victim| symlink(victim, at).expect("a new link")),
    ("a dangling symbolic link", dangling),
    ("a hard link", |at, victim| fs::hard_link(victim, at).expect("a new link")),
    ("a pipe", fifo),
    ("a socket", socket),
    ("an empty directory", |at, _| fs::create_dir(at).expect("a new directory")),
    ("a directory with a file", full_directory),
];

#[test]
fn nothing_in_place_of_a_file_of_the_cache_is_followed_waited_for_or_changed() {
    for (name, plant) in PLANTS {
        for end in ["json", "lock", "new"] {
            let what = format!("{name} as .{end}");
            let site = Site::new();
            let victim = site.sandbox.write_private("victim", VICTIM);
            let _ = fs::remove_file(site.file("json"));
            let _ = fs::remove_file(site.file(end));
            plant(&site.file(end), &victim);
            let first = site.sandbox.helper(&["get"]).stdin(REQUEST).limit(Duration::from_secs(20)).run();
            answers(&first, &what);
            // Where no warning came, the token is cached: once more without a new one.
            let second = site.get();
            answers(&second, &what);
            if first.stderr.is_empty() {
                assert_eq!(password(&first), password(&second), "{what}");
            }
            assert_eq!(fs::read_to_string(&victim).expect("the victim"), VICTIM, "{what}");
            assert!(!victim.with_extension("nowhere").exists(), "{what}: made through a link");
            site.no_secret_is_astray(&what);
            site.make_cold();
            site.everything_works(&what);
        }
    }
}

#[test]
fn nothing_in_place_of_the_directory_is_followed() {
    // The directory that the link leads to is the user's own and private: only the link makes it unfit.
    for (name, plant) in PLANTS {
        let site = Site::new();
        let victim = site.sandbox.write_private("victim", VICTIM);
        let private = site.sandbox.path().join("private");
        fs::create_dir(&private).expect("a new directory");
        fs::set_permissions(&private, fs::Permissions::from_mode(0o700)).expect("a directory of ours");
        site.make_cold();
        let target = if name == "a symbolic link" { &private } else { &victim };
        plant(&site.cache(), target);
        let output = site.get();
        answers(&output, name);
        if !name.contains("directory") {
            assert!(output.stderr.contains("it is not a directory"), "{name}: {}", output.stderr);
        }
        assert_eq!(fs::read_dir(&private).expect("a directory").count(), 0, "{name}");
        assert_eq!(fs::read_to_string(&victim).expect("the victim"), VICTIM, "{name}");
    }
}

#[test]
fn files_of_another_user_or_open_to_others_are_not_read() {
    for (name, mode, owner) in [
        ("another user's", 0o600, Some(65534)),
        ("another user's and open", 0o666, Some(65534)),
        ("readable by the group", 0o640, None),
        ("writable by all", 0o602, None),
    ] {
        let site = Site::new();
        if owner.is_some() && !is_root() {
            continue;
        }
        let entry = site.file("json");
        let planted = fs::read_to_string(&entry).expect("an entry").replace("ghs_", "planted_");
        fs::write(&entry, planted).expect("a file of ours");
        fs::set_permissions(&entry, fs::Permissions::from_mode(mode)).expect("a file of ours");
        chown(&entry, owner, None).expect("root, or no change");
        let output = site.get();
        answers(&output, name);
        assert!(password(&output).starts_with("ghs_"), "{name}: the planted token was handed out");
        assert!(output.stderr.contains("cannot read an entry of the cache"), "{name}: {}", output.stderr);
        site.everything_works(name);
    }
}

#[test]
fn a_link_to_a_lock_that_another_program_holds_cannot_block_a_push_beyond_its_timeout() {
    let site = Site::new();
    let lock = File::options().write(true).open(site.file("lock")).expect("the lock");
    fs::hard_link(site.file("lock"), site.sandbox.path().join("other-name")).expect("a new link");
    lock.lock().expect("the lock is free");
    let cached = site.get();
    answers(&cached, "a hit takes no lock");
    let renewal = site.sandbox.helper(&["--timeout=300ms", "--margin=55m", "get"]).stdin(REQUEST).run();
    assert_eq!(password(&renewal), password(&cached), "the living token is better than none");
    fs::remove_file(site.file("json")).expect("a file of ours");
    let output = site.sandbox.helper(&["--timeout=300ms", "token"]).limit(Duration::from_secs(5)).run();
    output.fails_with(5);
    drop(lock);
    site.everything_works("after the lock");
}
