//! Files and directories: their modes, how they are opened and told apart.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

/// The suffix of a file that was moved out of the way: not needed on Unix.
pub const ASIDE: &str = "old";

/// Options for a file that only its user can access if it is new. A symbolic link in its place is not followed.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    // Without NONBLOCK, opening a pipe in place of the file would block.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.mode(0o600).custom_flags(flags.bits().cast_signed());
    options
}

/// Opens such a file to read it, and to set its time.
pub fn open_private(path: &Path) -> io::Result<File> {
    private().read(true).open(path)
}

/// Makes a new file with a mode.
pub fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

/// Renames a file, replacing any file of the new name.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Creates a directory and its parents with a mode.
pub fn create_directories(dir: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(mode).create(dir)
}

/// A file's permissions; `None` if it does not exist.
pub fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|metadata| metadata.mode() & 0o7777)
}

/// Sets an open file's permissions.
pub fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

/// Sets a file's or directory's permissions, whatever the umask was when it was made.
pub fn set_mode_of(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Metadata that changes when a file is changed.
pub fn stamp(metadata: &Metadata) -> [i128; 5] {
    let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    [
        metadata.dev().into(),
        metadata.ino().into(),
        metadata.len().into(),
        nanos(metadata.mtime(), metadata.mtime_nsec()),
        nanos(metadata.ctime(), metadata.ctime_nsec()),
    ]
}

/// What every user may do with a file, by its metadata.
pub fn rights(metadata: &Metadata) -> [u32; 2] {
    [metadata.uid(), metadata.mode()]
}

/// Opens a directory for a lock on it.
pub fn open_for_lock(dir: &Path) -> io::Result<File> {
    File::open(dir)
}

/// Opens a file to append to it, and creates it if it does not exist. Only its owner may read it.
///
/// # Errors
/// It cannot be written to, or others may read it.
pub fn append_privately(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.mode() & 0o077 != 0 {
        let (mode, shown) = (metadata.mode() & 0o777, path.display());
        let message = format!("others may read it (mode {mode:03o}); fix it with: chmod 600 {shown}");
        return Err(io::Error::other(message));
    }
    Ok(file)
}

/// Standard output, as a file.
///
/// # Errors
/// It is closed.
pub fn stdout() -> io::Result<File> {
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

/// Whether a pipe or a terminal can be written to without waiting.
pub fn takes_more(file: &File) -> io::Result<bool> {
    let mut polled = [PollFd::new(file, PollFlags::OUT)];
    Ok(poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? > 0)
}
