//! Files that change under the helper's hands, locks whose holder hangs or died, and a clock that jumps.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use super::disk::watched;
use super::{Site, answers, ends_well};
use crate::common::{REQUEST, SHORT_LIFE, from_now, password};
use crate::support::broker::{FakeBroker, broker_token, token_response};
use crate::support::strace::{Tracer, can_watch};
use crate::support::wrong_clock::{library, off_by};

/// What is done between the opening of the new file and its renaming: (site, the new file, the entry, a victim).
type Swap = fn(&Site, &Path, &Path, &Path);

const SWAPS: [(&str, Swap); 7] = [
    ("the new file vanishes", |_, new, _, _| fs::remove_file(new).expect("a file of ours")),
    ("the new file becomes a link", |_, new, _, victim| {
        fs::remove_file(new).expect("a file of ours");
        symlink(victim, new).expect("a new link");
    }),
    ("the entry becomes a link", |_, _, entry, victim| {
        fs::remove_file(entry).expect("a file of ours");
        symlink(victim, entry).expect("a new link");
    }),
    ("the entry becomes a directory", |_, _, entry, _| {
        fs::remove_file(entry).expect("a file of ours");
        fs::create_dir(entry).expect("a new directory");
    }),
    ("the entry vanishes", |_, _, entry, _| fs::remove_file(entry).expect("a file of ours")),
    ("the lock vanishes", |site, _, _, _| fs::remove_file(site.file("lock")).expect("a file of ours")),
    ("the directory vanishes", |site, _, _, _| site.make_cold()),
];

#[test]
fn files_that_are_replaced_between_open_and_rename_cost_a_warning_at_most() {
    for (name, swap) in SWAPS {
        let site = Site::new();
        if !can_watch(&site.sandbox) {
            return;
        }
        let victim = site.sandbox.write_private("victim", "untouched");
        let (new, entry) = (site.file("new"), site.file("json"));
        // Stopped once the new file is written: the next call is the rename.
        let tracer = Tracer::new(&site.sandbox, watched(&site));
        let stop = tracer.helper(Some("write:signal=STOP:when=1"), &["--margin=55m", "get"]);
        let mut running = stop.stdin(REQUEST).spawn();
        let stopped = loop {
            if let Some(stopped) = tracer.stopped() {
                break stopped;
            }
            assert!(!running.has_ended(), "{name}: it has to write");
            std::thread::yield_now();
        };
        assert!(fs::metadata(&new).is_ok_and(|new| new.len() > 0), "{name}");
        swap(&site, &new, &entry, &victim);
        kill_process(stopped, Signal::CONT).expect("a stopped program");
        let output = running.wait();
        answers(&output, name);
        assert_eq!(fs::read_to_string(&victim).expect("the victim"), "untouched", "{name}");
        site.no_secret_is_astray(name);
        answers(&site.get(), name);
        if entry.is_dir() {
            fs::remove_dir(&entry).expect("an empty directory");
        }
        // A link in place of the entry is told of once, and is gone with the next write.
        site.everything_works(name);
    }
}

/// A broker that holds its second answer back until the test ends.
fn hanging_second() -> FakeBroker {
    let (calls, expiry) = (std::sync::atomic::AtomicUsize::new(0), from_now(SHORT_LIFE));
    FakeBroker::start(move |_| {
        let nth = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let answer = token_response(&broker_token(), &expiry);
        if nth == 1 { answer.after(Duration::from_mins(1)) } else { answer }
    })
}

#[test]
fn waiting_for_a_lock_ends_at_the_timeout_and_a_killed_holder_releases_it() {
    let site = Site::with(hanging_second());
    let token = password(&site.get());
    let mut holder = site.sandbox.helper(&["--timeout=50s", "--margin=55m", "get"]).stdin(REQUEST).spawn();
    while site.broker.requests().len() < 2 {
        assert!(!holder.has_ended(), "it has to hang at the fetch");
        std::thread::yield_now();
    }
    holder.signal(Signal::STOP);
    let approved = format!("{REQUEST}username=x-access-token\npassword={token}\n");
    // Arguments, input, and the status while another process holds the lock and does not run.
    for (args, stdin, status) in [
        (&["get"][..], REQUEST, 0),
        (&["--margin=55m", "get"], REQUEST, 0),
        (&["status"], "", 0),
        (&["refresh", "--min-life=2h"], "", 0),
        (&["store"], &approved, 0),
        (&["erase"], &approved, 0),
        (&["revoke", "--local"], "", 5),
    ] {
        let started = Instant::now();
        let output = site.sandbox.helper(&[&["--timeout=250ms"], args].concat()).stdin(stdin).run();
        ends_well(&output, &format!("{args:?}"));
        assert_eq!(output.status, status, "{args:?}: {}", output.stderr);
        assert!(started.elapsed() < Duration::from_secs(5), "{args:?} took {:?}", started.elapsed());
    }
    holder.signal(Signal::KILL);
    holder.wait();
    site.everything_works("after a dead holder");
}

#[test]
fn a_clock_that_jumps_neither_keeps_an_expired_token_nor_blocks_a_new_one() {
    let Some(library) = library() else { return };
    // Where the clock stood when the token came, where it stands now, and whether the token may still be used.
    for (then, now, usable) in [
        (0, 60, true),
        (0, 7200, false),
        (0, 90_000_000, false),
        (0, -7200, false),
        (0, -90_000_000, false),
        (7200, 0, false),
        (-7200, 0, false),
        (90_000_000, 0, false),
    ] {
        let what = format!("{then} s, then {now} s");
        let site = Site::new();
        site.make_cold();
        let get = |offset| {
            let run = site.sandbox.helper(&["get"]).stdin(REQUEST);
            let output = off_by(run, &library, offset).run();
            answers(&output, &what);
            assert_eq!(output.stderr, "", "{what}");
            password(&output)
        };
        let first = get(then);
        let second = get(now);
        assert_eq!(first == second, usable, "{what}");
        assert_eq!(get(now), second, "{what}: cached again");
        site.make_cold();
        site.everything_works(&what);
    }
}

#[test]
fn pauses_and_remembered_refusals_do_not_outlast_a_clock_that_jumps() {
    let Some(library) = library() else { return };
    for offset in [-90_000_000, 90_000_000] {
        let (calls, expiry) = (std::sync::atomic::AtomicUsize::new(0), from_now(SHORT_LIFE));
        let site = Site::with(FakeBroker::start(move |_| {
            match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                1 => crate::support::broker::error_response(403, "no"),
                _ => token_response(&broker_token(), &expiry),
            }
        }));
        let run = site.sandbox.helper(&["--margin=55m", "get"]).stdin(REQUEST);
        let refused = off_by(run, &library, offset).run();
        assert_eq!(refused.stdout, "quit=1\n", "{offset}");
        let files: Vec<PathBuf> = site.temporary_files();
        assert!(files.is_empty(), "{files:?}");
        answers(&site.get(), "the clock is right again");
        site.everything_works("after a refusal in another time");
    }
}
