//! Two ordinary users beside the one who runs the tests, for what one user must not be able to do to another. Only root
//! can become them, by setpriv(1) of util-linux.

use std::ffi::OsStr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::inherited::{Directory, directory, temporary};
use super::needs::{SETPRIV, left_out, missing};
use super::process::Run;
use super::sandbox::Sandbox;

/// An ordinary user, of whom nothing need be known but the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User(u32);

/// The user whose helper it is, and another one; `None`, and a line that says so, where this process cannot become them.
pub fn victim_and_attacker() -> Option<(User, User)> {
    if !is_root() {
        return None;
    }
    let setpriv = SETPRIV.find()?;
    let mut enter = Command::new(setpriv);
    enter.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--", "test", "-x"]);
    let can = enter.arg(temporary()).status().is_ok_and(|status| status.success());
    if !can {
        missing("other users cannot enter the directory for temporary files", "set TMPDIR", SETPRIV.tests);
    }
    can.then_some((User(65533), User(65534)))
}

/// Whether these are root's tests; a line says so where they are not.
pub fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        left_out("only root can become other users", SETPRIV.tests);
    }
    root
}

impl User {
    /// The number.
    pub fn id(self) -> u32 {
        self.0
    }

    /// Prepares a program that this user runs, in the environment and the directory of a sandbox.
    pub fn run(self, sandbox: &Sandbox, program: impl AsRef<OsStr>, args: &[&str]) -> Run {
        let (user, group) = (format!("--reuid={}", self.0), format!("--regid={}", self.0));
        let run = sandbox.command("setpriv", &[&user, &group, "--clear-groups", "--"]).arg(program);
        args.iter().fold(run, Run::arg)
    }

    /// Whether a shell command of this user's succeeds.
    pub fn can(self, sandbox: &Sandbox, command: &str) -> bool {
        self.run(sandbox, "sh", &["-c", command]).run().status == 0
    }

    /// Gives files and directories to this user, links themselves and not what they lead to.
    pub fn own(self, path: &Path) {
        std::os::unix::fs::lchown(path, Some(self.0), Some(self.0)).expect("root gives files away");
        if path.is_dir() && !path.is_symlink() {
            for entry in std::fs::read_dir(path).expect("a directory") {
                self.own(&entry.expect("an entry").path());
            }
        }
    }
}

/// A place that all users can enter, with a copy of the binary that all can run.
pub struct Common {
    dir: Directory,
}

impl Common {
    /// An empty place of root's.
    pub fn new() -> Self {
        let common = Self { dir: directory("github-app-common-") };
        mode(common.path(), 0o755);
        let (built, binary) = (Sandbox::new(), common.binary());
        // The built one may be in a directory that only its owner can enter. By cp, as a file that this process has
        // open for writing cannot be run, and programs that other tests start meanwhile keep it open for a moment.
        let cp = Command::new("cp").arg(built.binary()).arg(&binary).status();
        assert!(cp.is_ok_and(|status| status.success()), "room for a copy");
        mode(&binary, 0o755);
        common
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The binary that all users can run.
    pub fn binary(&self) -> PathBuf {
        self.path().join("git-credential-github-app")
    }

    /// A sandbox that belongs to a user; what is written into it later must be given to him, too.
    pub fn sandbox_of(&self, user: User) -> Sandbox {
        let sandbox = Sandbox::with_binary(self.binary());
        user.own(sandbox.path());
        sandbox
    }

    /// A directory of a mode, of root's.
    pub fn directory(&self, name: &str, bits: u32) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir(&path).expect("a new directory");
        mode(&path, bits);
        path
    }
}

/// Makes a file or directory private to a user.
pub fn give(path: &Path, user: User) {
    chown(path, Some(user.0), Some(user.0)).expect("root gives files away");
}

/// Sets a mode, whatever the umask.
pub fn mode(path: &Path, bits: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits)).expect("a file of ours");
}
