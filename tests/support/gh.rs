//! The real ghs of this machine: every one on `PATH`, one of each version.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// One installed gh.
#[derive(Clone, Debug)]
pub struct Gh {
    /// The executable.
    pub path: PathBuf,
    /// What `gh --version` says in its first line.
    pub version: String,
}

/// All of them; where tests must not be left out (`CI` is set), there is one at least.
pub fn ghs() -> Vec<Gh> {
    static GHS: OnceLock<Vec<Gh>> = OnceLock::new();
    let found = GHS.get_or_init(find).clone();
    assert!(!found.is_empty() || std::env::var_os("CI").is_none(), "gh is missing: apt-get install gh");
    found
}

fn find() -> Vec<Gh> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<Gh> = Vec::new();
    for path in std::env::split_paths(&path).map(|dir| dir.join("gh")).filter(|gh| gh.is_file()) {
        let Ok(output) = Command::new(&path).arg("--version").output() else { continue };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.lines().next().unwrap_or_default().to_owned();
        if !version.is_empty() && found.iter().all(|known| known.version != version) {
            found.push(Gh { path, version });
        }
    }
    found
}

impl Gh {
    /// A `PATH` on which this gh comes first.
    pub fn path_variable(&self) -> std::ffi::OsString {
        let mut path = self.path.parent().expect("an absolute path").as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        path
    }
}
