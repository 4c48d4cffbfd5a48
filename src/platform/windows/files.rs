//! Files and directories: how they are opened, replaced and told apart. They have no modes: a file inherits its
//! permissions from the directory that it is created in.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsHandle;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::platform::clock::Deadline;
use crate::platform::private_files;

/// Opens a link itself instead of its target (`FILE_FLAG_OPEN_REPARSE_POINT`).
const NO_LINKS: u32 = 0x0020_0000;
/// `GENERIC_READ`.
const READ: u32 = 0x8000_0000;
/// `FILE_WRITE_ATTRIBUTES`, needed to set a file's time.
const SET_TIMES: u32 = 0x0000_0100;

/// A program that has a file open, such as a virus scanner, keeps it from being replaced: how long to retry.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(5);
/// The suffix of a file that was moved out of the way.
pub const ASIDE: &str = "old";
/// `ERROR_SHARING_VIOLATION`.
const SHARING: i32 = 32;
/// `ERROR_LOCK_VIOLATION`.
const LOCKED: i32 = 33;

/// Options for a file that only its user can access if the same holds for its directory.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(NO_LINKS);
    options
}

/// Opens such a file to read it, and to set its time if that is allowed.
pub fn open_private(path: &Path) -> io::Result<File> {
    patiently(|| {
        let file = private().access_mode(READ | SET_TIMES).open(path);
        match file {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => private().read(true).open(path),
            other => other,
        }
    })
}

/// Makes a new file.
pub fn create_new(path: &Path, _mode: u32) -> io::Result<File> {
    patiently(|| OpenOptions::new().write(true).create_new(true).open(path))
}

/// Renames a file, replacing any file of the new name. Processes that have the old one open, this one included, keep it.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    patiently(|| match fs::rename(from, to) {
        Err(error) if is_busy(&error) && to.is_file() => rename_around(from, to),
        other => other,
    })
}

/// Not every file system can replace an open file, but each can rename it: for a moment there is no file of that name.
fn rename_around(from: &Path, to: &Path) -> io::Result<()> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut aside = to.to_owned().into_os_string();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    aside.push(format!(".{}-{count}.{ASIDE}", std::process::id()));
    fs::rename(to, &aside)?;
    let outcome = fs::rename(from, to);
    let _ = if outcome.is_ok() { fs::remove_file(&aside) } else { fs::rename(&aside, to) };
    outcome
}

/// Retries while another process uses the file.
fn patiently<T>(attempt: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let deadline = Deadline::after(PATIENCE);
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && deadline.wait(PAUSE) => {}
            other => return other,
        }
    }
}

/// While a file is being replaced or removed, opening it fails for a moment.
fn is_busy(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied || matches!(error.raw_os_error(), Some(SHARING | LOCKED))
}

/// Creates a directory and its parents.
pub fn create_directories(dir: &Path, _mode: u32) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(dir)
}

/// A file's mode: Windows has none.
pub fn mode(_: &Path) -> Option<u32> {
    None
}

/// Sets an open file's mode: Windows has none.
pub fn set_mode(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

/// Sets a file's or directory's mode: Windows has none.
pub fn set_mode_of(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

/// Metadata that changes when a file is changed.
pub fn stamp(metadata: &Metadata) -> [i128; 5] {
    [
        metadata.creation_time().into(),
        metadata.file_size().into(),
        metadata.last_write_time().into(),
        metadata.file_attributes().into(),
        0,
    ]
}

/// What every user may do with a file, by its metadata.
pub fn rights(metadata: &Metadata) -> [u32; 2] {
    [metadata.file_attributes(), 0]
}

/// Opens a lock file in a directory, as Windows cannot lock a directory itself. The file stays: there is no telling
/// whether another process waits for it.
pub fn open_for_lock(dir: &Path) -> io::Result<File> {
    let name = concat!(".", env!("CARGO_PKG_NAME"), ".lock");
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(dir.join(name))
}

/// Opens a file to append to it, and creates it if it does not exist. Only its owner may read it.
///
/// # Errors
/// It cannot be written to, or others may read it.
pub fn append_privately(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        private_files::check_private(path, &metadata)?;
    }
    Ok(file)
}

/// Standard output, as a file.
///
/// # Errors
/// It is closed.
pub fn stdout() -> io::Result<File> {
    io::stdout().as_handle().try_clone_to_owned().map(File::from)
}

/// Whether a pipe or a terminal can be written to without waiting: unknown without unsafe code, so a write may wait for
/// the reader.
pub fn takes_more(_: &File) -> io::Result<bool> {
    Ok(true)
}
