//! A Windows under wine with the helper that `WINDOWS_HELPER` names, and this machine's git behind a `git.exe`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::support::inherited::{Directory, directory_in};
use crate::support::needs;
use crate::support::process::{Output, Run};

/// A user's Windows, with files of its own; ended and gone when dropped.
pub struct Machine {
    dir: Directory,
    wine: PathBuf,
    user: String,
    env: Vec<(String, String)>,
}

impl Machine {
    /// A new one; `None`, and a line that says so, without wine or the helper.
    pub fn new() -> Option<Self> {
        let helper = std::env::var_os("WINDOWS_HELPER").map(PathBuf::from);
        let (Some(helper), Some(wine)) = (helper, wine()) else {
            needs::left_out("WINDOWS_HELPER or wine is missing (see .ci/windows)", "the helper on Windows");
            return None;
        };
        // Beside what it is linked to.
        let dir = directory_in(Path::new(env!("CARGO_TARGET_TMPDIR")), "github-app-wine-");
        let prefix = dir.path().join("wine");
        // Links to files that wine never writes to in place.
        let copied = Command::new("cp").arg("-al").arg(first_prefix(&wine)).arg(&prefix).status();
        assert!(copied.expect("cp").success());
        let users = fs::read_dir(prefix.join("drive_c/users")).expect("a directory of wine's");
        let names = users.map(|user| user.expect("an entry").file_name().into_string().expect("text"));
        let user = names.into_iter().find(|name| name != "Public").expect("this user");
        let machine = Self { dir, wine, user, env: Vec::new() };
        // A blank in the path of the program, as in `C:\Program Files`.
        fs::create_dir(machine.file("my tools")).expect("a new directory");
        for (name, file) in [("git-credential-github-app.exe", helper.clone())].into_iter().chain(
            ["bcryptprimitives.dll", "git.exe", "gh.exe"].map(|name| (name, helper.with_file_name(name))),
        ) {
            fs::copy(&file, machine.file("my tools").join(name)).unwrap_or_else(|cause| {
                panic!("{}: {cause}: see .ci/windows", file.display());
            });
        }
        let tools = machine.path("my tools");
        Some(machine.with("WINEPATH", &tools))
    }

    /// Sets a variable for everything that is run from now on.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set_env(name, value);
        self
    }

    /// The same later.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    fn prefix(&self) -> PathBuf {
        self.dir.path().join("wine")
    }

    /// A file in the user's profile, as this machine finds it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.prefix().join("drive_c/users").join(&self.user).join(name)
    }

    /// The same file, as Windows finds it.
    pub fn path(&self, name: &str) -> String {
        format!("C:\\users\\{}\\{}", self.user, name.replace('/', "\\"))
    }

    /// A file beside the users' profiles.
    pub fn file_on_drive(&self, name: &str) -> PathBuf {
        self.prefix().join("drive_c").join(name)
    }

    /// Writes a file into the user's profile; returns its path on Windows.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let file = self.file(name);
        fs::create_dir_all(file.parent().expect("in the profile")).expect("a directory of ours");
        fs::write(file, content).expect("a file of ours");
        self.path(name)
    }

    /// The program's path on Windows.
    pub fn program(&self) -> String {
        self.path("my tools/git-credential-github-app.exe")
    }

    /// Prepares the helper with these arguments.
    pub fn helper(&self, args: &[&str]) -> Run {
        self.command(&self.program(), args)
    }

    /// Prepares any program of Windows.
    pub fn command(&self, program: &str, args: &[&str]) -> Run {
        // On Windows a file has the rights of its directory; wine gives it what the umask lets.
        let shell = ["-c", "umask 077; exec \"$@\"", "sh", self.wine.to_str().expect("text"), program];
        let words = [&shell, args].concat();
        let own = [
            ("WINEPREFIX", self.prefix().display().to_string()),
            ("WINEDEBUG", "-all".to_owned()),
            ("HOME", self.dir.path().display().to_string()),
            ("PATH", needs::path().into_string().expect("text")),
            ("GIT_CONFIG_GLOBAL", self.path("gitconfig")),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ("LC_ALL", "C".to_owned()),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        let env = own.into_iter().chain(self.env.clone()).map(|(name, value)| (name.into(), value.into()));
        Run::new(Path::new("/bin/sh"), words, env).cwd(self.file(""))
    }

    /// Runs the helper's `get`.
    pub fn get(&self, request: &str) -> Output {
        self.helper(&["get"]).stdin(request).run()
    }

    /// The entries of the cache.
    pub fn entries(&self) -> Vec<PathBuf> {
        let dir = self.file("AppData/Local/git-credential-github-app");
        let files = fs::read_dir(dir).into_iter().flatten().map(|entry| entry.expect("an entry").path());
        files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // All that runs in it ends with its server.
        let mut server = Command::new("wineserver");
        server.arg("-k").env("WINEPREFIX", self.prefix()).env("HOME", self.dir.path());
        let _ = server.stdout(Stdio::null()).stderr(Stdio::null()).status();
        let _ = Command::new("wineserver").arg("-w").env("WINEPREFIX", self.prefix()).status();
    }
}

/// The 64-bit loader, which Debian does not have on the `PATH`.
fn wine() -> Option<PathBuf> {
    let known = Path::new("/usr/lib/wine/wine64");
    needs::program("wine64").or_else(|| known.is_file().then(|| known.to_owned()))
}

/// A fresh Windows: creating one takes seconds.
fn first_prefix(wine: &Path) -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wine");
        if !made.exists() {
            let new = made.with_extension(format!("new-{}", std::process::id()));
            fs::create_dir_all(&new).expect("a new directory");
            for args in [&["wineboot", "-i"][..], &["cmd", "/c", "ver"]] {
                let mut boot = Command::new(wine);
                boot.args(args).env("WINEPREFIX", &new).env("WINEDEBUG", "-all");
                boot.env("WINEDLLOVERRIDES", "mscoree,mshtml=").stdin(Stdio::null());
                let status = boot.stdout(Stdio::null()).stderr(Stdio::null()).status();
                assert!(status.expect("wine").success(), "wineboot -i");
            }
            let _ = Command::new("wineserver").arg("-w").env("WINEPREFIX", &new).status();
            fs::rename(&new, &made).expect("a name of our own");
        }
        made
    })
    .clone()
}
