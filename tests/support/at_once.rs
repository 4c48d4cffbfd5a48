//! Cases of one test side by side.

use std::panic::resume_unwind;
use std::thread;

/// Checks all cases at the same time, each in a thread of its own. For cases that wait more than they work and share
/// nothing: together they take as long as the longest. The first one that fails fails the test.
pub fn at_once<T: Send>(cases: impl IntoIterator<Item = T>, check: impl Fn(T) + Sync) {
    let check = &check;
    thread::scope(|scope| {
        let threads: Vec<_> = cases.into_iter().map(|case| scope.spawn(move || check(case))).collect();
        for thread in threads {
            if let Err(panic) = thread.join() {
                resume_unwind(panic);
            }
        }
    });
}
