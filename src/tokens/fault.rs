//! A bug in this program, a panic: it ends the command, or in `serve` the one request, with a line that says where it
//! was. The panic's own message is left out: it may quote data, such as a token.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use anyhow::Result;

use crate::tokens::error::{self, Failure, Kind};

thread_local! {
    /// A caller up the stack reports a panic as a failure.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    /// Where this thread's last panic was.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on a panic that no caller reports prints one line of ours.
pub fn watch(say: fn(&str)) {
    panic::set_hook(Box::new(move |info: &PanicHookInfo| {
        let place = info.location().map(ToString::to_string);
        if GUARDED.get() {
            PLACE.set(place);
        } else {
            say(&error::render(&failure(place).into()));
        }
    }));
}

/// Runs a closure and turns a panic in it into a failure.
///
/// # Errors
/// Its own, or the panic.
pub fn guarded<T>(act: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = GUARDED.replace(true);
    // No half-done state is used again: shared state is kept consistent by its locks.
    let outcome = panic::catch_unwind(AssertUnwindSafe(act));
    GUARDED.set(before);
    outcome.unwrap_or_else(|_| Err(failure(PLACE.take()).into()))
}

fn failure(place: Option<String>) -> Failure {
    let place = place.map(|place| format!(" at {}", error::escape(&place))).unwrap_or_default();
    Failure::new(Kind::Other, format!("internal error{place}")).hint(concat!(
        "this is a fault of git-credential-github-app ",
        env!("CARGO_PKG_VERSION"),
        " itself: please report this line, and what was run"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_that_tells_nothing_of_what_was_being_done() {
        let secret = "ghs_0123456789";
        let error = guarded(|| -> Result<()> { panic!("{secret}") }).unwrap_err();
        let failure = Failure::of(&error);
        assert_eq!(failure.kind, Kind::Other);
        let text = error::render(&error);
        assert!(text.starts_with("git-credential-github-app: internal error"), "{text}");
        assert!(!text.contains(secret) && failure.hints.len() == 1, "{text}");
        assert_eq!(guarded(|| Ok(1)).unwrap(), 1);
    }
}
