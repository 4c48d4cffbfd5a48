//! Servers that are not there, hang up, drip, lie about lengths or send something else. Each costs one clear message
//! within `--timeout`, leaves nothing in the cache, and is forgotten once the server is well.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::ends_well;
use crate::common::{REQUEST, broker_sandbox, fresh_tokens, from_now, message, password};
use crate::support::at_once::at_once;
use crate::support::broker::broker_token;
use crate::support::gzip::{gzip, gzip_bomb};
use crate::support::needs::GZIP;
use crate::support::process::Output;
use crate::support::raw_server::{RawServer, Step, send};
use crate::support::sandbox::Sandbox;

/// Short, as what is tried again is tried until then.
const TIMEOUT: Duration = Duration::from_millis(700);
/// What a slow machine may add.
const SLACK: Duration = Duration::from_secs(8);
/// Too slow for any answer within the time.
const PAUSE: Duration = Duration::from_millis(40);

/// A good answer's body, with a token that must not get anywhere where the answer as a whole is bad.
fn body() -> String {
    format!("{{\"expires_at\":\"{}\",\"token\":\"{}\"}}", from_now(3600), broker_token())
}

/// A response with these headers before the body.
fn response(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}\r\n{body}")
}

fn good() -> String {
    let body = body();
    response(&format!("Content-Length: {}\r\n", body.len()), &body)
}

fn encoded(encoding: &str, body: Vec<u8>) -> Vec<Step> {
    let headers = format!("Content-Encoding: {encoding}\r\nContent-Length: {}\r\n", body.len());
    vec![Step::Read, send(&response(&headers, "")), Step::Send(body)]
}

/// What a server does, the exit code, and a part of the message.
type Case = (&'static str, Vec<Step>, i32, &'static str);

const REACH: &str = "cannot reach the broker at http://127.0.0.1:";
const NO_HTTP: &str = "does not speak HTTP as expected";
const NO_TOKEN: &str = "the answer is not the JSON object with a token";
const TOO_LARGE: &str = "the answer of the broker is larger than 4 MiB";

/// The connection ends too early, by FIN and by RST.
fn cuts() -> Vec<Case> {
    let good = good();
    let half_head = &good[..30];
    let half_body = &good[..good.len() - 20];
    let chunk = response("Transfer-Encoding: chunked\r\n", "2\r\n{\"\r\n");
    vec![
        ("reset at once", vec![Step::Reset], 5, REACH),
        ("reset after the request", vec![Step::Read, Step::Reset], 5, REACH),
        ("reset in the head", vec![Step::Read, send(half_head), Step::Reset], 5, REACH),
        ("reset in the body", vec![Step::Read, send(half_body), Step::Reset], 5, REACH),
        ("closed at once", vec![], 5, REACH),
        ("closed after the request", vec![Step::Read], 5, REACH),
        ("closed in the head", vec![Step::Read, send(half_head)], 5, REACH),
        ("closed in the body", vec![Step::Read, send(half_body)], 5, REACH),
        ("closed between chunks", vec![Step::Read, send(&chunk)], 5, REACH),
    ]
}

/// The answer does not come, or not in time.
fn delays() -> Vec<Case> {
    let good = good();
    let head = response(&format!("Content-Length: {}\r\n", good.len()), "");
    let drip = |text: &str| Step::Drip(text.as_bytes().to_vec(), PAUSE);
    vec![
        ("hangs at once", vec![Step::Hang], 5, REACH),
        ("hangs after the request", vec![Step::Read, Step::Hang], 5, REACH),
        ("hangs in the body", vec![Step::Read, send(&head), Step::Hang], 5, REACH),
        ("drips the head", vec![Step::Read, drip(&good)], 5, REACH),
        ("drips the body", vec![Step::Read, send(&head), drip(&good)], 5, REACH),
        (
            "an endless run of 100 Continue",
            vec![Step::Read, drip(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(99))],
            5,
            REACH,
        ),
    ]
}

/// The answer comes and is not right.
fn nonsense() -> Vec<Case> {
    let body = body();
    let all = |headers: &str, body: &str| vec![Step::Read, send(&response(headers, body))];
    let length = |length: usize, body: &str| all(&format!("Content-Length: {length}\r\n"), body);
    let html = "<!doctype html><title>Sign in to the guest network</title>";
    vec![
        ("too short a length", length(body.len() - 20, &body), 1, NO_TOKEN),
        ("no body", length(0, ""), 1, NO_TOKEN),
        ("a length that is no number", all("Content-Length: many\r\n", &body), 1, NO_HTTP),
        ("a negative length", all("Content-Length: -1\r\n", &body), 1, NO_HTTP),
        ("two lengths", all("Content-Length: 7\r\nContent-Length: 9\r\n", &body), 1, NO_HTTP),
        (
            "a chunk size that is no number",
            all("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"),
            1,
            NO_HTTP,
        ),
        ("HTML", length(html.len(), html), 1, NO_TOKEN),
        ("another protocol", vec![send("SSH-2.0-OpenSSH_9.9\r\n"), Step::Read], 1, NO_HTTP),
        ("a status that is none", vec![Step::Read, send("HTTP/1.1 abc OK\r\n\r\n")], 1, NO_HTTP),
        ("a good answer in gzip", encoded("gzip", gzip(body.as_bytes())), 1, NO_TOKEN),
        ("a bomb in gzip", encoded("gzip", gzip_bomb()), 1, NO_TOKEN),
    ]
}

