//! A token that kubelet projects into a pod: it lies behind the link `..data`, which kubelet swaps for another when it
//! renews the token.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::{broker, taken, workspace};
use crate::common::from_now;
use crate::support::broker::{FakeBroker, error_response, token_response};
use crate::support::http_server::lock;

/// As kubelet writes them (`pkg/volume/util/atomic_writer.go`): a directory with a time in its name, `..data` that leads
/// there, and a link for each file that leads through `..data`.
struct Volume {
    dir: PathBuf,
    turn: Mutex<usize>,
}

impl Volume {
    fn new(dir: PathBuf, token: &str) -> Self {
        fs::create_dir(&dir).expect("a new directory");
        symlink("..data/token", dir.join("token")).expect("a new link");
        let volume = Self { dir, turn: Mutex::default() };
        volume.rotate(token);
        volume
    }

    fn token(&self) -> PathBuf {
        self.dir.join("token")
    }

    fn rotate(&self, token: &str) {
        let mut turn = lock(&self.turn);
        *turn += 1;
        let (old, new) = (self.dir.join("..data"), format!("..2026_11_25_{turn}"));
        fs::create_dir(self.dir.join(&new)).expect("a new directory");
        fs::write(self.dir.join(&new).join("token"), token).expect("a new file");
        let before = fs::read_link(&old).ok();
        symlink(&new, self.dir.join("..data_tmp")).expect("a new link");
        fs::rename(self.dir.join("..data_tmp"), &old).expect("the swap");
        if let Some(before) = before {
            fs::remove_dir_all(self.dir.join(before)).expect("the old directory");
        }
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_projected_token_is_read_again_at_each_fetch() {
    let (broker, seen) = broker();
    let sandbox = workspace(&broker);
    let volume = Volume::new(sandbox.path().join("tokens"), "first");
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN_FILE", text(&volume.token()));
    sandbox.helper(&["--no-cache", "token"]).run().expect(0, "for-first\n", "");
    volume.rotate("second");
    sandbox.helper(&["--no-cache", "token"]).run().expect(0, "for-second\n", "");
    assert_eq!(taken(&seen), ["first", "second"]);
}

#[test]
fn a_token_that_kubelet_replaces_while_the_broker_refuses_the_old_one_is_tried_once() {
    let sandbox = crate::support::sandbox::Sandbox::new();
    let volume = std::sync::Arc::new(Volume::new(sandbox.path().join("tokens"), "old"));
    let (kubelet, expiry) = (std::sync::Arc::clone(&volume), from_now(3600));
    let broker = FakeBroker::start(move |request| {
        if request.header("authorization") == Some("Bearer new") {
            return token_response("t", &expiry);
        }
        kubelet.rotate("new");
        error_response(401, "invalid workspace auth token")
    });
    sandbox.set_env("GITHUB_APP_BROKER_URL", broker.url());
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN_FILE", text(&volume.token()));
    sandbox.helper(&["token"]).run().expect(0, "t\n", "");
    assert_eq!(broker.requests().len(), 2);
}

#[test]
fn status_says_where_the_token_lies_and_whether_it_can_be_read() {
    let (broker, seen) = broker();
    let sandbox = workspace(&broker);
    let volume = Volume::new(sandbox.path().join("tokens"), "first");
    let path = text(&volume.token());
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN_FILE", &path);
    let status = sandbox.helper(&["status"]).run();
    assert!(status.success().stdout.contains(&format!("\nbearer         in {path}\n")), "{}", status.stdout);
    fs::remove_file(volume.token()).expect("the link");
    let status = sandbox.helper(&["status"]).run();
    let line = format!("\nbearer         problem: {path}: No such file or directory (os error 2)\n");
    assert!(status.success().stdout.contains(&line), "{}", status.stdout);
    assert!(taken(&seen).is_empty());
}
