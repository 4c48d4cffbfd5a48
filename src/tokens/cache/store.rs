//! Where looked-up installations are kept: on disk for the helper, whose processes share it, and in memory for the broker.
//! Either way one of many who want the same looks it up while the others wait, and how long it counts is one policy.

use anyhow::Result;

use crate::platform::clock::{self, Deadline};
use crate::tokens::cache::looked_up::{Known, Remembered};

pub mod in_memory;
pub mod on_disk;

/// Keeps what was looked up.
pub trait Store: Send + Sync {
    /// What is kept under a key, as long as it counts.
    fn read(&self, key: &str) -> Option<Remembered>;

    /// The turn to look something up: nobody else who shares the store has it for this key. `None`: it cannot be had, or not
    /// before the deadline. Then nothing can be kept either, which costs one more look-up the next time.
    fn turn<'a>(&'a self, key: &'a str, deadline: Deadline) -> Option<Box<dyn Turn + 'a>>;

    /// Forgets what was looked up.
    fn forget(&self, key: &str, deadline: Deadline);
}

/// Ends when it is dropped.
pub trait Turn {
    /// Keeps what was found for those who wait.
    fn keep(&self, found: &Remembered);
}

/// What is remembered under a key, or else is looked up now and remembered; and whether it was remembered.
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
    // Somebody else may have looked it up while the turn was waited for.
    if let Some(found) = turn.as_ref().and_then(|_| store.read(key)) {
        return Ok((found, true));
    }
    let found = Remembered { known: look_up()?, since: clock::now() };
    if let Some(turn) = turn {
        turn.keep(&found);
    }
    Ok((found, false))
}
