//! Caches looked-up installations: on disk for the helper, whose processes share it, and in memory for the broker. In
//! both cases one caller does a look-up while others wait for it, and one policy says how long it is valid.

use anyhow::Result;

use crate::platform::clock::{self, Deadline};
use crate::tokens::cache::looked_up::{Known, Remembered};

pub mod in_memory;
pub mod on_disk;

/// Keeps what was looked up.
pub trait Store: Send + Sync {
    /// The value under a key, while it is valid.
    fn read(&self, key: &str) -> Option<Remembered>;

    /// The turn to do a look-up: only one user of the store has it for a key. `None`: it is not available, or not before
    /// the deadline. Then nothing can be stored either, which costs one more look-up the next time.
    fn turn<'a>(&'a self, key: &'a str, deadline: Deadline) -> Option<Box<dyn Turn + 'a>>;

    /// Forgets what was looked up.
    fn forget(&self, key: &str, deadline: Deadline);
}

/// Ends when it is dropped.
pub trait Turn {
    /// Keeps what was found for those who wait.
    fn keep(&self, found: &Remembered);
}

/// The cached value of a key, or the result of a look-up, which is then cached; and whether it was cached before.
///
/// # Errors
/// Those of the look-up; they are not remembered.
pub fn recall(
    store: &dyn Store,
    key: &str,
    deadline: Deadline,
    look_up: impl FnOnce() -> Result<Known>,
) -> Result<(Remembered, bool)> {
    if let Some(found) = store.read(key) {
        return Ok((found, true));
    }
    let turn = store.turn(key, deadline);
    // Another caller may have looked it up while we waited for the turn.
    if let Some(found) = turn.as_ref().and_then(|_| store.read(key)) {
        return Ok((found, true));
    }
    let found = Remembered { known: look_up()?, since: clock::now() };
    if let Some(turn) = turn {
        turn.keep(&found);
    }
    Ok((found, false))
}
