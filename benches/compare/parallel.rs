//! Many helpers at once: with nothing in the cache they share one call of the broker, and with it they share the cores.

use std::process::Child;
use std::time::{Duration, Instant};

use crate::rounds::{Contender, median};
use crate::support::broker::{FakeBroker, broker_token, token_response};
use crate::support::sandbox::Sandbox;
use crate::support::tokens::rfc3339;

const ROUNDS: usize = 9;
/// How long GitHub takes to mint, about.
const MINTING: Duration = Duration::from_millis(150);

pub fn table() -> String {
    let expiry = rfc3339(jiff::Timestamp::now().as_second() + 3600);
    let broker = FakeBroker::guarded("bearer", move |_| {
        std::thread::sleep(MINTING);
        token_response(&broker_token(), &expiry)
    });
    let sandbox = Sandbox::new();
    sandbox.set_env("GITHUB_APP_BROKER_URL", broker.url());
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN", "bearer");
    let request = sandbox.write_private("get", "protocol=https\nhost=github.com\n\n");
    let get = Contender::new("", sandbox.binary(), &["get"], &request);
    let cache = sandbox.home().join(".cache");
    let empty = || drop(std::fs::remove_dir_all(&cache));
    let cold = |count| {
        median_of(|| {
            empty();
            at_once(&sandbox, &get, count, count)
        })
    };
    let (one_cold, hundred_cold) = (cold(1), cold(100));
    let warm = |count, width| median_of(|| at_once(&sandbox, &get, count, width));
    let (hundred_warm, single, cores) = (
        warm(100, 100),
        warm(1000, 1),
        warm(1000, std::thread::available_parallelism().map_or(1, std::num::NonZero::get)),
    );
    format!(
        "| what | ms |\n|---|---|\n| 1 cold `get` | {one_cold:.0} |\n| 100 warm `get`s at once | {hundred_warm:.0} |\n\
         | 100 cold `get`s at once | {hundred_cold:.0} |\n| 1,000 warm `get`s one after another | {single:.0} |\n\
         | 1,000 warm `get`s, one on each core | {cores:.0} |\n\n\
         100 cold at once: {:.2} times one cold and 100 warm ones. A core each: {:.2} times as fast as one after another.\n",
        hundred_cold / (one_cold + hundred_warm),
        single / cores,
    )
}

fn median_of(mut measure: impl FnMut() -> Duration) -> f64 {
    median((0..ROUNDS).map(|_| measure()).collect())
}

/// Runs this many, and at most `width` of them at the same time.
fn at_once(sandbox: &Sandbox, get: &Contender, count: usize, width: usize) -> Duration {
    let started = Instant::now();
    std::thread::scope(|scope| {
        // Threads that start processes share a lock, so one thread starts them all.
        let (threads, each, crowd) =
            if width == count { (1, count, true) } else { (width, count / width, false) };
        for _ in 0..threads {
            scope.spawn(move || {
                let start = || get.command(sandbox).spawn().expect("the helper");
                let end = |mut child: Child| assert!(child.wait().expect("the helper").success());
                if crowd {
                    let children: Vec<Child> = (0..each).map(|_| start()).collect();
                    children.into_iter().for_each(end);
                } else {
                    (0..each).for_each(|_| end(start()));
                }
            });
        }
    });
    started.elapsed()
}
