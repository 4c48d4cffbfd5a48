//! Files that are reloaded when they change. Their content decides, as times and sizes can be reset or be too coarse. If
//! a file becomes invalid or disappears, the last good value stays and the problem is reported once.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use rsa::sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::platform::clock;
use crate::platform::files::{self, stamp};
use crate::tokens::error::{Failure, Kind};

/// For this many microseconds a check of the files is valid, so that a flood of requests causes few checks.
const FRESH: u64 = 1000;
/// For this many microseconds the metadata of the files is enough; after that they are read and compared. A program can
/// reset the modification time but not the change time; this catches changes within one tick of the system's clock, and
/// file systems without a change time.
const COMPARED: u64 = 1_000_000;

/// One open file with its content.
pub struct Content {
    /// For messages: what it is and where.
    pub name: String,
    /// Where.
    pub path: PathBuf,
    /// Of the open file, so that it cannot be that of a replacement.
    pub metadata: Metadata,
    /// May be secret.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl Content {
    /// Reads a file; `what` is what messages call it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(what: &str, path: &Path) -> Result<Self, Failure> {
        let name = format!("{what} {}", path.display());
        let read = || {
            let mut file = File::open(path)?;
            let metadata = file.metadata()?;
            let mut bytes = Zeroizing::new(Vec::new());
            file.read_to_end(&mut bytes)?;
            Ok((metadata, bytes))
        };
        let read: std::io::Result<_> = read();
        let (metadata, bytes) =
            read.map_err(|error| Failure::new(Kind::Settings, format!("{name}: {error}")))?;
        Ok(Self { name, path: path.to_owned(), metadata, bytes })
    }

    /// The failure that names the file.
    pub fn failure(&self, cause: impl std::fmt::Display) -> Failure {
        Failure::new(Kind::Settings, format!("{}: {cause}", self.name))
    }
}

/// Makes a value from the files, and says in a few words what was read.
type Load<T> = Box<dyn Fn(&[Content]) -> Result<(T, String), Failure> + Send + Sync>;

/// Reports what has changed or is wrong.
pub type Tell = Box<dyn Fn(&str) + Send + Sync>;

