//! The private directory on disk that all processes of a user share: one file per key, locked, written atomically.
//!
//! The directory is 0700 and ours, files are 0600 and ours, neither is a symbolic link, and no other user may rename the
//! directory. Otherwise they are not used.
//! A file is written under its lock as a new file beside it and then renamed. Damaged means missing. A file that a
//! killed process left half-written is removed by the next write of any process.
//! An entry's modification time is not when it was written but a mark that the caller sets: setting it needs no write.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use crate::platform::atomic_write::{Sync, atomic_write};
use crate::platform::clock::Deadline;
use crate::platform::files::{self, private};
use crate::platform::{bounds, lock, private_files};

/// How the names of files begin that only try whether the directory can be written to.
const PROBE: &str = "probe-";

/// A directory that has been found safe.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Opens the directory, and makes it if it is not there.
    ///
    /// # Errors
    /// It cannot be made, or others have access to it.
    pub fn open(dir: &Path) -> io::Result<Self> {
        private_files::parent(dir)?;
        let metadata = match fs::symlink_metadata(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                files::create_directories(dir, 0o700)?;
                fs::symlink_metadata(dir)?
            }
            other => other?,
        };
        if !metadata.is_dir() {
            return Err(io::Error::other("it is not a directory (symbolic links are not followed)"));
        }
        private_files::check_private(dir, &metadata)?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Opens the directory; `None` if it is not there.
    ///
    /// # Errors
    /// Others have access to it.
    pub fn open_existing(dir: &Path) -> io::Result<Option<Self>> {
        match fs::symlink_metadata(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            _ => Self::open(dir).map(Some),
        }
    }

    /// The content of an entry; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read, or others have access to it.
    pub fn read(&self, key: &str) -> io::Result<Option<Stored>> {
        let path = self.dir.join(format!("{key}.json"));
        let file = match files::open_private(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        private_files::check_private(&path, &metadata)?;
        let mut content =
            Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1));
        (&file).take(bounds::MOST as u64).read_to_end(&mut content)?;
        // A time that the file system has made has a fraction; it says nothing.
        let since_1970 = metadata.modified()?.duration_since(SystemTime::UNIX_EPOCH).ok();
        let mark =
            since_1970.filter(|time| time.subsec_nanos() == 0).map(|time| time.as_secs().cast_signed());
        Ok(Some(Stored { content, mark, file }))
    }

    /// Takes an entry's lock if it is free. The lock is released when dropped, and when the process ends.
    pub fn try_lock(&self, key: &str) -> io::Result<Option<Lock<'_>>> {
        let path = self.dir.join(format!("{key}.lock"));
        let file = private().read(true).write(true).create(true).open(path)?;
        let is_ours = lock::try_lock(&file)?;
        Ok(is_ours.then(|| Lock { cache: self, key: key.to_owned(), _file: file }))
    }

    /// Takes an entry's lock, and waits for it where another process holds it.
    ///
    /// # Errors
    /// It cannot be taken, or not before the deadline ([`io::ErrorKind::TimedOut`]).
    pub fn lock(&self, key: &str, deadline: Deadline) -> io::Result<Lock<'_>> {
        lock::wait_for(deadline, || self.try_lock(key))?
            .ok_or_else(|| io::Error::new(io::ErrorKind::TimedOut, "another process holds its lock"))
    }

    /// Whether new files can be made.
    ///
    /// # Errors
    /// Why not, such as a read-only or a full disk.
    pub fn check_writable(&self) -> io::Result<()> {
        let probe = self.dir.join(format!("{PROBE}{}", std::process::id()));
        let written =
            private().write(true).create_new(true).open(&probe).and_then(|mut file| file.write_all(b"probe"));
        let _ = fs::remove_file(probe);
        written
    }

    /// Removes what killed processes left: it may hold a token, and that entry may never be asked for again.
    fn sweep(&self) {
        for file in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let name = file.file_name();
            let Some(name) = name.to_str() else { continue };
            let lock = name.strip_suffix(".new").map(|key| self.try_lock(key));
            // The lock of a file that is being written is held.
            let is_aside = name.rsplit_once('.').is_some_and(|(_, end)| end == files::ASIDE);
            if name.starts_with(PROBE) || is_aside || matches!(lock, Some(Ok(Some(_)))) {
                let _ = fs::remove_file(file.path());
            }
        }
    }

    /// The keys of all entries, in no order.
    pub fn keys(&self) -> io::Result<Vec<String>> {
        let mut keys = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let key = name.to_str().and_then(|name| name.strip_suffix(".json"));
            keys.extend(key.filter(|key| key.bytes().all(|b| b.is_ascii_hexdigit())).map(str::to_owned));
        }
        Ok(keys)
    }
}

/// An entry as stored on disk.
pub struct Stored {
    /// All of it.
    pub content: Zeroizing<Vec<u8>>,
    /// In seconds since 1970; `None` where none was set.
    pub mark: Option<i64>,
    file: File,
}

impl Stored {
    /// Sets the mark, without a lock and without writing.
    ///
    /// # Errors
    /// The file system has no times to set.
    pub fn set_mark(&self, mark: i64) -> io::Result<()> {
        set_mark(&self.file, mark)
    }
}

/// Proof that only this process may write an entry.
#[derive(Debug)]
pub struct Lock<'a> {
    cache: &'a Cache,
    key: String,
    _file: File,
}

impl Lock<'_> {
    /// Replaces the entry's content and mark, or leaves both as they were.
    pub fn write(&self, content: &[u8], mark: i64) -> io::Result<()> {
        let target = self.cache.dir.join(format!("{}.json", self.key));
        // While we hold the lock nobody else uses this name: an existing file was left by a killed process.
        let new = self.cache.dir.join(format!("{}.new", self.key));
        let _ = fs::remove_file(&new);
        self.cache.sweep();
        // No fsync: an entry damaged by a power failure counts as missing, and its token is minted again.
        atomic_write(&target, &new, 0o600, Sync::Whenever, |file| {
            file.write_all(content)?;
            // The entry is usable without a mark.
            let _ = set_mark(file, mark);
            Ok(())
        })
    }

    /// Removes the entry, which works on a full disk too.
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_file(self.cache.dir.join(format!("{}.json", self.key)))
    }
}

fn set_mark(file: &File, mark: i64) -> io::Result<()> {
    let since_1970 = Duration::from_secs(u64::try_from(mark).unwrap_or(0));
    file.set_modified(SystemTime::UNIX_EPOCH + since_1970)
}

#[cfg(test)]
mod tests;
