//! Locks between processes, with a time limit. A lock is the open file's: it is released when that is dropped, and when
//! the process dies. The system waits without a limit or not at all, so a waiting process polls.

use std::fs::{File, TryLockError};
use std::io;
use std::time::Duration;

use crate::platform::clock::Deadline;

/// How often a waiting process checks whether a lock is free.
const LOOK: Duration = Duration::from_millis(20);

/// Takes a file's lock; false if another process holds it.
pub fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Tries until it has the lock; `None` if the deadline comes first.
pub fn wait_for<T, E>(
    deadline: Deadline,
    mut attempt: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    loop {
        match attempt()? {
            None if look_again(deadline) => {}
            outcome => return Ok(outcome),
        }
    }
}

/// Waits until the next check, for callers that check more than the lock; false immediately if the deadline comes first.
pub fn look_again(deadline: Deadline) -> bool {
    deadline.wait(LOOK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_waited_for_until_the_deadline_and_tried_once_in_any_case() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (ours, theirs) = (file.reopen().unwrap(), file.reopen().unwrap());
        let attempt = || Ok::<_, io::Error>(try_lock(&ours)?.then_some(()));
        assert!(try_lock(&theirs).unwrap());
        assert_eq!(wait_for(Deadline::after(2 * LOOK), attempt).unwrap(), None);
        let mut looks = 0;
        let freed = wait_for(Deadline::after(Duration::from_mins(1)), || {
            looks += 1;
            if looks == 3 {
                theirs.unlock()?;
            }
            attempt()
        });
        assert_eq!((freed.unwrap(), looks), (Some(()), 3));
        assert_eq!(wait_for(Deadline::after(Duration::ZERO), attempt).unwrap(), Some(()), "it is ours");
    }
}