/// Files and the value made from them.
pub struct Watched<T> {
    /// What each file is called in messages, and its path.
    files: Vec<(&'static str, PathBuf)>,
    load: Load<T>,
    /// Follows the report of a problem: says what stays in effect.
    kept: &'static str,
    tell: Tell,
    opened: Instant,
    /// The last check, in microseconds since it was opened.
    looked: AtomicU64,
    /// The last comparison, likewise.
    compared: AtomicU64,
    state: RwLock<Reading<T>>,
}

struct Reading<T> {
    stamps: Stamps,
    /// Of the content read last, valid or not; `None`: it could not be read.
    digest: Option<Hash>,
    /// What was reported.
    trouble: Option<String>,
    value: T,
}

/// Metadata that changes when a file is changed; `None`: the file does not exist.
type Stamps = Vec<Option<[i128; 5]>>;
type Hash = [u8; 32];

/// Of the content and the permissions of the files.
fn digest(contents: &[Content]) -> Hash {
    let mut digest = Sha256::new();
    for Content { bytes, metadata, .. } in contents {
        for right in files::rights(metadata) {
            digest.update(right.to_le_bytes());
        }
        digest.update(metadata.len().to_le_bytes());
        digest.update(bytes);
    }
    digest.finalize().into()
}

impl<T: Clone> Watched<T> {
    /// Reads them for the first time.
    ///
    /// # Errors
    /// They cannot be read, or are invalid.
    pub fn open(
        files: Vec<(&'static str, PathBuf)>,
        kept: &'static str,
        tell: Tell,
        load: Load<T>,
    ) -> Result<Self, Failure> {
        let contents = read(&files)?;
        let (value, _) = load(&contents)?;
        let stamps = contents.iter().map(|content| Some(stamp(&content.metadata))).collect();
        let state = Reading { stamps, digest: Some(digest(&contents)), trouble: None, value };
        let (looked, compared) = (AtomicU64::new(0), AtomicU64::new(0));
        let opened = clock::instant();
        Ok(Self { files, load, kept, tell, opened, looked, compared, state: RwLock::new(state) })
    }

    /// The current value.
    pub fn current(&self, now: Instant) -> T {
        let micros = now.saturating_duration_since(self.opened).as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        let passed = |since: &AtomicU64, limit| {
            let passed = micros.saturating_sub(since.load(Ordering::Relaxed)) >= limit;
            if passed {
                since.store(micros, Ordering::Relaxed);
            }
            passed
        };
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if !passed(&self.looked, FRESH) {
            return state.value.clone();
        }
        if !passed(&self.compared, COMPARED) && self.stamps() == state.stamps {
            return state.value.clone();
        }
        drop(state);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        self.read_again(&mut state);
        state.value.clone()
    }

    /// Reads and compares them now, whatever their metadata says.
    pub fn read_now(&self) {
        self.read_again(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn stamps(&self) -> Stamps {
        self.files.iter().map(|(_, path)| fs::metadata(path).ok().map(|metadata| stamp(&metadata))).collect()
    }

    fn read_again(&self, state: &mut Reading<T>) {
        state.stamps = self.stamps();
        let contents = self.check().and_then(|()| read(&self.files));
        let digest = contents.as_ref().ok().map(|contents| digest(contents));
        if digest.is_some() && digest == state.digest {
            return;
        }
        state.digest = digest;
        let outcome = contents.and_then(|contents| {
            let (value, said) = (self.load)(&contents)?;
            let names: Vec<&str> = contents.iter().map(|content| content.name.as_str()).collect();
            (self.tell)(&format!("read {} again: {said}", names.join(" and ")));
            (state.value, state.trouble) = (value, None);
            Ok(())
        });
        if let Err(Failure { message, .. }) = outcome
            && state.trouble.as_ref() != Some(&message)
        {
            (self.tell)(&format!("{message}; {}", self.kept));
            state.trouble = Some(message);
        }
    }

    /// A pipe can be read only once; a second read would wait.
    fn check(&self) -> Result<(), Failure> {
        let is_other = |path: &PathBuf| fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
        match self.files.iter().find(|(_, path)| is_other(path)) {
            Some((what, path)) => Err(Failure::new(
                Kind::Settings,
                format!("{what} {}: it is not a regular file", path.display()),
            )),
            None => Ok(()),
        }
    }
}

fn read(files: &[(&'static str, PathBuf)]) -> Result<Vec<Content>, Failure> {
    files.iter().map(|(what, path)| Content::read(what, path)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A file that must contain a number.
    fn number(path: &Path) -> Watched<u32> {
        let load = |contents: &[Content]| {
            let text = String::from_utf8_lossy(&contents[0].bytes).into_owned();
            text.parse()
                .map(|number| (number, "a number".to_owned()))
                .map_err(|error| contents[0].failure(error))
        };
        Watched::open(vec![("file", path.to_owned())], "kept", Box::new(|_| ()), Box::new(load)).unwrap()
    }

    fn trouble(watched: &Watched<u32>) -> Option<String> {
        watched.state.read().unwrap().trouble.clone()
    }

    #[test]
    fn an_edit_of_the_same_size_with_the_time_put_back_is_seen_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("number");
        fs::write(&path, "11").unwrap();
        let watched = number(&path);
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        // The clock for file times has steps of a few milliseconds.
        let changed = |before: &Stamps| watched.stamps() != *before;
        let before = watched.stamps();
        while !changed(&before) {
            fs::write(&path, "22").unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        }
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), time);
        assert_eq!(watched.current(watched.opened + Duration::from_micros(FRESH)), 22);
    }

    #[test]
    fn an_edit_that_nothing_shows_from_outside_is_seen_within_a_second() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("number");
        fs::write(&path, "11").unwrap();
        let watched = number(&path);
        fs::write(&path, "22").unwrap();
        watched.state.write().unwrap().stamps = watched.stamps();
        let at = |micros| watched.current(watched.opened + Duration::from_micros(micros));
        assert_eq!(at(COMPARED - 1), 11, "nothing tells yet");
        assert_eq!(at(COMPARED), 11, "looked at a moment ago");
        assert_eq!(at(COMPARED + FRESH), 22);
    }

    #[test]
    fn what_breaks_vanishes_or_is_no_file_keeps_the_value_until_it_is_good_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("number");
        fs::write(&path, "11").unwrap();
        let watched = number(&path);
        let mut now = watched.opened;
        let mut look = || {
            now += Duration::from_secs(2);
            (watched.current(now), trouble(&watched).unwrap_or_default())
        };
        assert_eq!(look(), (11, String::new()));
        fs::write(&path, "x").unwrap();
        assert_eq!(look(), (11, format!("file {}: invalid digit found in string", path.display())));
        fs::remove_file(&path).unwrap();
        assert_eq!(look(), (11, format!("file {}: No such file or directory (os error 2)", path.display())));
        fs::create_dir(&path).unwrap();
        assert_eq!(look(), (11, format!("file {}: it is not a regular file", path.display())));
        fs::remove_dir(&path).unwrap();
        fs::write(&path, "11").unwrap();
        assert_eq!(look(), (11, String::new()), "the same as before, and no longer in trouble");
        fs::write(&path, "33").unwrap();
        assert_eq!(look(), (33, String::new()));
    }
}
