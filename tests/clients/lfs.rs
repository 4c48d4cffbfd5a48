//! git-lfs: asks git for credentials of its own for batches, objects and locks.

use std::fs;
use std::path::Path;

use super::{Site, USERS, installed};
use crate::support::git::gits;

const CONTENT: &[u8] = b"large, they say\n";

#[test]
fn git_lfs_pushes_and_fetches_with_every_placeholder_user_name() {
    if !installed("git-lfs") {
        return;
    }
    for git in gits() {
        let site = Site::with(&git);
        let run = |cwd: &Path, args: &[&str]| git.command(&site.sandbox, cwd, args);
        let root = site.sandbox.path();
        run(root, &["lfs", "install", "--skip-repo"]).success();
        for user in USERS {
            let work = root.join(user);
            run(root, &["clone", "-q", &site.url(user, "hello"), user]).success();
            run(&work, &["lfs", "track", "*.bin"]).success();
            fs::write(work.join(format!("{user}.bin")), [CONTENT, user.as_bytes()].concat())
                .expect("a file of ours");
            run(&work, &["add", "."]).success();
            run(&work, &["commit", "-q", "-m", user]).success();
            run(&work, &["push", "-q", "origin", "HEAD:main"]).success();
            let again = format!("{user}-again");
            run(root, &["clone", "-q", &site.url(user, "hello"), &again]).success();
            let fetched = fs::read(root.join(&again).join(format!("{user}.bin"))).expect("the file");
            assert_eq!(fetched, [CONTENT, user.as_bytes()].concat(), "the content, and not a pointer to it");
        }
        assert_eq!(site.github.mints(), 1, "{}", git.full_version());
        site.github.kill_tokens();
        let first = run(root, &["clone", "-q", &site.url("git", "hello"), "healed"]);
        assert_eq!(first.status == 0, git.has_continue(), "{}: {}", git.full_version(), first.stderr);
        run(root, &["clone", "-q", &site.url("git", "hello"), "healthy"]).success();
        assert!(fs::read(root.join("healthy/git.bin")).expect("the file").starts_with(CONTENT));
        assert_eq!(site.github.mints(), 2, "{}", git.full_version());
        // Only git-lfs: it reports the refusal and asks again by itself.
        let objects = root.join("healthy/.git/lfs/objects");
        fs::remove_dir_all(&objects).expect("objects");
        site.github.kill_tokens();
        run(&root.join("healthy"), &["lfs", "fetch"]).success();
        assert!(objects.exists() && site.github.mints() == 3, "{}", git.full_version());
    }
}