/// The answer does not end.
fn floods() -> Vec<Case> {
    let zeros = vec![b'0'; 64 << 10];
    let chunk = [b"10000\r\n".to_vec(), zeros.clone(), b"\r\n".to_vec()].concat();
    let begin = |headers: &str| send(&response(headers, ""));
    vec![
        (
            "five megabytes",
            vec![Step::Read, begin("Content-Length: 5242880\r\n"), Step::Flood(zeros.clone())],
            1,
            TOO_LARGE,
        ),
        ("no length and no end", vec![Step::Read, begin(""), Step::Flood(zeros.clone())], 1, TOO_LARGE),
        (
            "chunks without end",
            vec![Step::Read, begin("Transfer-Encoding: chunked\r\n"), Step::Flood(chunk)],
            1,
            TOO_LARGE,
        ),
        (
            "one endless header",
            vec![Step::Read, send("HTTP/1.1 200 OK\r\nX: "), Step::Flood(zeros)],
            1,
            NO_HTTP,
        ),
        (
            "headers without end",
            vec![Step::Read, send("HTTP/1.1 200 OK\r\n"), Step::Flood(b"X: 1\r\n".repeat(1000))],
            1,
            NO_HTTP,
        ),
    ]
}

pub fn sandbox_at(url: &str) -> Sandbox {
    let sandbox = broker_sandbox(url, "bearer");
    sandbox.set_env("GITHUB_APP_CACHE_DIR", sandbox.path().join("cache"));
    sandbox.set_env("GITHUB_APP_TIMEOUT", format!("{}ms", TIMEOUT.as_millis()));
    sandbox
}

/// One message with a cause and a hint, in time, the same by `token` and `get`, and nothing in the cache.
fn fails(sandbox: &Sandbox, name: &str, code: i32, text: &str) {
    let timed = |args: &[&str]| -> Output {
        let started = Instant::now();
        let output = sandbox.helper(args).stdin(REQUEST).run();
        let spent = started.elapsed();
        assert!(spent < TIMEOUT + SLACK, "{name}: {spent:?}");
        ends_well(&output, name);
        assert!(message(&output).contains(text), "{name}: {}", output.stderr);
        assert!(
            output.stderr.lines().skip(1).all(|line| line.starts_with("hint: ")),
            "{name}: {}",
            output.stderr
        );
        assert!(output.stderr.lines().count() > 1, "{name} without a hint: {}", output.stderr);
        output
    };
    assert_eq!(timed(&["token"]).status, code, "{name}");
    assert_eq!(timed(&["get"]).stdout, "quit=1\n", "{name}");
    let cached = std::fs::read_dir(sandbox.path().join("cache")).into_iter().flatten();
    let tokens: Vec<PathBuf> = cached
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            std::fs::read(path).is_ok_and(|content| content.windows(4).any(|window| window == b"ghs_"))
        })
        .collect();
    assert!(tokens.is_empty(), "{name}: {tokens:?}");
}

fn check((name, steps, code, text): Case) {
    let server = RawServer::start(steps);
    let sandbox = sandbox_at(&format!("http://{}", server.authority()));
    fails(&sandbox, name, code, text);
    if code == 1 {
        assert_eq!(server.connections(), 2, "{name}: asked once by each of two commands");
    }
    server.mend(&good());
    // Not the short time: this one shall work on a busy machine too.
    let output = sandbox.helper(&["--timeout=20s", "get"]).stdin(REQUEST).run();
    assert_eq!(output.stderr, "", "{name}: mended");
    let token = password(&output);
    let asked = server.connections();
    assert_eq!(password(&sandbox.helper(&["get"]).stdin(REQUEST).run()), token, "{name}: cached");
    assert_eq!(server.connections(), asked, "{name}: cached");
}

#[test]
fn connections_that_are_cut_at_any_stage_are_temporary_failures() {
    at_once(cuts(), check);
}

#[test]
fn servers_that_hang_or_drip_cost_no_more_than_the_timeout() {
    at_once(delays(), check);
}

#[test]
fn invalid_answers_are_reported_at_once_and_never_cached() {
    at_once(nonsense(), check);
}

#[test]
fn answers_without_end_are_cut_at_four_megabytes() {
    at_once(floods(), check);
}

#[test]
fn no_compressed_answer_is_asked_for() {
    let broker = fresh_tokens();
    password(&sandbox_at(&broker.url()).helper(&["--timeout=20s", "get"]).stdin(REQUEST).run());
    let encoding = broker.requests()[0].header("accept-encoding").map(str::to_owned);
    assert!(encoding.is_none_or(|encoding| encoding == "identity"));
}

#[test]
fn an_absent_server_is_a_temporary_failure_until_it_answers() {
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    let free = format!("http://{}", free.expect("a free port on loopback"));
    // Name, URL, and a part of the message.
    let cases = [
        ("refused", free.as_str(), "refused"),
        ("no such host", "https://broker.invalid", "cannot reach the broker at https://broker.invalid: "),
    ];
    at_once(cases, |(name, url, text)| {
        let sandbox = sandbox_at(url);
        fails(&sandbox, name, 5, text);
        let broker = fresh_tokens();
        sandbox.set_env("GITHUB_APP_BROKER_URL", broker.url());
        let output = sandbox.helper(&["--timeout=20s", "get"]).stdin(REQUEST).run();
        assert_eq!(output.stderr, "", "{name}: mended");
        password(&output);
    });
}

#[test]
fn the_bomb_would_go_off() {
    if !GZIP.is_met() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("bomb", gzip_bomb());
    // Its end is missing, which gzip complains about after a hundred megabytes and more.
    let inflate = "gzip -dc <bomb 2>/dev/null | head -c 100000000 | wc -c";
    assert_eq!(sandbox.command("sh", &["-c", inflate]).run().stdout.trim(), "100000000");
}
