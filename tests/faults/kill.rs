//! kill -9 at random points of a cold `get`, and before each system call on the cache.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::disk::watched;
use super::{Site, long, say};
use crate::common::{REQUEST, SHORT_LIFE, from_now};
use crate::support::broker::{FakeBroker, broker_token, token_response};
use crate::support::strace::{Tracer, can_watch};

/// After a kill: a half-written file is private, and the next write takes it away.
fn check(site: &Site, what: &str) {
    for file in site.temporary_files() {
        let mode = fs::metadata(&file).expect("a file of ours").mode() & 0o777;
        assert_eq!(mode, 0o600, "{what}: {}", file.display());
    }
    site.no_secret_is_astray(what);
    site.everything_works(what);
}

#[test]
fn a_get_that_is_killed_at_any_moment_leaves_nothing_in_the_way_and_no_secret() {
    let runs = if long() { 500 } else { 40 };
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let expiry = from_now(SHORT_LIFE);
    let site = Site::with(FakeBroker::guarded("bearer", move |_| {
        // Some of the moments shall fall into the wait for an answer.
        token_response(&broker_token(), &expiry).after(Duration::from_millis(2))
    }));
    site.make_cold();
    let mut cold = [(); 5].map(|()| {
        site.make_cold();
        let started = Instant::now();
        site.get();
        started.elapsed()
    });
    cold.sort();
    let whole = cold[2];
    let (mut killed, mut tries) = (0, 0);
    while killed < runs {
        tries += 1;
        assert!(tries <= runs * 10, "seed {seed}: {killed} of {tries} were killed before their end");
        site.make_cold();
        let mut running = site.sandbox.helper(&["get"]).stdin(REQUEST).spawn();
        let moment = Instant::now() + whole.mul_f64(random.f64());
        while Instant::now() < moment && !running.has_ended() {
            std::thread::yield_now();
        }
        if !running.has_ended() {
            running.signal(Signal::KILL);
        }
        if running.wait().status == 137 {
            killed += 1;
            check(&site, &format!("seed {seed}, try {tries}"));
        }
    }
    say(&format!("{killed} of {tries} runs killed, over {whole:?}"));
}

#[test]
fn a_command_that_is_killed_before_any_system_call_on_the_cache_leaves_nothing_in_the_way() {
    let site = Site::new();
    if !can_watch(&site.sandbox) {
        return;
    }
    let tracer = Tracer::new(&site.sandbox, watched(&site));
    let mut half_written = 0;
    for args in [&["get"][..], &["--margin=55m", "get"], &["refresh", "--min-life=2h"]] {
        let prepare = || {
            if args == ["get"] {
                site.make_cold();
            }
        };
        prepare();
        let (calls, _) = tracer.count(args, REQUEST);
        for (call, count) in calls {
            for nth in 1..=count {
                prepare();
                let what = format!("{args:?} killed before {call} {nth} of {count}");
                let injection = format!("{call}:signal=KILL:when={nth}");
                let output = tracer.helper(Some(&injection), args).stdin(REQUEST).run();
                assert_eq!((output.status, output.stdout.as_str()), (137, ""), "{what}");
                half_written += site.temporary_files().len();
                check(&site, &what);
            }
        }
    }
    assert!(half_written > 0, "one of them dies between open and rename");
}

#[test]
fn temporary_files_of_killed_processes_are_removed_by_the_next_write_and_others_stay() {
    let site = Site::new();
    let (dead, living) = (site.cache().join("dead.new"), site.cache().join("living.new"));
    let probe = site.cache().join("probe-4000000");
    for file in [&dead, &living, &probe] {
        fs::copy(site.file("json"), file).expect("a file of ours");
    }
    let lock = fs::File::create(site.cache().join("living.lock")).expect("a new file");
    lock.lock().expect("the lock is free");
    site.sandbox.helper(&["--margin=55m", "get"]).stdin(REQUEST).run().success();
    let left: Vec<PathBuf> = site.temporary_files();
    assert_eq!(left, [living], "{left:?}: the one whose lock is held is being written");
    drop(lock);
    site.sandbox.helper(&["--margin=55m", "get"]).stdin(REQUEST).run().success();
    site.everything_works("after left-overs");
}
