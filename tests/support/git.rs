//! The real gits of this machine, run inside a sandbox.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::needs::programs;
use super::process::{Output, Run};
use super::sandbox::Sandbox;

/// One installed git.
#[derive(Clone, Debug)]
pub struct Git {
    path: PathBuf,
    full_version: String,
    version: (u32, u32),
}

/// Every git on `PATH` and in the usual places, one of each version; the first is the default.
pub fn gits() -> Vec<Git> {
    static GITS: OnceLock<Vec<Git>> = OnceLock::new();
    GITS.get_or_init(find_gits).clone()
}

fn find_gits() -> Vec<Git> {
    let usual = ["/usr/local/bin/git", "/usr/bin/git"].map(PathBuf::from);
    let mut found: Vec<Git> = Vec::new();
    for file in programs("git").into_iter().chain(usual) {
        if let Some(git) = Git::at(file).filter(|git| is_new(git, &found)) {
            found.push(git);
        }
    }
    assert!(!found.is_empty(), "git is not installed, and these tests are about it: apt-get install git");
    found
}

fn is_new(git: &Git, found: &[Git]) -> bool {
    found.iter().all(|known| known.full_version != git.full_version)
}

impl Git {
    /// The git of the caller's `PATH`.
    pub fn default_git() -> Self {
        gits().swap_remove(0)
    }

    fn at(path: PathBuf) -> Option<Self> {
        let output = Command::new(&path).env_clear().arg("--version").output().ok()?;
        let full_version = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        let mut numbers = full_version.strip_prefix("git version ")?.split('.').map(str::parse);
        let version = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some(Self { path, full_version, version })
    }

    /// Major and minor version.
    pub fn version(&self) -> (u32, u32) {
        self.version
    }

    /// What `git --version` says.
    pub fn full_version(&self) -> &str {
        &self.full_version
    }

    /// The executable.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this git knows `state` and `continue` (2.46), so that it recovers from a revoked token in one command.
    pub fn has_continue(&self) -> bool {
        self.version >= (2, 46)
    }

    /// Runs git in the sandbox with a neutral identity.
    #[track_caller]
    pub fn command(&self, sandbox: &Sandbox, cwd: &Path, args: &[&str]) -> Output {
        self.prepare(sandbox, cwd, args).run()
    }

    /// Prepares git in the sandbox with a neutral identity.
    pub fn prepare(&self, sandbox: &Sandbox, cwd: &Path, args: &[&str]) -> Run {
        let mut path = self.path.parent().expect("an absolute path").as_os_str().to_owned();
        path.push(":");
        // A `git` that the helper runs is to be the same one.
        path.push(std::env::var_os("PATH").unwrap_or_default());
        sandbox
            .command(&self.path, args)
            .cwd(cwd)
            .env("PATH", path)
            .env("GIT_AUTHOR_NAME", "Test")
            .env("GIT_AUTHOR_EMAIL", "test@example.invalid")
            .env("GIT_COMMITTER_NAME", "Test")
            .env("GIT_COMMITTER_EMAIL", "test@example.invalid")
    }
}
