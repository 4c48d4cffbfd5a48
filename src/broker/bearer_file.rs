//! The bearer file: read again when it has changed. One that breaks or vanishes changes nothing and is reported.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use super::bearers::Bearers;
use super::log::Log;
use crate::clock;
use crate::error::{Failure, Kind};
use crate::trust::{self, Distrust};

/// For so many microseconds a look at the file is good: a flood of requests is no flood of looks.
const FRESH: u64 = 1000;

/// A file and what was read from it.
pub struct BearerFile {
    path: PathBuf,
    log: Log,
    /// Whether the server's own settings name one.
    has_owner: bool,
    opened: Instant,
    /// The last look, in microseconds since it was opened.
    looked: AtomicU64,
    state: RwLock<State>,
}

struct State {
    seen: Seen,
    bearers: Arc<Bearers>,
}

/// By what a change is noticed: another file, another length, another time, or none at all.
type Seen = Option<(u64, u64, i64, i64)>;

impl BearerFile {
    /// Reads it for the first time.
    ///
    /// # Errors
    /// It cannot be read, a line is wrong, or there is none.
    pub fn open(path: PathBuf, log: Log, has_owner: bool) -> Result<Self, Failure> {
        let seen = seen(&path);
        let bearers = read(&path, has_owner).map_err(|wrong| {
            Failure::new(Kind::Settings, format!("bearer file {}: {wrong}", path.display()))
                .hint("one line for each bearer: git-credential-github-app serve hash-bearer NAME makes it")
        })?;
        let state = State { seen, bearers: Arc::new(bearers) };
        Ok(Self {
            path,
            log,
            has_owner,
            opened: clock::instant(),
            looked: AtomicU64::new(0),
            state: RwLock::new(state),
        })
    }

    /// The bearers as they are now.
    pub fn current(&self, now: Instant) -> Arc<Bearers> {
        if self.is_fresh(now) {
            return Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner).bearers);
        }
        let found = seen(&self.path);
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if found == state.seen {
            return Arc::clone(&state.bearers);
        }
        drop(state);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if found != state.seen {
            state.seen = found;
            let path = self.path.display();
            match read(&self.path, self.has_owner) {
                Ok(bearers) => {
                    self.log.event(&format!("read bearer file {path} again: {} bearers", bearers.len()));
                    state.bearers = Arc::new(bearers);
                }
                Err(wrong) => {
                    self.log.event(&format!(
                        "bearer file {path}: {wrong}; going on with the bearers as they were"
                    ));
                }
            }
        }
        Arc::clone(&state.bearers)
    }

    /// Whether somebody has just looked; if not, the caller is going to.
    fn is_fresh(&self, now: Instant) -> bool {
        let micros = now.saturating_duration_since(self.opened).as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        if micros.saturating_sub(self.looked.load(Ordering::Relaxed)) < FRESH {
            return true;
        }
        self.looked.store(micros, Ordering::Relaxed);
        false
    }
}

fn seen(path: &PathBuf) -> Seen {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
}

fn read(path: &PathBuf, has_owner: bool) -> Result<Bearers, String> {
    let mut file = fs::File::open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    trust::file(path, &metadata)
        .map_err(|Distrust { cause, mend }| format!("{cause}; mend it with: {mend}"))?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| error.to_string())?;
    let bearers = Bearers::parse(&text, has_owner)?;
    if bearers.len() == 0 { Err("it holds no bearer".to_owned()) } else { Ok(bearers) }
}
