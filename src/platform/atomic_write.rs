//! Files that are replaced as a whole: a new one beside, then a rename, so that readers get the old content or the
//! new one and never a part.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::platform::files;

/// When the content must be on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// Before the rename: even after a power failure the file holds the old text or the new, and is never empty.
    First,
    /// Whenever the system writes it.
    Whenever,
}

/// Replaces a file. The caller chooses the temporary name: a fixed one keeps other writers out and can be found again
/// after a crash. Of the tempfile crate only `persist` would be used: as many lines here, and 2 KiB more of binary.
///
/// # Errors
/// What failed; [`io::ErrorKind::AlreadyExists`] if the temporary file already exists. The old file is unchanged, and
/// nothing is left beside it.
pub fn atomic_write(
    target: &Path,
    new: &Path,
    mode: u32,
    sync: Sync,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = files::create_new(new, mode)?;
    let done = write(&mut file).and_then(|()| if sync == Sync::First { file.sync_all() } else { Ok(()) });
    // Not every system can rename an open file.
    drop(file);
    let done = done.and_then(|()| files::rename(new, target));
    if done.is_err() {
        let _ = fs::remove_file(new);
    }
    done
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_has_its_old_content_until_it_has_all_of_the_new() {
        let dir = tempfile::tempdir().unwrap();
        let (target, new) = (dir.path().join("x"), dir.path().join("x.new"));
        let write = |text: &str, end: io::Result<()>| {
            atomic_write(&target, &new, 0o600, Sync::Whenever, |file| {
                file.write_all(text.as_bytes())?;
                end
            })
        };
        let names =
            || fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect::<Vec<_>>();
        write("one", Ok(())).unwrap();
        let error = write("two", Err(io::Error::other("the disk is full"))).unwrap_err();
        assert_eq!(error.to_string(), "the disk is full");
        assert_eq!((fs::read_to_string(&target).unwrap().as_str(), names().len()), ("one", 1));
        write("three", Ok(())).unwrap();
        assert_eq!((fs::read_to_string(&target).unwrap().as_str(), names().len()), ("three", 1));
    }

    #[test]
    fn the_new_file_of_another_writer_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (target, new) = (dir.path().join("x"), dir.path().join("x.new"));
        fs::write(&new, "theirs").unwrap();
        let error = atomic_write(&target, &new, 0o600, Sync::First, |_| Ok(())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&new).unwrap(), "theirs");
        assert!(!target.exists());
    }
}
