//! The directory, its entries and their locks.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;
use crate::tokens::cache::key;

#[test]
fn entries_are_private_and_replaced_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::open(&dir.path().join("a/b")).unwrap();
    assert!(cache.read("k").unwrap().is_none());
    let lock = cache.try_lock("k").unwrap().expect("free");
    assert!(cache.try_lock("k").unwrap().is_none(), "the lock is held");
    fs::write(dir.path().join("a/b/k.new"), "left over").unwrap();
    lock.write(b"one", 0).unwrap();
    lock.write(b"two", 0).unwrap();
    assert_eq!(cache.read("k").unwrap().unwrap().content.as_slice(), b"two");
    assert_eq!(fs::metadata(dir.path().join("a/b")).unwrap().mode() & 0o777, 0o700);
    for entry in fs::read_dir(dir.path().join("a/b")).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().mode() & 0o777, 0o600);
    }
    drop(lock);
    assert!(cache.try_lock("k").unwrap().is_some(), "released");
}

#[test]
fn only_entries_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::open(&dir.path().join("c")).unwrap();
    let deadline = Deadline::after(Duration::from_secs(1));
    let name = key::hash(&["a"]);
    cache.lock(&name, deadline).unwrap().write(b"x", 0).unwrap();
    fs::write(dir.path().join("c/README.json"), "not ours").unwrap();
    assert_eq!(cache.keys().unwrap(), [name]);
    let held = cache.lock("k", deadline).unwrap();
    assert!(cache.lock("k", Deadline::after(Duration::ZERO)).is_err(), "waits no longer than it may");
    drop(held);
}

#[test]
fn what_others_can_access_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let open = dir.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(Cache::open(&open).unwrap_err().to_string().contains("mode 755"));
    let link = dir.path().join("link");
    symlink(dir.path(), &link).unwrap();
    assert!(Cache::open(&link).unwrap_err().to_string().contains("not a directory"));
    let cache = Cache::open(&dir.path().join("c")).unwrap();
    fs::write(dir.path().join("victim"), "x").unwrap();
    symlink(dir.path().join("victim"), dir.path().join("c/k.json")).unwrap();
    assert!(cache.read("k").is_err(), "a symbolic link is not followed");
    cache.try_lock("k").unwrap().unwrap().write(b"new", 0).unwrap();
    assert_eq!(fs::read(dir.path().join("victim")).unwrap(), b"x");
    fs::set_permissions(dir.path().join("c/k.json"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(cache.read("k").err().unwrap().to_string().contains("mode 640"));
}

#[test]
fn a_mark_is_kept_with_an_entry_and_set_without_a_write() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::open(&dir.path().join("c")).unwrap();
    let mark = || cache.read("k").unwrap().unwrap().mark;
    cache.try_lock("k").unwrap().unwrap().write(b"one", 1_800_000_000).unwrap();
    assert_eq!(mark(), Some(1_800_000_000));
    let stored = cache.read("k").unwrap().unwrap();
    for time in [0, 1_700_000_000] {
        stored.set_mark(time).unwrap();
        assert_eq!(mark(), Some(time));
    }
    fs::write(dir.path().join("c/k.json"), "by the file system's clock").unwrap();
    assert_eq!(mark(), None);
}
