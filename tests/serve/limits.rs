//! What the broker survives: a log that nobody reads, floods, clients that want everything, and a system that has nothing
//! more to give. Smaller limits than the contract's are in the unit tests of `src/broker`.

use std::fs;
use std::io::{BufRead as _, BufReader, PipeReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::{ADMIN, Server, line, port};
use crate::common::{app_sandbox, message};
use crate::support::http_client::{connect, connect_from, get, read};
use crate::support::http_server::Response;
use crate::support::process::Running;
use crate::support::sandbox::Sandbox;
use crate::support::strace::available;

/// A request with an unknown bearer and a long path.
fn nowhere() -> String {
    format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(300))
}

/// The most memory that a process has had, in KiB.
fn peak(id: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("a process of ours");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn metric(port: u16, name: &str) -> usize {
    let metrics = get(port, "/metrics", "", "").body;
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{name} in\n{metrics}")).parse().expect("a number")
}

/// A broker whose log is not read after its first line.
fn with_a_stalled_log(sandbox: &Sandbox, args: &[&str]) -> (Running, u16, BufReader<PipeReader>) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let listen = ["serve", "--listen", "127.0.0.1:0", "--bearer-file", "bearers"];
    let running = sandbox.helper(&[&listen, args].concat()).stderr_to(writer).spawn();
    let mut log = BufReader::new(reader);
    let mut first = String::new();
    while !first.contains("listening on ") {
        assert!(log.read_line(&mut first).expect("a log") > 0, "{first}");
    }
    let port = port(&first);
    (running, port, log)
}

