//! The real ghs of this machine: every one on `PATH`, one of each version.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use super::inherited::directory;
use super::needs::{GH, programs};

/// One installed gh.
#[derive(Clone, Debug)]
pub struct Gh {
    /// The executable.
    pub path: PathBuf,
    /// What `gh --version` says in its first line.
    pub version: String,
}

/// All of them; none, and a line that says so, where gh is not installed.
pub fn ghs() -> Vec<Gh> {
    static GHS: OnceLock<Vec<Gh>> = OnceLock::new();
    if GH.is_met() { GHS.get_or_init(find).clone() } else { Vec::new() }
}

fn find() -> Vec<Gh> {
    let mut found: Vec<Gh> = Vec::new();
    // Newer ones write to the home directory whatever they are asked for, and without one to the current directory.
    let home = directory("github-app-gh-");
    for path in programs("gh") {
        let mut gh = Command::new(&path);
        gh.arg("--version").env_clear().env("HOME", home.path()).current_dir(home.path());
        let Ok(output) = gh.output() else { continue };
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
