//! Looked-up installations in the cache directory, each with a lock of its own. Without a usable directory nothing is
//! remembered.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::platform::clock::{self, Deadline};
use crate::tokens::cache::disk::{Cache, Lock};
use crate::tokens::cache::looked_up::Remembered;
use crate::tokens::cache::store::{Store, Turn};

/// In a directory, if there is one.
pub struct OnDisk {
    dir: Option<PathBuf>,
    cache: OnceLock<Option<Cache>>,
}

impl OnDisk {
    /// Looks at nothing yet.
    pub fn new(dir: Option<PathBuf>) -> Self {
        Self { dir, cache: OnceLock::new() }
    }

    fn cache(&self) -> Option<&Cache> {
        self.cache.get_or_init(|| Cache::open(self.dir.as_deref()?).ok()).as_ref()
    }
}

impl Store for OnDisk {
    fn read(&self, key: &str) -> Option<Remembered> {
        let stored = self.cache()?.read(key).ok()??;
        let found: Remembered = serde_json::from_slice(&stored.content).ok()?;
        found.is_fresh(clock::now()).then_some(found)
    }

    fn turn<'a>(&'a self, key: &'a str, deadline: Deadline) -> Option<Box<dyn Turn + 'a>> {
        Some(Box::new(self.cache()?.lock(key, deadline).ok()?))
    }

    fn forget(&self, key: &str, deadline: Deadline) {
        let Some(cache) = self.cache() else { return };
        if let Ok(lock) = cache.lock(key, deadline)
            && self.read(key).is_some()
        {
            let _ = lock.write(b"", 0);
        }
    }
}

impl Turn for Lock<'_> {
    fn keep(&self, found: &Remembered) {
        let _ = self.write(&serde_json::to_vec(found).unwrap_or_default(), 0);
    }
}
