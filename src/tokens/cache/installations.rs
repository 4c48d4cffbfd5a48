//! Looked-up installations on disk, each with a lock of its own: of many processes that want the same one looks it up.
//! Without a usable cache directory nothing is remembered.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::platform::clock::{self, Deadline};
use crate::tokens::cache::disk::Cache;
use crate::tokens::github::installations::Installation;
use crate::tokens::github::session::Session;

/// How long a looked-up installation is believed, in seconds.
const INSTALLED: i64 = 24 * 3600;
/// How long it is believed that there is none, in seconds.
const ABSENT: i64 = 60;

/// What a look-up found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Known {
    /// The App is installed there.
    Installed(Installation),
    /// It is not.
    Absent,
}

/// What was looked up, and when (seconds since 1970).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Remembered {
    /// The outcome.
    pub known: Known,
    /// When it was looked up.
    pub since: i64,
}

impl Remembered {
    /// How long it is believed, in seconds.
    pub fn limit(&self) -> i64 {
        if matches!(self.known, Known::Absent) { ABSENT } else { INSTALLED }
    }

    /// Whether it is still believed; one from the future is from a clock that has jumped.
    fn is_fresh(&self, now: i64) -> bool {
        now.checked_sub(self.since).is_some_and(|age| (0..self.limit()).contains(&age))
    }
}

/// Where outcomes are kept.
pub enum Kept {
    /// In the cache directory, if there is one.
    OnDisk(Option<PathBuf>),
    /// In a process that lives for long.
    InProcess(Arc<Session>),
}

/// Remembers outcomes.
pub struct Memory {
    /// Where.
    pub kept: Kept,
    /// Bounds the wait for a lock.
    pub deadline: Deadline,
}

impl Memory {
    /// What is remembered under a key, or else is looked up now and remembered; and whether it was remembered.
    pub fn recall(&self, key: &str, look_up: impl FnOnce() -> Result<Known>) -> Result<(Remembered, bool)> {
        let new = || Ok((Remembered { known: look_up()?, since: clock::now() }, false));
        if let Kept::InProcess(session) = &self.kept {
            if let Some(found) =
                session.recall(key, clock::instant()).filter(|found| found.is_fresh(clock::now()))
            {
                return Ok((found, true));
            }
            let found = new()?;
            session.remember(key, found.0.clone(), clock::instant());
            return Ok(found);
        }
        // What cannot be remembered costs one more look-up the next time.
        let Some(cache) = self.cache() else { return new() };
        if let Some(remembered) = read(&cache, key) {
            return Ok((remembered, true));
        }
        let Ok(lock) = cache.lock(key, self.deadline) else { return new() };
        if let Some(remembered) = read(&cache, key) {
            return Ok((remembered, true));
        }
        let (found, _) = new()?;
        let _ = lock.write(&serde_json::to_vec(&found).unwrap_or_default(), 0);
        Ok((found, false))
    }

    /// Forgets what was looked up.
    pub fn forget(&self, key: &str) {
        if let Kept::InProcess(session) = &self.kept {
            session.forget(key);
        }
        let Some(cache) = self.cache() else { return };
        if let Ok(lock) = cache.lock(key, self.deadline)
            && read(&cache, key).is_some()
        {
            let _ = lock.write(b"", 0);
        }
    }
}

impl Memory {
    fn cache(&self) -> Option<Cache> {
        match &self.kept {
            Kept::OnDisk(dir) => Cache::open(dir.as_deref()?).ok(),
            Kept::InProcess(_) => None,
        }
    }
}

fn read(cache: &Cache, key: &str) -> Option<Remembered> {
    let stored = cache.read(key).ok()??;
    let remembered: Remembered = serde_json::from_slice(&stored.content).ok()?;
    remembered.is_fresh(clock::now()).then_some(remembered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_is_believed_for_a_day_and_its_absence_for_a_minute() {
        let installed = Known::Installed(Installation { id: 7, account: None });
        for (known, age, fresh) in [
            (&installed, 0, true),
            (&installed, 86_399, true),
            (&installed, 86_400, false),
            (&installed, -1, false),
            (&Known::Absent, 59, true),
            (&Known::Absent, 60, false),
            (&Known::Absent, i64::MIN, false),
        ] {
            let remembered = Remembered { known: known.clone(), since: 0_i64.saturating_sub(age) };
            assert_eq!(remembered.is_fresh(0), fresh, "{known:?} after {age} s");
        }
    }
}
