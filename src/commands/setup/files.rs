//! Writes files as a whole: a new file in the same directory, then a rename; follows symbolic links and keeps the mode.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::platform::atomic_write::{Sync, atomic_write};
use crate::platform::files;

/// The text of a file; `None` if it does not exist.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Replaces a file's text, with a mode if it is new. The temporary file has the name of git's own lock, so git and this
/// program never change a git configuration file at the same time.
pub fn replace(path: &Path, text: &str, new_mode: u32) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mode = files::mode(&target).unwrap_or(new_mode);
    let mut name = target.clone().into_os_string();
    name.push(".lock");
    let lock = PathBuf::from(name);
    atomic_write(&target, &lock, mode, Sync::First, |file| {
        files::set_mode(file, mode)?;
        file.write_all(text.as_bytes())
    })
    .map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            io::Error::other(format!("{} exists: another program is changing it", lock.display()))
        }
        _ => error,
    })
}

/// Makes a file readable for every user, whatever the umask was.
pub fn let_all_read(path: &Path) -> io::Result<()> {
    files::set_mode_of(path, 0o644)
}

/// Creates a directory and its missing parents; returns what was created, the topmost first.
pub fn make_directory(dir: &Path, mode: u32) -> io::Result<Vec<PathBuf>> {
    let missing = missing(dir);
    files::create_directories(dir, mode)?;
    Ok(missing)
}

/// The same for directories that every user can enter, whatever the umask.
pub fn make_public_directory(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let made = make_directory(dir, 0o755)?;
    for dir in &made {
        files::set_mode_of(dir, 0o755)?;
    }
    Ok(made)
}

/// The missing ones among a directory and its parents, the topmost first.
pub fn missing(dir: &Path) -> Vec<PathBuf> {
    let missing = dir.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists());
    let mut missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
    missing.reverse();
    missing
}
