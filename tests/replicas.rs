//! Three brokers that share nothing behind a load balancer, and 200 workspaces that prove themselves by OIDC tokens, while
//! brokers are killed, the issuer changes its key and GitHub's API is away: no git command may fail. Takes some four minutes
//! (`REPLICAS_SECONDS`); `.ci/long` runs it with the release build.
#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::app_sandbox;
use crate::support::git::Git;
use crate::support::github::LoopbackGitHub;
use crate::support::http_server::{Response, lock};
use crate::support::issuer::{LoopbackIssuer, SigningIssuerKey};
use crate::support::needs::{HAPROXY, say};
use crate::support::process::Running;
use crate::support::sandbox::Sandbox;

const WORKSPACES: usize = 200;
const REPLICAS: usize = 3;
/// So many git commands at the same time are what two processors do without each taking minutes.
const AT_ONCE: usize = 12;
/// How long a broker works before one of the three is killed.
const BETWEEN_KILLS: Duration = Duration::from_secs(6);

const RULES: &str = r#"
[[rule]]
issuer = "ci"
match = { team = "agents" }
workspace = "${job}"
name = "agents/${job}"
owner = "octo-org"
repository = ["hello"]
permission = ["contents=write"]
"#;

/// What the test is at.
struct Play {
    over: AtomicBool,
    /// Of each workspace.
    commands: Vec<AtomicUsize>,
    running: Mutex<usize>,
    change: Condvar,
}

impl Play {
    /// Takes one of the places for commands.
    fn turn<T>(&self, number: usize, act: impl FnOnce() -> T) -> T {
        let mut running =
            self.change.wait_while(lock(&self.running), |running| *running >= AT_ONCE).expect("no panic");
        *running += 1;
        drop(running);
        let outcome = act();
        *lock(&self.running) -= 1;
        self.change.notify_one();
        self.commands[number].fetch_add(1, Ordering::Relaxed);
        outcome
    }

