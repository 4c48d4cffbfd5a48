//! The cache among other users, in places that they can write to.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::common::{REQUEST, fresh_tokens, password};
use crate::support::broker::FakeBroker;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;
use crate::support::users::{Common, User, give, mode, victim_and_attacker};

/// A broker, a place for all, and the sandboxes of both users.
struct Scene {
    broker: FakeBroker,
    common: Common,
    victim: User,
    attacker: User,
    home: Sandbox,
    lair: Sandbox,
}

impl Scene {
    fn new() -> Option<Self> {
        let (victim, attacker) = victim_and_attacker()?;
        let (broker, common) = (fresh_tokens(), Common::new());
        let (home, lair) = (common.sandbox_of(victim), common.sandbox_of(attacker));
        home.set_env("GITHUB_APP_BROKER_URL", broker.url());
        home.set_env("GITHUB_APP_BROKER_TOKEN", "bearer");
        Some(Self { broker, common, victim, attacker, home, lair })
    }

    /// The victim's `get` with its cache here.
    fn get(&self, cache: &Path) -> Output {
        let run = self.victim.run(&self.home, self.common.binary(), &["get"]);
        run.env("GITHUB_APP_CACHE_DIR", cache).stdin(REQUEST).run()
    }

    /// Whether the attacker can do something, with `$1` for a path.
    fn attacker_can(&self, command: &str, path: &Path) -> bool {
        let args = ["-c", command, "sh", &path.to_string_lossy()];
        self.attacker.run(&self.lair, "sh", &args).run().status == 0
    }