/// More lines than the log has room for.
fn flood(port: u16) {
    std::thread::scope(|scope| {
        for last in 2..62 {
            scope.spawn(move || {
                let mut stream = connect_from(last, port);
                stream.write_all(nowhere().repeat(599).as_bytes()).expect("a connection");
                let end = nowhere().replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
                stream.write_all(end.as_bytes()).expect("a connection");
                stream.read_to_end(&mut Vec::new()).expect("answers");
            });
        }
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_log_without_a_reader_does_not_grow_and_blocks_nothing() {
    for (args, catches_up) in [(&["-v"][..], true), (&["--log=json"], false)] {
        let (github, sandbox) = app_sandbox();
        sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
        sandbox.write_private("bearers", line(&sandbox, "admin", "the-bearer-of-the-tests", ""));
        let (running, port, mut log) = with_a_stalled_log(&sandbox, args);
        flood(port);
        let dropped = metric(port, "github_app_log_lines_dropped_total");
        assert!(dropped > 1000, "{dropped}");
        // Not even what is said under -v keeps a mint waiting.
        let answer = get(port, ADMIN, "the-bearer-of-the-tests", "");
        assert_eq!((answer.status, github.mints()), (200, 1), "{}", answer.body);
        let peak = peak(running.id());
        assert!(peak < 64 << 10, "{peak} KiB");
        let reading = catches_up.then(|| {
            std::thread::spawn(move || {
                let mut text = String::new();
                log.read_to_string(&mut text).expect("a log");
                text
            })
        });
        let started = Instant::now();
        running.signal(Signal::TERM);
        assert_eq!(running.wait().status, 0);
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
        if let Some(reading) = reading {
            let text = reading.join().expect("a log");
            let told = text.lines().find_map(|line| {
                line.strip_suffix(" lines were dropped here: the reader of this log is too slow")
            });
            let told = told.and_then(|line| line.split(' ').nth(1)).expect("it is told");
            assert!(told.parse::<usize>().expect("a number") >= dropped, "{told} of {dropped}");
            assert!(text.contains("Z minted a token for installation 7\n") && text.contains("Z stopped\n"));
        }
    }
}

#[test]
fn a_path_shows_256_bytes_at_most_and_a_method_fewer() {
    for form in ["plain", "json"] {
        let mut server = Server::start_with(&[("admin", "")], &["--log", form]);
        let (path, method) = (format!("/{}", "x".repeat(8000)), "M".repeat(2000));
        for request in [format!("GET {path}"), format!("{method} {ADMIN}")] {
            let mut stream = connect(server.port);
            write!(stream, "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                .expect("a connection");
            read(&mut BufReader::new(stream));
        }
        let log = server.running.wait_for_stderr("MMM");
        let path = format!("/{}...", "x".repeat(252));
        let method = format!("{}...", "M".repeat(29));
        let line = |mark: &str| log.lines().find(|line| line.contains(mark)).expect("a line").to_owned();
        if form == "json" {
            let json = |mark| serde_json::from_str::<Value>(&line(mark)).expect("JSON");
            assert_eq!((&json("xxx")["path"], &json("MMM")["method"]), (&path.into(), &method.into()));
        } else {
            assert!(line("xxx").contains(&format!(" - GET {path} [-] 404 ")), "{}", line("xxx"));
            assert!(line("MMM").contains(&format!(" - {method} {ADMIN} [-] 405 ")), "{}", line("MMM"));
        }
    }
}

#[test]
fn one_bearer_with_mints_that_hang_does_not_delay_anothers_first_token() {
    let server = Server::start_with(&[("greedy", ""), ("calm", "")], &["--no-verify", "--timeout=20s"]);
    for number in 0..9 {
        server.github.create_repository("octo-org", &format!("repository-{number}"));
    }
    server.github.script_mint(vec![Response::hang(); 2]);
    let port = server.port;
    for number in 0..8 {
        std::thread::spawn(move || {
            let target = format!("{ADMIN}?owner=octo-org&repository=repository-{number}");
            get(port, &target, "greedy", "")
        });
    }
    while metric(port, "github_app_mints_waiting") < 6 || server.github.mint_requests() < 2 {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let started = Instant::now();
    let target = format!("{ADMIN}?owner=octo-org&repository=repository-8");
    assert_eq!(get(port, &target, "calm", "").status, 200);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(server.github.mint_requests(), 3, "two at a time for each");
}

#[test]
fn a_hundred_requests_during_a_retry_after_of_githubs_are_one_mint() {
    let mut server = Server::start();
    server.github.add_installation(8, "other-org");
    let first = get(server.port, ADMIN, "admin", "");
    assert_eq!(first.status, 200);
    let body = serde_json::json!({ "message": "You have exceeded a secondary rate limit." });
    let limited = Response::json(403, body).with_header("Retry-After", "1000");
    server.github.script_mint(vec![limited; 200]);
    let target = |number| format!("{ADMIN}?repository=repository-{number}");
    for number in 0..100 {
        let answer = get(server.port, &target(number), "admin", "");
        assert_eq!((answer.status, answer.body.as_str()), (500, "{\"error\":\"token refresh failed\"}"));
        let seconds: i64 = answer.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
        assert!((900..=1000).contains(&seconds), "{seconds}");
    }
    assert_eq!(server.github.mint_requests(), 2, "the first token, and one that met the limit");
    for wish in ["", "Cache-Control: no-cache\r\n"] {
        assert_eq!(get(server.port, ADMIN, "admin", wish).body, first.body, "what is valid is handed out");
    }
    let log = server.running.wait_for_stderr("; nothing is minted for octo-org until ");
    assert_eq!(log.matches("no token for").count(), 1, "{log}");
    assert_eq!(metric(server.port, "github_app_installations_paused"), 1);
    // The helper knows how long to wait, and does not.
    let client = Sandbox::new();
    client.set_env("GITHUB_APP_BROKER_URL", format!("http://127.0.0.1:{}", server.port));
    client.set_env("GITHUB_APP_BROKER_TOKEN", "admin");
    let started = Instant::now();
    let output = client.helper(&["--permission=contents=read", "--owner=octo-org", "token"]).run();
    assert_eq!(output.fails_with(5).stdout, "");
    assert!(
        message(&output).contains("answered 500") && output.stderr.contains("hint: wait until "),
        "{}",
        output.stderr
    );
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_scope_of_500_repositories_that_fails_costs_a_short_line_for_each_mint() {
    let mut server = Server::start();
    let names: Vec<String> = (0..500).map(|number| format!("repository=r{number}")).collect();
    let target = format!("{ADMIN}?{}", names.join("&"));
    for _ in 0..3 {
        assert_eq!(get(server.port, &target, "admin", "").status, 500);
    }
    get(server.port, "/last", "", "");
    let log = server.running.wait_for_stderr("/last");
    assert_eq!(log.matches("no token for").count(), 1, "{log}");
    assert!(log.contains(" more] 500 ") && log.len() < 6000, "{} bytes:\n{log}", log.len());
}

/// A broker with this limit of open files, and how many connections that leaves room for.
fn with_files(files: usize) -> (crate::support::github::LoopbackGitHub, Sandbox, Running, u16) {
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    sandbox.write_private("bearers", line(&sandbox, "admin", "the-bearer-of-the-tests", ""));
    let script = format!("ulimit -n {files}; exec \"$0\" serve --listen 127.0.0.1:0 --bearer-file bearers");
    let helper = sandbox.binary().to_string_lossy().into_owned();
    let mut running = sandbox.command("sh", &["-c", &script, &helper]).spawn();
    let port = port(&running.wait_for_stderr("listening on "));
    (github, sandbox, running, port)
}

fn is_open(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    stream.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

/// Far above the limit: even when all places are taken, new clients are accepted and tokens are minted.
#[test]
#[cfg(target_os = "linux")]
fn connections_up_to_the_limit_and_beyond_cost_the_others_nothing() {
    let (github, _sandbox, running, port) = with_files(160);
    // 80 places, and so 20 for each address.
    let mut open: Vec<TcpStream> = Vec::new();
    for last in 2..8 {
        for _ in 0..30 {
            let mut stream = connect_from(last, port);
            drop(stream.write_all(b"G"));
            open.push(stream);
        }
    }
    let healthy = get(port, "/healthz", "", "");
    assert_eq!(healthy.status, 200);
    let answer = get(port, ADMIN, "the-bearer-of-the-tests", "");
    assert_eq!((answer.status, github.mints()), (200, 1), "there are files for that");
    assert!(metric(port, "github_app_connections") <= 80);
    let left = open.iter().filter(|stream| is_open(stream)).count();
    assert!((70..=80).contains(&left), "{left} of them are left");
    running.signal(Signal::TERM);
    assert_eq!(running.wait().status, 0);
}

#[test]
#[cfg(target_os = "linux")]
fn where_no_more_files_can_be_had_the_longest_idle_connection_makes_room() {
    let (_github, _sandbox, running, _port) = with_files(1000);
    let own = fs::read_dir(format!("/proc/{}/fd", running.id())).expect("a process of ours").count();
    drop(running);
    // Half of them would be places, but there are only twelve left when it has started.
    let (_github, _sandbox, mut running, port) = with_files(own + 12);
    let _open: Vec<TcpStream> = (2..42).map(|last| connect_from(last, port)).collect();
    for _ in 0..3 {
        assert_eq!(get(port, "/healthz", "", "").status, 200);
    }
    let log = running.wait_for_stderr("(os error 24); the longest idle one is closed\n");
    assert!(log.contains("cannot accept a connection: "), "{log}");
}

#[test]
#[cfg(target_os = "linux")]
fn where_no_thread_can_be_had_a_request_fails_at_most() {
    let (_github, sandbox) = app_sandbox();
    if !available(&sandbox) {
        return;
    }
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    sandbox.remove_env("GITHUB_APP_PRIVATE_KEY_FILE");
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY_COMMAND", "cat app.pem");
    sandbox.write_private("bearers", line(&sandbox, "admin", "the-bearer-of-the-tests", ""));
    let listen = ["serve", "--listen", "127.0.0.1:0", "--bearer-file", "bearers", "--timeout=2s"];
    let mut running = sandbox.helper(&listen).spawn();
    let port = port(&running.wait_for_stderr("listening on "));
    let id = running.id().to_string();
    // The key's command is started by vfork, which is not forbidden: to read what it prints takes threads.
    let inject = "inject=clone,clone3:error=EAGAIN:when=2+";
    let tracer = sandbox.command("strace", &["-f", "-qq", "-o", "trace", "-e", inject, "-p", &id]).spawn();
    let is_watched = || {
        let tasks = fs::read_dir(format!("/proc/{id}/task")).expect("a process of ours");
        let status = |task: fs::DirEntry| fs::read_to_string(task.path().join("status")).unwrap_or_default();
        tasks.flatten().all(|task| !status(task).contains("TracerPid:\t0\n"))
    };
    while !is_watched() {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    for _ in 0..3 {
        let status = get(port, ADMIN, "the-bearer-of-the-tests", "").status;
        assert!(matches!(status, 200 | 500), "{status}");
        assert_eq!(get(port, "/healthz", "", "").status, 200);
    }
    assert!(!running.has_ended());
    running.signal(Signal::TERM);
    assert_eq!(running.wait().status, 0);
    drop(tracer);
    let trace = fs::read_to_string(sandbox.path().join("trace")).expect("strace's log");
    assert!(trace.contains("INJECTED"), "{trace}");
}
