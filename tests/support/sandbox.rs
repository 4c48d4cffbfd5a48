//! A temporary home in which the built binary and real gits run, with nothing of the user's own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::http_server::lock;
use super::inherited::{Directory, directory, plain};
use super::needs;
use super::process::Run;

/// A directory with a home, a git configuration and an environment; gone when dropped.
pub struct Sandbox {
    dir: Directory,
    binary: PathBuf,
    _copy: Option<Arc<Directory>>,
    env: Mutex<BTreeMap<OsString, OsString>>,
}

impl Sandbox {
    /// A sandbox for the binary that cargo has built for the integration test, or for the one that `HELPER_UNDER_TEST`
    /// names: a release has another C library.
    pub fn new() -> Self {
        let built = option_env!("CARGO_BIN_EXE_git-credential-github-app").map(OsString::from);
        let binary = std::env::var_os("HELPER_UNDER_TEST").or(built);
        let binary = binary.expect("cargo names the binary for integration tests only");
        let (binary, copy) = plain(PathBuf::from(binary));
        Self { _copy: copy, ..Self::with_binary(binary) }
    }

    /// A sandbox for this binary.
    pub fn with_binary(binary: impl Into<PathBuf>) -> Self {
        let dir = directory("github-app-sandbox-");
        let sandbox = Self { dir, binary: binary.into(), _copy: None, env: Mutex::default() };
        for private in ["home", "tmp"] {
            fs::create_dir(sandbox.path().join(private)).expect("a new directory");
            let owner_only = fs::Permissions::from_mode(0o700);
            fs::set_permissions(sandbox.path().join(private), owner_only).expect("a directory of ours");
        }
        fs::write(sandbox.gitconfig(), "").expect("a new file");
        sandbox.set_env("PATH", needs::path());
        sandbox.set_env("HOME", sandbox.home());
        sandbox.set_env("TMPDIR", sandbox.path().join("tmp"));
        sandbox.set_env("GIT_CONFIG_GLOBAL", sandbox.gitconfig());
        sandbox.set_env("GIT_CONFIG_SYSTEM", "/dev/null");
        sandbox.set_env("GIT_CONFIG_NOSYSTEM", "1");
        sandbox.set_env("GIT_TERMINAL_PROMPT", "0");
        sandbox.set_env("LC_ALL", "C");
        sandbox
    }

    /// The whole sandbox.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The home directory, empty at first.
    pub fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// The file behind `GIT_CONFIG_GLOBAL`.
    pub fn gitconfig(&self) -> PathBuf {
        self.path().join("gitconfig")
    }

    /// The helper's binary.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// Sets a variable for everything that is run from now on.
    pub fn set_env(&self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        lock(&self.env).insert(key.as_ref().to_owned(), value.as_ref().to_owned());
    }

    /// Takes a variable away from everything that is run from now on.
    pub fn remove_env(&self, key: impl AsRef<OsStr>) {
        lock(&self.env).remove(key.as_ref());
    }

    /// The environment for everything that is run in the sandbox.
    pub fn env(&self) -> BTreeMap<OsString, OsString> {
        lock(&self.env).clone()
    }

    /// Writes a file that others may read, and returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        self.write_with_mode(name, content, 0o644)
    }

    /// Writes a file with mode 0600, as keys and bearers want it.
    pub fn write_private(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        self.write_with_mode(name, content, 0o600)
    }

    /// Writes an executable script.
    pub fn write_script(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        self.write_with_mode(name, content, 0o755)
    }

    fn write_with_mode(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a file in the sandbox")).expect("a directory of ours");
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(mode).open(&path);
        let mut file = file.expect("a file of ours");
        // The mode above is cut by the umask and counts for new files only.
        file.set_permissions(fs::Permissions::from_mode(mode)).expect("a file of ours");
        file.write_all(content.as_ref()).expect("room on the disk");
        path
    }

    /// Prepares the helper with these arguments, in the sandbox's directory.
    pub fn helper(&self, args: &[&str]) -> Run {
        self.command(&self.binary, args)
    }

    /// Prepares any program in the sandbox's environment.
    pub fn command(&self, program: impl AsRef<Path>, args: &[&str]) -> Run {
        Run::new(program.as_ref(), args, self.env()).cwd(self.path())
    }

    /// Makes the helper the only one for this host in the sandbox's git configuration.
    pub fn configure_helper(&self, host_url: &str, extra_args: &[&str]) {
        let mut command = shell_word(&self.binary.to_string_lossy());
        for arg in extra_args {
            command.push(' ');
            command.push_str(&shell_word(arg));
        }
        let value = command.replace('\\', "\\\\").replace('"', "\\\"");
        let lines = format!(
            "[credential \"{host_url}\"]\n\thelper =\n\thelper = \"{value}\"\n\tuseHttpPath = true\n"
        );
        let file = fs::OpenOptions::new().append(true).create(true).open(self.gitconfig());
        file.and_then(|mut file| file.write_all(lines.as_bytes())).expect("a file of ours");
    }
}

/// Escapes by backslash and not by quotes: git takes only what starts with `/` for a path.
pub fn shell_word(text: &str) -> String {
    let mut word = String::new();
    for character in text.chars() {
        if !character.is_ascii_alphanumeric() && !"/._-+=:,@%".contains(character) {
            word.push('\\');
        }
        word.push(character);
    }
    word
}

/// All regular files below a directory; links are not followed.
pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files_below(&entry.path())),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}