    /// The victim gets a token, one warning says that the cache is not used, and nothing is kept.
    #[track_caller]
    fn goes_on_without(&self, cache: &Path, why: &str) {
        let asked = self.broker.requests().len();
        for _ in 0..2 {
            let output = self.get(cache);
            password(&output);
            assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
            assert!(output.stderr.contains("warning: cannot use the cache"), "{}", output.stderr);
            assert!(output.stderr.contains(why), "expected {why:?} in {}", output.stderr);
        }
        assert_eq!(self.broker.requests().len(), asked + 2, "nothing was kept");
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn a_cache_in_a_world_writable_directory_is_still_private() {
    let Some(scene) = Scene::new() else { return };
    let cache = scene.common.directory("shared", 0o1777).join("cache");
    let token = password(&scene.get(&cache));
    assert_eq!(password(&scene.get(&cache)), token, "it is kept");
    for command in [
        "ls \"$1\"",
        "cat \"$1\"/*",
        "cd \"$1\"",
        "touch \"$1/new\"",
        "mv \"$1\" \"$1.moved\"",
        "rm -rf \"$1\" && test ! -e \"$1\"",
        "rmdir \"$1\"",
        "ln -s /tmp \"$1/link\"",
        "chmod 777 \"$1\"",
    ] {
        assert!(!scene.attacker_can(command, &cache), "{command}");
    }
    for file in files(&cache) {
        for command in ["cat \"$1\"", "echo x > \"$1\"", "ln \"$1\" \"$1.link\"", "flock -n \"$1\" true"] {
            assert!(!scene.attacker_can(command, &file), "{command}");
        }
    }
    assert_eq!(password(&scene.get(&cache)), token, "still there");
    assert_eq!(scene.broker.requests().len(), 1);
}

#[test]
fn a_cache_planted_by_an_attacker_is_not_used() {
    let Some(scene) = Scene::new() else { return };
    let shared = scene.common.directory("shared", 0o1777);
    for (name, command, why) in [
        ("private", "mkdir -m 700 \"$1\"", "it belongs to another user"),
        ("open", "mkdir -m 777 \"$1\"", "it belongs to another user"),
        ("file", "touch \"$1\"", "it is not a directory"),
        ("link", "ln -s \"$HOME\" \"$1\"", "it is not a directory"),
        ("dangling", "ln -s /no/such/place \"$1\"", "it is not a directory"),
    ] {
        let cache = shared.join(name);
        assert!(scene.attacker_can(command, &cache), "{command}");
        scene.goes_on_without(&cache, why);
        let left = if cache.is_dir() { files(&cache).len() } else { 0 };
        let own = if name == "link" { files(&scene.lair.home()).len() } else { 0 };
        assert_eq!(left, own, "{name}: nothing was written");
    }
    // A link to a directory of the victim's own would do no harm, but it is the attacker's to turn.
    let link = shared.join("turned");
    symlink(scene.home.home(), &link).expect("a link");
    std::os::unix::fs::lchown(&link, Some(scene.attacker.id()), None).expect("root gives links away");
    scene.goes_on_without(&link, "symbolic links are not followed");
}

#[test]
fn a_cache_in_a_directory_that_others_may_change_is_refused() {
    let Some(scene) = Scene::new() else { return };
    for bits in [0o777, 0o775, 0o770, 0o757] {
        let place = scene.common.directory(&format!("place-{bits:o}"), bits);
        give(&place, scene.victim);
        let why = format!("others may change its directory {} (mode {bits:03o})", place.display());
        scene.goes_on_without(&place.join("cache"), &why);
        assert_eq!(files(&place).len(), 0, "nothing was made there");
    }
    let place = scene.common.directory("place", 0o777);
    let cache = place.join("cache");
    fs::create_dir(&cache).expect("a new directory");
    mode(&cache, 0o700);
    give(&cache, scene.victim);
    assert!(scene.attacker_can("mv \"$1\" \"$1.old\" && mkdir -m 777 \"$1\"", &cache), "this is why");
    scene.goes_on_without(&cache, "others may change its directory");
}

#[test]
fn a_cache_one_level_deeper_in_a_world_writable_volume_is_safe() {
    let Some(scene) = Scene::new() else { return };
    let cache = scene.common.directory("volume", 0o777).join("github-app/tokens");
    let (first, second) = (scene.get(&cache), scene.get(&cache));
    assert_eq!((password(&first), &*first.stderr, &*second.stderr), (password(&second), "", ""));
    assert!(
        !scene.attacker_can("ls \"$1\"", cache.parent().expect("a directory")),
        "both levels are private"
    );
}

#[test]
fn entries_and_locks_of_other_users_are_not_used() {
    let Some(scene) = Scene::new() else { return };
    let cache = scene.home.home().join("cache");
    let first = password(&scene.get(&cache));
    let named = |end: &str| {
        let mut found = files(&cache).into_iter().filter(|file| file.extension().is_some_and(|e| e == end));
        found.next().expect("a file of the cache")
    };
    let (entry, lock) = (named("json"), named("lock"));
    let content = fs::read(&entry).expect("the entry");
    let foreign = scene.common.path().join("foreign");

    // The attacker's own file, as a hard link: he could change it later.
    fs::write(&foreign, &content).expect("a file of ours");
    mode(&foreign, 0o644);
    give(&foreign, scene.attacker);
    fs::remove_file(&entry).expect("an entry");
    fs::hard_link(&foreign, &entry).expect("a hard link");
    let output = scene.get(&cache);
    assert_ne!(password(&output), first, "the entry is not believed");
    assert!(output.stderr.contains("it belongs to another user"), "{}", output.stderr);
    assert_eq!(fs::read(&foreign).expect("a file"), content, "what it leads to is as it was");

    // A file of the victim's own: replaced, never written into.
    let victims = scene.home.home().join("precious");
    fs::write(&victims, "precious").expect("a file of ours");
    mode(&victims, 0o600);
    give(&victims, scene.victim);
    let make_room = || {
        // Without an entry the lock is needed.
        fs::remove_file(&entry).expect("an entry");
        let _ = fs::remove_file(&lock);
    };
    for link in [&entry, &lock] {
        make_room();
        fs::hard_link(&victims, link).expect("a hard link");
        password(&scene.get(&cache));
        make_room();
        symlink(&victims, link).expect("a link");
        let output = scene.get(&cache);
        password(&output);
        assert!(output.stderr.contains("warning: cannot "), "{}", output.stderr);
        assert_eq!(fs::read_to_string(&victims).expect("a file"), "precious");
    }
}
