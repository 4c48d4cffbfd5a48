//! The bare repositories behind the loopback GitHub, handled by the default git of the machine.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::support::git::Git;
use crate::support::inherited::directory;

fn server_git() -> &'static Git {
    static GIT: OnceLock<Git> = OnceLock::new();
    GIT.get_or_init(Git::default_git)
}

/// The CGI program that speaks git's protocol.
pub fn http_backend() -> &'static Path {
    static BACKEND: OnceLock<PathBuf> = OnceLock::new();
    BACKEND.get_or_init(|| {
        let mut git = Command::new(server_git().path());
        neutral(&mut git, Path::new("/"));
        let output = git.arg("--exec-path").output().expect("a git that runs");
        let dir = String::from_utf8(output.stdout).expect("a path of plain text");
        let backend = Path::new(dir.trim_end()).join("git-http-backend");
        assert!(backend.is_file(), "git's own server is not installed: {}", backend.display());
        backend
    })
}

/// Starts from an empty environment: the server has no home and no configuration.
pub fn neutral(command: &mut Command, home: &Path) {
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs([("HOME", home.as_os_str()), ("GIT_CONFIG_GLOBAL", OsStr::new("/dev/null"))]);
    command.envs([("GIT_CONFIG_SYSTEM", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"), ("LC_ALL", "C")]);
    let safe =
        [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "safe.directory"), ("GIT_CONFIG_VALUE_0", "*")];
    command.envs(safe);
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Loopback");
        command.env(format!("GIT_{role}_EMAIL"), "loopback@example.invalid");
    }
}

fn git(dir: &Path, env: &[(&str, &OsStr)], args: &[&str], input: &[u8]) -> Option<String> {
    let mut command = Command::new(server_git().path());
    neutral(&mut command, dir);
    command.arg("--git-dir").arg(dir).args(args).envs(env.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a git that runs");
    child.stdin.take().expect("a pipe").write_all(input).expect("a git that reads");
    let output = child.wait_with_output().expect("a child of ours");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn must(dir: &Path, env: &[(&str, &OsStr)], args: &[&str], input: &[u8]) -> String {
    git(dir, env, args, input).unwrap_or_else(|| panic!("server side `git {}` failed", args.join(" ")))
}

/// Makes a bare repository that takes pushes and partial clones.
pub fn create(dir: &Path) {
    std::fs::create_dir_all(dir).expect("a directory of ours");
    must(dir, &[], &["init", "--quiet", "--bare", "--initial-branch=main"], b"");
    for (key, value) in [
        ("http.receivepack", "true"),
        ("uploadpack.allowFilter", "true"),
        ("uploadpack.allowAnySHA1InWant", "true"),
        ("gc.auto", "0"),
    ] {
        must(dir, &[], &["config", key, value], b"");
    }
}

/// The commit at the head of `main`, if there is one.
pub fn head(dir: &Path) -> Option<String> {
    git(dir, &[], &["rev-parse", "--verify", "--quiet", "refs/heads/main"], b"")
}

/// Adds one file to `main`.
pub fn commit_file(dir: &Path, path: &str, content: &[u8]) -> String {
    let index = directory("loopback-github-index-");
    let index = index.path().join("index");
    let env = [("GIT_INDEX_FILE", index.as_os_str())];
    let parent = head(dir);
    if let Some(parent) = &parent {
        must(dir, &env, &["read-tree", parent], b"");
    }
    let blob = must(dir, &env, &["hash-object", "-w", "--stdin"], content);
    let entry = format!("100644,{blob},{path}");
    must(dir, &env, &["update-index", "--add", "--cacheinfo", &entry], b"");
    let tree = must(dir, &env, &["write-tree"], b"");
    let mut args = vec!["commit-tree", &tree, "-m", "Add a file"];
    if let Some(parent) = &parent {
        args.extend(["-p", parent]);
    }
    let commit = must(dir, &env, &args, b"");
    must(dir, &env, &["update-ref", "refs/heads/main", &commit], b"");
    commit
}
