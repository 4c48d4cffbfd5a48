//! Looked-up installations, on disk for the helper and in memory for the broker: of many processes or threads that want the
//! same, one looks it up. Without a usable cache directory nothing is remembered.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::platform::clock::{self, Deadline, Moment};
use crate::tokens::cache::disk::Cache;
use crate::tokens::cache::lifetimes::{ABSENT, INSTALLED};

/// An App's installation on one account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Installation {
    /// GitHub's number.
    pub id: u64,
    /// The account's login, where known.
    pub account: Option<String>,
}

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
pub enum KeptIn {
    /// In the cache directory, if there is one.
    OnDisk(Option<PathBuf>),
    /// In a process that lives for long.
    InProcess(Arc<InMemory>),
}

/// Before memory grows without end, all is looked up again.
const MOST_INSTALLATIONS: usize = 10_000;

/// Outcomes in a process that lives for long. Each is looked up by one thread while the others wait.
#[derive(Default)]
pub struct InMemory {
    /// With the time when each was looked up, by a clock that nobody sets back.
    known: Mutex<HashMap<String, (Remembered, Instant)>>,
    /// What is being looked up.
    turns: Mutex<HashMap<String, Arc<Mutex<()>>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere has been reported; what is in here is whole in any case.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl InMemory {
    /// What was looked up under a key, unless that is too long ago.
    fn recall(&self, key: &str, now: Moment) -> Option<Remembered> {
        let known = locked(&self.known);
        let (found, at) = known.get(key)?;
        let age = i64::try_from(now.steady.saturating_duration_since(*at).as_secs()).unwrap_or(i64::MAX);
        (age < found.limit() && found.is_fresh(now.wall)).then(|| found.clone())
    }

    /// Remembers what was looked up.
    fn remember(&self, key: &str, found: Remembered, now: Instant) {
        let mut known = locked(&self.known);
        if known.len() >= MOST_INSTALLATIONS {
            known.clear();
        }
        known.insert(key.to_owned(), (found, now));
    }

    /// Does something while nobody else does the same for this key.
    fn in_turn<T>(&self, key: &str, act: impl FnOnce() -> T) -> T {
        let turn = Arc::clone(locked(&self.turns).entry(key.to_owned()).or_default());
        let held = locked(&turn);
        let outcome = act();
        drop(held);
        let mut turns = locked(&self.turns);
        // In the map and here: nobody waits.
        if Arc::strong_count(&turn) == 2 {
            turns.remove(key);
        }
        outcome
    }
}

/// Remembers outcomes.
pub struct Memory {
    /// Where.
    pub kept: KeptIn,
    /// Bounds the wait for a lock.
    pub deadline: Deadline,
}

impl Memory {
    /// What is remembered under a key, or else is looked up now and remembered; and whether it was remembered.
    pub fn recall(&self, key: &str, look_up: impl FnOnce() -> Result<Known>) -> Result<(Remembered, bool)> {
        let new = || Ok((Remembered { known: look_up()?, since: clock::now() }, false));
        if let KeptIn::InProcess(memory) = &self.kept {
            let read = || memory.recall(key, clock::moment());
            let write = |found: &Remembered| memory.remember(key, found.clone(), clock::instant());
            let fill = || memory.in_turn(key, || read_or(read, new, write));
            return read().map_or_else(fill, |found| Ok((found, true)));
        }
        // What cannot be remembered costs one more look-up the next time.
        let Some(cache) = self.cache() else { return new() };
        if let Some(remembered) = read(&cache, key) {
            return Ok((remembered, true));
        }
        let Ok(lock) = cache.lock(key, self.deadline) else { return new() };
        let write = |found: &Remembered| {
            let _ = lock.write(&serde_json::to_vec(found).unwrap_or_default(), 0);
        };
        read_or(|| read(&cache, key), new, write)
    }

    /// Forgets what was looked up.
    pub fn forget(&self, key: &str) {
        if let KeptIn::InProcess(memory) = &self.kept {
            locked(&memory.known).remove(key);
        }
        let Some(cache) = self.cache() else { return };
        if let Ok(lock) = cache.lock(key, self.deadline)
            && read(&cache, key).is_some()
        {
            let _ = lock.write(b"", 0);
        }
    }

    fn cache(&self) -> Option<Cache> {
        match &self.kept {
            KeptIn::OnDisk(dir) => Cache::open(dir.as_deref()?).ok(),
            KeptIn::InProcess(_) => None,
        }
    }
}

/// Under a lock: somebody else may have looked it up while it was waited for.
fn read_or(
    read: impl FnOnce() -> Option<Remembered>,
    new: impl FnOnce() -> Result<(Remembered, bool)>,
    write: impl FnOnce(&Remembered),
) -> Result<(Remembered, bool)> {
    if let Some(remembered) = read() {
        return Ok((remembered, true));
    }
    let (found, remembered) = new()?;
    write(&found);
    Ok((found, remembered))
}

fn read(cache: &Cache, key: &str) -> Option<Remembered> {
    let stored = cache.read(key).ok()??;
    let remembered: Remembered = serde_json::from_slice(&stored.content).ok()?;
    remembered.is_fresh(clock::now()).then_some(remembered)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

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

    #[test]
    fn what_was_looked_up_is_believed_for_its_time_whatever_the_clock_says() {
        let (memory, start) = (InMemory::default(), clock::moment());
        let installed = Known::Installed(Installation { id: 7, account: None });
        for (known, seconds, believed) in [
            (&installed, 86_399, true),
            (&installed, 86_400, false),
            (&Known::Absent, 59, true),
            (&Known::Absent, 60, false),
        ] {
            memory.remember("key", Remembered { known: known.clone(), since: start.wall }, start.steady);
            let later = start.steady + Duration::from_secs(seconds);
            let found = memory.recall("key", Moment { wall: start.wall, steady: later });
            assert_eq!(found.is_some(), believed, "{known:?} after {seconds} s");
        }
    }

    #[test]
    fn of_many_threads_one_looks_up_and_a_failure_is_not_remembered() {
        let store = Arc::new(InMemory::default());
        let memory = || Memory {
            kept: KeptIn::InProcess(Arc::clone(&store)),
            deadline: Deadline::after(Duration::from_mins(1)),
        };
        assert!(memory().recall("key", || anyhow::bail!("GitHub is away")).is_err());
        let waiting = || locked(&store.turns).get("key").map_or(0, Arc::strong_count);
        let look_ups = AtomicUsize::new(0);
        let look_up = || {
            look_ups.fetch_add(1, Ordering::SeqCst);
            // In the map, here, and seven that wait.
            while waiting() < 9 {
                std::thread::yield_now();
            }
            Ok(Known::Absent)
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let started =
                    std::thread::Builder::new().spawn_scoped(scope, || memory().recall("key", look_up));
                started.expect("a thread");
            }
        });
        assert_eq!((look_ups.into_inner(), locked(&store.turns).len()), (1, 0));
    }
}
