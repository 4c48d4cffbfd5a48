//! How programs are looked for in the directories of the `PATH`, where names of files have endings.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::platform::command::foreign;
use crate::platform::search::{Search, own};

/// The extensions to try for a name without one, in order.
const ENDINGS: [&str; 4] = ["exe", "com", "bat", "cmd"];

/// A program that is part of Windows, which no entry of the `PATH` can hide.
pub fn system_program(name: &str) -> PathBuf {
    let is_system = |dir: &&PathBuf| {
        let name = dir.file_name().unwrap_or_default();
        name.eq_ignore_ascii_case("System32") && dir.join("kernel32.dll").is_file()
    };
    let system = own().directories.iter().find(is_system).map(PathBuf::as_path);
    system.unwrap_or(Path::new(r"C:\Windows\System32")).join(name)
}

impl Search {
    /// What a `PATH` names.
    pub(in crate::platform) fn of(path: Option<&OsStr>) -> Self {
        let all = std::env::split_paths(path.unwrap_or_default());
        let (directories, dropped): (Vec<PathBuf>, Vec<PathBuf>) = all.partition(|dir| dir.is_absolute());
        // An entry with a quote in it cannot be put into a `PATH` again.
        let instead = (!dropped.is_empty()).then(|| std::env::join_paths(&directories).unwrap_or_default());
        Self { directories, instead }
    }

    /// The first program of this name.
    pub fn found(&self, name: &str) -> Option<PathBuf> {
        self.directories.iter().map(|dir| dir.join(name).with_extension("exe")).find(|path| path.is_file())
    }

    /// The same; otherwise a path that fails to start.
    pub fn find(&self, name: &str) -> PathBuf {
        let missing = || self.directories.first().map(|dir| dir.join(name).with_extension("exe"));
        self.found(name).or_else(missing).unwrap_or_else(|| system_program(name))
    }

    /// The first file that a shell would run for a name without an extension.
    fn of_any_ending(&self, name: &OsStr) -> Option<PathBuf> {
        let places = self.directories.iter().map(|dir| dir.join(name));
        let mut files = places.flat_map(|path| ENDINGS.map(|ending| path.with_extension(ending)));
        files.find(|path| path.is_file())
    }
}

/// Lets a bare name also mean a script, such as `npm`, which is `npm.cmd`.
pub fn complete(command: &mut Command) {
    let name = Path::new(command.get_program());
    let is_bare = name.components().count() == 1 && name.extension().is_none();
    let Some(found) = is_bare.then(|| own().of_any_ending(name.as_os_str())).flatten() else { return };
    let mut completed = foreign(found);
    completed.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => completed.env(name, value),
            None => completed.env_remove(name),
        };
    }
    *command = completed;
}
