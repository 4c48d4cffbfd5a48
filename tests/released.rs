//! A release's files, used as those who install them do: `.ci/packages` makes them, and `RELEASE_FILES` names where they are.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::needs;
use crate::support::process::Run;
use crate::support::sandbox::Sandbox;
use crate::support::users::is_root;

mod archives;
mod image;

/// A Linux processor that releases are for: Rust's name, and that of images.
const PROCESSORS: [(&str, &str); 2] = [("x86_64", "amd64"), ("aarch64", "arm64")];

/// Where the files are; `None`, and a line that says so, where none are made.
pub fn files() -> Option<PathBuf> {
    let found = std::env::var_os("RELEASE_FILES").map(PathBuf::from);
    if found.is_none() {
        needs::left_out(
            "RELEASE_FILES is not set (see .ci/packages)",
            "the archives and the image of a release",
        );
    }
    found
}

/// The archive for a target, where it is made.
pub fn archive(files: &Path, target: &str, suffix: &str) -> Option<PathBuf> {
    let version = env!("CARGO_PKG_VERSION");
    let file = files.join(format!("git-credential-github-app-{version}-{target}.{suffix}"));
    file.exists().then_some(file)
}

/// A throw-away root that holds nothing but what a test puts there.
struct Root {
    sandbox: Sandbox,
    /// What runs programs of another processor.
    emulator: Option<String>,
}

impl Root {
    /// An empty one; `None`, and a line that says so, where this user may not change to it or nothing runs its programs.
    fn new(processor: &str) -> Option<Self> {
        if !is_root() {
            return None;
        }
        let sandbox = Sandbox::new();
        let emulator = if processor == std::env::consts::ARCH {
            None
        } else {
            let name = format!("qemu-{processor}-static");
            let Some(program) = needs::program(&name) else {
                needs::left_out(&format!("{name} is not installed"), "releases for other processors");
                return None;
            };
            std::fs::create_dir(sandbox.path().join("root")).expect("a new directory");
            std::fs::copy(program, sandbox.path().join("root").join(&name)).expect("a copy");
            Some(format!("/{name}"))
        };
        Some(Self { sandbox, emulator })
    }

    /// Unpacks a compressed archive of tar's into it.
    fn unpack(&self, archive: &Path, options: &[&str]) {
        let root = self.sandbox.path().join("root");
        std::fs::create_dir_all(&root).expect("a directory of ours");
        let mut tar = Command::new("tar");
        let status = tar.arg("-C").arg(root).arg("-xzf").arg(archive).args(options).status();
        assert!(status.expect("tar").success(), "{}", archive.display());
    }

    /// A file in it that only its user may read.
    fn write(&self, name: &str, content: impl AsRef<[u8]>, owner: u32) {
        let file = self.sandbox.write_private(&format!("root/{name}"), content);
        std::os::unix::fs::chown(file, Some(owner), Some(owner)).expect("root may");
    }

    /// Prepares a program in it, as this user, who may change nothing there unless they are root.
    fn command(&self, user: u32, program: &str, args: &[&str]) -> Run {
        let script = "[ \"$2\" = 0:0 ] || { mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\"; }
            exec chroot --userspec=\"$2\" -- \"$1\" \"${@:3}\"";
        let root = self.sandbox.path().join("root").display().to_string();
        let user = format!("{user}:{user}");
        let run = self.sandbox.command("unshare", &["--mount", "bash", "-euc", script, "bash", &root, &user]);
        let run = self.emulator.iter().fold(run, Run::arg).arg(program);
        args.iter().fold(run, Run::arg)
    }
}