    fn counts(&self) -> Vec<usize> {
        self.commands.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    fn commands(&self) -> usize {
        self.counts().iter().sum()
    }

    /// Waits until each workspace has run some commands, and so has asked a broker since this was called.
    fn wait_for_all(&self) {
        let before = self.counts();
        let is_done = |(now, before): (&usize, &usize)| now >= &(before + 3);
        while !self.over.load(Ordering::Relaxed) && !self.counts().iter().zip(&before).all(is_done) {
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A broker, and all that its predecessors on the same port have logged.
struct Replica {
    port: u16,
    running: Running,
    kills: usize,
}

/// Where a broker logs, and all its predecessors on the same port.
fn log_file(sandbox: &Sandbox, port: u16) -> PathBuf {
    sandbox.path().join(format!("log-{port}"))
}

fn start(sandbox: &Sandbox, port: u16, life: Duration) -> Running {
    let listen = format!("127.0.0.1:{port}");
    let args = ["serve", "--listen", &listen, "--trust-file", "trust.toml", "--log", "json"];
    let log = fs::File::options().create(true).append(true).open(log_file(sandbox, port)).expect("a log");
    let running = sandbox.helper(&args).limit(life).stderr_to(log).spawn();
    wait_until_it_listens(port);
    running
}

fn wait_until_it_listens(port: u16) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nobody listens on port {port}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// haproxy, as one would put it before brokers: it asks them whether they are ready, and sends a request that nobody has
/// answered to the next.
fn balance(sandbox: &Sandbox, haproxy: &std::path::Path, ports: &[u16], life: Duration) -> (Running, u16) {
    let port = free_port();
    let mut servers = String::new();
    for (at, port) in ports.iter().enumerate() {
        let _ = writeln!(servers, "  server r{at} 127.0.0.1:{port} check");
    }
    let text = format!(
        "global\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 60s\n  timeout server 60s\n\
         \x20 retries 3\n  option redispatch 1\n  retry-on conn-failure empty-response response-timeout\n\
         frontend f\n  bind 127.0.0.1:{port}\n  default_backend b\n\
         backend b\n  balance roundrobin\n  option httpchk GET /readyz\n  default-server inter 200ms fall 1 rise 1\n{servers}"
    );
    sandbox.write("haproxy.cfg", text);
    let running = sandbox.command(haproxy, &["-db", "-f", "haproxy.cfg"]).limit(life).spawn();
    wait_until_it_listens(port);
    (running, port)
}

/// One workspace's life: clone, then commit and push to a branch of its own, again and again. Half of them keep nothing, so
/// that each of their commands asks a broker. Its token is another one each time, as kubelet has it.
fn work(play: &Play, github: &LoopbackGitHub, issuer: &LoopbackIssuer, number: usize, port: u16) {
    let (sandbox, git) = (Sandbox::new(), Git::default_git());
    let id = format!("job-{number}");
    let bearer = || {
        let token = issuer.token(&id, &json!({ "team": "agents", "job": id }));
        sandbox.write_private("next", token);
        fs::rename(sandbox.path().join("next"), sandbox.path().join("token")).expect("a file of ours");
    };
    bearer();
    sandbox.set_env("GITHUB_APP_HOST", github.url());
    let route = format!("http://127.0.0.1:{port}/workspaces/{id}/github-installation-token");
    sandbox.set_env("GITHUB_APP_BROKER_URL", route);
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN_FILE", sandbox.path().join("token"));
    let extra: &[&str] = if number.is_multiple_of(2) { &["--no-cache"] } else { &[] };
    sandbox.configure_helper(&github.url(), extra);
    let url = github.clone_url("octo-org", "hello");
    let run = |cwd: &PathBuf, args: &[&str]| {
        let output = play.turn(number, || git.command(&sandbox, cwd, args));
        if output.status != 0 {
            // The others need not go on.
            play.over.store(true, Ordering::Relaxed);
        }
        output.success();
    };
    let home = sandbox.path().to_owned();
    run(&home, &["clone", "-q", &url, "work"]);
    let branch = format!("HEAD:refs/heads/{id}");
    let work = sandbox.path().join("work");
    let mut round = 0;
    while !play.over.load(Ordering::Relaxed) {
        round += 1;
        bearer();
        fs::write(work.join("file"), round.to_string()).expect("a work tree of ours");
        git.command(&sandbox, &work, &["add", "file"]).success();
        git.command(&sandbox, &work, &["commit", "-q", "-m", "next"]).success();
        run(&work, &["push", "-q", "origin", &branch]);
        run(&work, &["fetch", "-q"]);
    }
}

/// Kills one after the other for so long, and starts each again.
fn kill_in_turn(play: &Play, replicas: &mut [Replica], sandbox: &Sandbox, time: Duration, life: Duration) {
    let end = Instant::now() + time;
    let mut next = 0;
    while Instant::now() < end && !play.over.load(Ordering::Relaxed) {
        std::thread::park_timeout(BETWEEN_KILLS);
        let replica = &mut replicas[next % REPLICAS];
        replica.running.signal(Signal::KILL);
        replica.running = start_when_free(sandbox, replica.port, life);
        replica.kills += 1;
        next += 1;
    }
}

/// The killed one may have its port for a moment.
fn start_when_free(sandbox: &Sandbox, port: u16, life: Duration) -> Running {
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpListener::bind(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "port {port} is not free");
        std::thread::yield_now();
    }
    start(sandbox, port, life)
}

fn memory(process: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.unwrap_or("unknown").trim().to_owned()
}

fn report(replica: Replica, number: usize, sandbox: &Sandbox) {
    let peak = memory(replica.running.id());
    replica.running.signal(Signal::TERM);
    replica.running.wait();
    let logs = fs::read_to_string(log_file(sandbox, replica.port)).expect("a log");
    let lines = logs.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let requests: Vec<(u64, f64)> =
        lines.filter_map(|line| Some((line["status"].as_u64()?, line["duration_ms"].as_f64()?))).collect();
    let mut times: Vec<f64> =
        requests.iter().filter(|(status, _)| *status == 200).map(|(_, took)| *took).collect();
    times.sort_by(f64::total_cmp);
    let percentile = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    let refused = requests.len() - times.len();
    say(&format!(
        "replica {number}: killed {} times, {} requests ({refused} not 200), p50 {:.2} ms, p99 {:.1} ms, {peak}",
        replica.kills,
        requests.len(),
        percentile(50),
        percentile(99)
    ));
    assert!(!logs.contains("panicked"), "{logs}");
}

#[test]
#[ignore = "takes four minutes and both processors: .ci/long runs it"]
fn no_git_command_fails_while_brokers_die_keys_change_and_github_is_away() {
    let Some(haproxy) = HAPROXY.find() else { return };
    let given = std::env::var("REPLICAS_SECONDS").ok();
    let all = given.map_or(240, |text| text.parse::<u64>().expect("a number of seconds"));
    let (quarter, life) = (Duration::from_secs(all / 4), Duration::from_secs(all + 300));
    let (github, sandbox) = app_sandbox();
    let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("first"));
    sandbox.write_private("trust.toml", format!("{}{RULES}", issuer.table("ci")));
    let mut replicas: Vec<Replica> = (0..REPLICAS)
        .map(|_| {
            let port = free_port();
            Replica { port, running: start(&sandbox, port, life), kills: 0 }
        })
        .collect();
    let ports: Vec<u16> = replicas.iter().map(|replica| replica.port).collect();
    let (_balancer, port) = balance(&sandbox, &haproxy, &ports, life);
    let play = Play {
        over: AtomicBool::new(false),
        commands: (0..WORKSPACES).map(|_| AtomicUsize::new(0)).collect(),
        running: Mutex::default(),
        change: Condvar::new(),
    };
    std::thread::scope(|scope| {
        for number in 0..WORKSPACES {
            let (play, github, issuer) = (&play, &github, &issuer);
            scope.spawn(move || work(play, github, issuer, number, port));
        }
        kill_in_turn(&play, &mut replicas, &sandbox, quarter, life);
        issuer.rotate_gently(SigningIssuerKey::rsa("second"));
        play.wait_for_all();
        let commands = play.commands();
        // What is in memory serves while GitHub mints nothing.
        let away = || Response::json(503, json!({ "message": "away" }));
        github.script_mint((0..100_000).map(|_| away()).collect());
        std::thread::park_timeout(quarter * 2);
        github.clear_scripted_mints();
        let without_github = play.commands() - commands;
        issuer.rotate_gently(SigningIssuerKey::p256("third"));
        kill_in_turn(&play, &mut replicas, &sandbox, quarter, life);
        play.over.store(true, Ordering::Relaxed);
        say(&format!("{without_github} git commands while GitHub was away for {} s", quarter.as_secs() * 2));
        assert!(without_github > 0);
    });
    say(&format!(
        "{} git commands of {WORKSPACES} workspaces, none failed; {} mints",
        play.commands(),
        github.mints()
    ));
    for (number, replica) in replicas.into_iter().enumerate() {
        report(replica, number, &sandbox);
    }
}
