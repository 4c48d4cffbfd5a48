//! The broker under everything at once, while one tenant behaves well: that one must not notice. Takes as many seconds as
//! `SOAK_SECONDS` says, or ten minutes; `.ci/long` runs it with the release build. All of it is on loopback, bounded in
//! number and time, and stops by itself.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::serve::{ADMIN, line, port};
use crate::support::github::CLIENT_ID;
use crate::support::http_client::{connect, get, read};
use crate::support::keys::app_key_pem;
use crate::support::needs::say;
use crate::support::process::Running;
use crate::support::sandbox::Sandbox;

mod attackers;
mod github;

use attackers::{Play, ask};
use github::{LIMITED, SlowGitHub};

const CALM: &str = "the-calm-tenant-of-the-soak";
/// Idle connections, where the system allows as many open files to the test itself: more than there are places.
const IDLE: usize = 18_000;

/// How long things took, in the order in which they happened.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn percentile(&mut self, percent: usize) -> Duration {
        self.0.sort_unstable();
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)]
    }

    fn in_words(&mut self) -> String {
        let [middle, most, worst] = [50, 99, 100].map(|percent| self.percentile(percent));
        format!("{} requests, median {middle:.1?}, p99 {most:.1?}, slowest {worst:.1?}", self.0.len())
    }
}

/// Raises the limit of open files, and says how many idle connections there can be.
fn idle_connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX).saturating_sub(1000);
    IDLE.min(usize::try_from(files).unwrap_or(IDLE))
}

fn seconds() -> Duration {
    let given = std::env::var("SOAK_SECONDS").ok();
    Duration::from_secs(given.map_or(600, |text| text.parse().expect("a number of seconds")))
}

/// Asks for a token that is in memory, over a connection that stays and over new ones.
fn well_known(play: &Play, port: u16) -> Times {
    let target = format!("{ADMIN}?owner=calm-org");
    let mut times = Times::default();
    let mut kept = BufReader::new(connect(port));
    while !play.tenant_over.load(Ordering::Relaxed) {
        let started = Instant::now();
        let answer = ask(1, port, &target, CALM);
        times.0.push(started.elapsed());
        assert_eq!(answer.status, 200, "{answer:?}");
        let started = Instant::now();
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {CALM}\r\n\r\n");
        kept.get_mut().write_all(request.as_bytes()).expect("a connection that is kept");
        let answer = read(&mut kept);
        times.0.push(started.elapsed());
        assert_eq!(answer.status, 200, "{answer:?}");
        std::thread::park_timeout(Duration::from_millis(400));
    }
    times
}

/// Asks for a token that has to be minted, every two seconds.
fn new_ones(play: &Play, port: u16) -> Times {
    let mut times = Times::default();
    for number in 0.. {
        if play.tenant_over.load(Ordering::Relaxed) {
            break;
        }
        let target = format!("{ADMIN}?owner=calm-org&repository=r{number}");
        let started = Instant::now();
        let answer = ask(1, port, &target, CALM);
        times.0.push(started.elapsed());
        assert_eq!(answer.status, 200, "{answer:?}");
        std::thread::park_timeout(Duration::from_secs(2));
    }
    times
}

/// A broker whose log is not read after its first line, and the reader.
fn start(sandbox: &Sandbox, github: &SlowGitHub, life: Duration) -> (Running, u16, impl Sized + use<>) {
    sandbox.set_env("GITHUB_APP_HOST", github.server.url());
    sandbox.set_env("GITHUB_APP_CLIENT_ID", CLIENT_ID);
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", sandbox.write_private("app.pem", app_key_pem()));
    let bearers = [("calm", CALM), ("greedy", "the-greedy-tenant"), ("limited", "the-limited-tenant")];
    let bearers: String = bearers.iter().map(|(name, bearer)| line(sandbox, name, bearer, "")).collect();
    sandbox.write_private("bearers", bearers);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let args = ["-v", "serve", "--listen", "127.0.0.1:0", "--bearer-file", "bearers"];
    let running = sandbox.helper(&args).stderr_to(writer).limit(life).spawn();
    let mut log = BufReader::new(reader);
    let mut first = String::new();
    while !first.contains("listening on ") {
        assert!(log.read_line(&mut first).expect("a log") > 0, "{first}");
    }
    (running, port(&first), log)
}

