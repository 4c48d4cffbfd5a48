//! Files and directories: how they are opened, replaced and told apart. They have no modes: who may do what comes from the
//! directory that a file is made in.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsHandle;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::platform::clock::Deadline;
use crate::platform::private_files;

/// A link in a file's place is opened itself, and not what it leads to (`FILE_FLAG_OPEN_REPARSE_POINT`).
const NO_LINKS: u32 = 0x0020_0000;
/// `GENERIC_READ`.
const READ: u32 = 0x8000_0000;
/// `FILE_WRITE_ATTRIBUTES`, which setting a file's time takes.
const SET_TIMES: u32 = 0x0000_0100;

/// Whoever has a file open keeps it from being replaced, such as a virus scanner: it is tried for so long.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(5);
/// What the name of a file ends in that has had to make room.
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

/// Opens such a file to read it, and to set its time where that is allowed.
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

/// Gives a file a new name, in place of the one that has it. Those who have that open keep it, and may be this process.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    patiently(|| match fs::rename(from, to) {
        Err(error) if is_busy(&error) && to.is_file() => rename_around(from, to),
        other => other,
    })
}

/// Not every file system lets an open file be replaced, but each lets it have another name: for a moment there is none.
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

/// Tries again while somebody else is at the file.
fn patiently<T>(attempt: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let deadline = Deadline::after(PATIENCE);
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && deadline.wait(PAUSE) => {}
            other => return other,
        }
    }
}

/// A file that is being replaced or removed is one that nobody may open, for a moment.
fn is_busy(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied || matches!(error.raw_os_error(), Some(SHARING | LOCKED))
}

/// Makes a directory and those above it.
pub fn create_directories(dir: &Path, _mode: u32) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(dir)
}

/// A file's mode: there is none.
pub fn mode(_: &Path) -> Option<u32> {
    None
}

/// Sets an open file's mode: there is none.
pub fn set_mode(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

/// Sets a file's or directory's mode: there is none.
pub fn set_mode_of(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

/// What a change of a file can be seen by from outside.
pub fn stamp(metadata: &Metadata) -> [i128; 5] {
    [
        metadata.creation_time().into(),
        metadata.file_size().into(),
        metadata.last_write_time().into(),
        metadata.file_attributes().into(),
        0,
    ]
}

/// Who may do what with a file, as far as its metadata say.
pub fn rights(metadata: &Metadata) -> [u32; 2] {
    [metadata.file_attributes(), 0]
}

/// Opens a file in a directory for a lock: here a directory cannot have one. It stays, as nobody could tell whether another
/// process waits for it.
pub fn open_for_lock(dir: &Path) -> io::Result<File> {
    let name = concat!(".", env!("CARGO_PKG_NAME"), ".lock");
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(dir.join(name))
}

/// Opens a file to append to it, made where it is not there. Nobody but its owner may read it.
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

/// Whether a pipe or a terminal takes more at once: nobody can tell without unsafe code, so that a reader who does not read
/// is waited for.
pub fn takes_more(_: &File) -> io::Result<bool> {
    Ok(true)
}
