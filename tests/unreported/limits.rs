//! Clocks that jump, file systems that refuse, and what a cached `get` does on the disk.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use super::{PATH, token_of};
use crate::common::{
    REQUEST, app_sandbox, broker_sandbox, cache_entries, from_now, get, let_pass, now, password, request_for,
    trials,
};
use crate::support::broker::{FakeBroker, broker_token, token_response};
use crate::support::strace::{Tracer, can_watch};
use crate::support::wrong_clock::{library, off_by};

#[test]
fn a_clock_that_was_set_back_does_not_cause_many_trials() {
    let Some(library) = library() else { return };
    let (github, sandbox) = app_sandbox();
    let at = |seconds| {
        let run = sandbox.helper(&["get"]).stdin(request_for(&github, PATH));
        password(&off_by(run, &library, seconds).run())
    };
    let token = at(0);
    for seconds in [1200, 1201] {
        assert_eq!(at(seconds), token);
    }
    assert_eq!(trials(github.server()), 2, "of the mint, and a while after it");
    // Twenty minutes back: neither the mark nor the last trial has been yet.
    for seconds in [1, 2, 3] {
        assert_eq!(at(seconds), token);
    }
    assert_eq!(trials(github.server()), 2);
    for seconds in [9, 10, 11, 60] {
        assert_eq!(at(seconds), token);
    }
    assert_eq!(trials(github.server()), 3, "one for the wait that has begun again");
}

#[test]
fn without_a_lock_or_a_mark_the_token_is_handed_out_untried() {
    let (github, sandbox) = app_sandbox();
    let token = token_of(&sandbox, &github);
    for entry in cache_entries(&sandbox) {
        let file = fs::File::options().write(true).open(entry).expect("a file of ours");
        // As the file system itself marks a file.
        let natural = UNIX_EPOCH + Duration::new(u64::try_from(now() - 100).expect("a time"), 5);
        file.set_modified(natural).expect("a file of ours");
    }
    assert_eq!(token_of(&sandbox, &github), token);
    assert_eq!(trials(github.server()), 1, "that of the mint");
    let_pass(&sandbox, 100);
    for entry in cache_entries(&sandbox) {
        let lock = entry.with_extension("lock");
        fs::remove_file(&lock).expect("a lock");
        fs::create_dir(&lock).expect("a directory of ours");
    }
    let output = get(&sandbox, &github, PATH);
    assert_eq!((password(&output), output.stderr.as_str()), (token, ""));
    assert_eq!(trials(github.server()), 1);
}

#[test]
fn a_cached_get_opens_only_its_entry_and_sets_at_most_its_mark() {
    let broker = FakeBroker::guarded("bearer", move |_| token_response(&broker_token(), &from_now(3600)));
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    if !can_watch(&sandbox) {
        return;
    }
    let token = password(&sandbox.helper(&["get"]).stdin(REQUEST).run());
    let stored = format!("{REQUEST}username=x-access-token\npassword={token}\n");
    sandbox.helper(&["store"]).stdin(&stored).run().expect(0, "", "");
    let entry = cache_entries(&sandbox).pop().expect("an entry");
    let dir = entry.parent().expect("a directory").to_owned();
    let tracer = Tracer::new(
        &sandbox,
        vec![dir, entry.clone(), entry.with_extension("lock"), entry.with_extension("new")],
    );
    // The first one that no client has reported on is marked, later ones are not; git's never.
    let git = format!("capability[]=state\n{REQUEST}");
    for (stdin, marks) in [(git.as_str(), 0), (REQUEST, 1), (REQUEST, 0), (&git, 0)] {
        let (calls, output) = tracer.count(&["get"], stdin);
        assert_eq!(password(&output), token);
        let count = |name: &str| calls.get(name).copied().unwrap_or_default();
        assert_eq!((count("openat") + count("open"), count("utimensat")), (1, marks), "{calls:?}");
        assert_eq!(count("flock") + count("write") + count("rename") + count("unlink"), 0, "{calls:?}");
    }
}