fn peak(id: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("a process of ours");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") / 1024
}

#[test]
#[ignore = "takes ten minutes: .ci/long runs it"]
fn one_tenant_behaves_well_and_does_not_notice_what_all_the_others_do() {
    let (idle, life) = (idle_connections(), seconds());
    let (github, sandbox) = (SlowGitHub::start(), Sandbox::new());
    let (running, port, log) = start(&sandbox, &github, life + Duration::from_mins(5));
    let play = Arc::new(Play::default());
    let (mut known, mut new, metrics, peak, stopped, status) = std::thread::scope(|scope| {
        let play = &play;
        scope.spawn(move || play.idle(idle, port));
        (30..46).for_each(|last| drop(scope.spawn(move || play.flood(last, port))));
        scope.spawn(move || play.never_read(50, port));
        (0..32).for_each(|number| drop(scope.spawn(move || play.greed(number, port))));
        (0..4).for_each(|_| drop(scope.spawn(move || play.limited(port))));
        // What is minted at first is not in memory.
        assert_eq!(ask(1, port, &format!("{ADMIN}?owner=calm-org"), CALM).status, 200);
        let known = scope.spawn(move || well_known(play, port));
        let new = scope.spawn(move || new_ones(play, port));
        let end = Instant::now() + life;
        while Instant::now() < end && !(known.is_finished() || new.is_finished()) {
            std::thread::park_timeout(Duration::from_millis(100));
        }
        play.tenant_over.store(true, Ordering::Relaxed);
        let ended = [known, new].map(std::thread::ScopedJoinHandle::join);
        let metrics = get(port, "/metrics", "", "").body;
        let (peak, started) = (peak(running.id()), Instant::now());
        // The others go on through the stop.
        running.signal(Signal::TERM);
        let status = running.wait().status;
        let stopped = started.elapsed();
        play.over.store(true, Ordering::Relaxed);
        let [known, new] = ended.map(|times| times.expect("every answer was good"));
        (known, new, metrics, peak, stopped, status)
    });
    let count = |counter: &std::sync::atomic::AtomicUsize| counter.load(Ordering::Relaxed);
    drop(log);
    say(&format!(
        "soak: {life:?}, {idle} idle connections ({} open at last, {} opened again)",
        count(&play.kept_open),
        count(&play.reopened)
    ));
    say(&format!("soak: a token in memory: {}", known.in_words()));
    say(&format!("soak: a new token: {}", new.in_words()));
    say(&format!("soak: {peak} MiB at most, stopped in {stopped:.1?} with {status}"));
    let (flooded, unread) = (count(&play.flooded), count(&play.unread));
    let (greedy, limited) = (count(&play.greedy), count(&play.limited));
    say(&format!(
        "soak: {flooded} requests of the flood, {greedy} of the greedy tenant, {limited} of the limited one, {unread} clients that did not read"
    ));
    for line in metrics.lines().filter(|line| !line.starts_with('#') && !line.contains("bucket")) {
        say(&format!("soak: {line}"));
    }
    assert!(known.percentile(99) < Duration::from_secs(1));
    assert!(new.percentile(99) < Duration::from_secs(5));
    assert!(peak < 256);
    assert!(status == 0 && stopped < Duration::from_secs(15));
    let limits = usize::try_from(life.as_secs() / LIMITED).expect("small") + 1;
    let met = github.limited.load(Ordering::SeqCst);
    assert!(met <= limits, "{met} mints have met GitHub's limit");
}
