//! Looked-up installations in a long-running process.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::platform::clock::{self, Deadline, Moment};
use crate::tokens::cache::looked_up::Remembered;
use crate::tokens::cache::store::{Store, Turn};

/// A limit on memory: beyond it everything is forgotten and looked up again.
const MOST: usize = 10_000;

/// Shared by threads.
#[derive(Default)]
pub struct InMemory {
    /// With the time when each was looked up, by the monotonic clock.
    known: Mutex<HashMap<String, (Remembered, Instant)>>,
    /// What is being looked up.
    turns: Mutex<HashMap<String, Queue>>,
    /// A turn has ended.
    ended: Condvar,
}

/// Those who want to look the same up.
#[derive(Default)]
struct Queue {
    held: bool,
    waiting: usize,
}

/// A turn of one thread.
struct ThreadTurn<'a> {
    store: &'a InMemory,
    key: &'a str,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere has been reported; what is in here is whole in any case.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl InMemory {
    fn known_at(&self, key: &str, now: Moment) -> Option<Remembered> {
        let known = locked(&self.known);
        let (found, at) = known.get(key)?;
        let age = i64::try_from(now.steady.saturating_duration_since(*at).as_secs()).unwrap_or(i64::MAX);
        (age < found.limit() && found.is_fresh(now.wall)).then(|| found.clone())
    }

    fn remember(&self, key: &str, found: Remembered, now: Instant) {
        let mut known = locked(&self.known);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key.to_owned(), (found, now));
    }
}

impl Store for InMemory {
    fn read(&self, key: &str) -> Option<Remembered> {
        self.known_at(key, clock::moment())
    }

    fn turn<'a>(&'a self, key: &'a str, deadline: Deadline) -> Option<Box<dyn Turn + 'a>> {
        let mut turns = locked(&self.turns);
        loop {
            let queue = turns.entry(key.to_owned()).or_default();
            if !queue.held {
                queue.held = true;
                return Some(Box::new(ThreadTurn { store: self, key }));
            }
            if deadline.left().is_zero() {
                return None;
            }
            queue.waiting += 1;
            turns = match self.ended.wait_timeout(turns, deadline.left()) {
                Ok((turns, _)) => turns,
                Err(poisoned) => poisoned.into_inner().0,
            };
            turns.entry(key.to_owned()).or_default().waiting -= 1;
        }
    }

    fn forget(&self, key: &str, _deadline: Deadline) {
        locked(&self.known).remove(key);
    }
}

impl Turn for ThreadTurn<'_> {
    fn keep(&self, found: &Remembered) {
        self.store.remember(self.key, found.clone(), clock::instant());
    }
}

impl Drop for ThreadTurn<'_> {
    fn drop(&mut self) {
        let mut turns = locked(&self.store.turns);
        if let Some(queue) = turns.get_mut(self.key) {
            queue.held = false;
            if queue.waiting == 0 {
                turns.remove(self.key);
            }
        }
        drop(turns);
        self.store.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::tokens::cache::looked_up::{Installation, Known};
    use crate::tokens::cache::store::recall;

    fn long() -> Deadline {
        Deadline::after(Duration::from_mins(1))
    }

    #[test]
    fn what_was_looked_up_counts_for_its_time_whatever_the_clock_says() {
        let (store, start) = (InMemory::default(), clock::moment());
        let installed = Known::Installed(Installation { id: 7, account: None });
        for (known, seconds, counts) in [
            (&installed, 86_399, true),
            (&installed, 86_400, false),
            (&Known::Absent, 59, true),
            (&Known::Absent, 60, false),
        ] {
            store.remember("key", Remembered { known: known.clone(), since: start.wall }, start.steady);
            let steady = start.steady + Duration::from_secs(seconds);
            let found = store.known_at("key", Moment { wall: start.wall, steady });
            assert_eq!(found.is_some(), counts, "{known:?} after {seconds} s");
        }
    }

    #[test]
    fn of_many_threads_one_looks_up_and_a_failure_is_not_remembered() {
        let store = InMemory::default();
        assert!(recall(&store, "key", long(), || anyhow::bail!("GitHub is unreachable")).is_err());
        let waiting = || locked(&store.turns).get("key").map_or(0, |queue| queue.waiting);
        let look_ups = AtomicUsize::new(0);
        let look_up = || {
            look_ups.fetch_add(1, Ordering::SeqCst);
            while waiting() < 7 {
                std::thread::yield_now();
            }
            Ok(Known::Absent)
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let recall = || recall(&store, "key", long(), look_up).map(drop);
                std::thread::Builder::new().spawn_scoped(scope, recall).expect("a thread");
            }
        });
        assert_eq!((look_ups.load(Ordering::SeqCst), locked(&store.turns).len()), (1, 0));
    }

    #[test]
    fn a_wait_past_the_deadline_gets_no_turn_and_other_keys_do_not_wait() {
        let store = InMemory::default();
        let held = store.turn("key", long());
        assert!(store.turn("key", Deadline::after(Duration::from_millis(1))).is_none());
        assert!(store.turn("another", long()).is_some());
        drop(held);
        assert!(store.turn("key", long()).is_some());
        assert!(locked(&store.turns).is_empty());
    }
}
