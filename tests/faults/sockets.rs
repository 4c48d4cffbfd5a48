//! System calls on the way to a server that fail once, which another try fixes, or always, which the message tells.

use std::time::{Duration, Instant};

use super::ends_well;
use super::network::sandbox_at;
use crate::common::{fresh_tokens, message};
use crate::support::at_once::at_once;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;
use crate::support::strace::available;

/// Calls, the errors that they are given, and words of the message: numbers where each C library has its own words.
const CALLS: [(&str, &[(&str, &str)]); 6] = [
    ("socket", &[("EMFILE", "(os error 24)"), ("ENOBUFS", "buffer"), ("EACCES", "ermission denied")]),
    (
        "connect",
        &[
            ("ENETUNREACH", "(os error 101)"),
            ("EHOSTUNREACH", "(os error 113)"),
            ("ECONNREFUSED", "refused"),
            ("ETIMEDOUT", "timeout"),
            ("EADDRNOTAVAIL", "(os error 99)"),
        ],
    ),
    ("setsockopt", &[("EINVAL", "(os error 22)"), ("ENOMEM", "(os error 12)")]),
    ("sendto", &[("EPIPE", "roken pipe"), ("ECONNRESET", "reset")]),
    ("recvfrom", &[("ECONNRESET", "reset"), ("ETIMEDOUT", "timeout"), ("EIO", "(os error 5)")]),
    ("poll", &[("ENOMEM", "(os error 12)")]),
];

/// `token` without a cache under strace.
fn token(sandbox: &Sandbox, injection: &str, timeout: &str) -> Output {
    let helper = sandbox.binary().to_string_lossy().into_owned();
    let injection = format!("inject={injection}");
    let args = ["-f", "-qq", "-o", "/dev/null", "-e", &injection, &helper, "--no-cache", timeout, "token"];
    sandbox.command("strace", &args).run()
}

/// One call and one error: first once, then at every try.
fn check(call: &str, error: &str, words: &str) {
    let what = format!("{call} fails with {error}");
    let broker = fresh_tokens();
    let sandbox = sandbox_at(&broker.url());
    // The runtime asks poll about its first three files: that answer changes nothing here.
    let once = token(&sandbox, &format!("{call}:error={error}:when=1"), "--timeout=20s");
    assert_eq!((once.status, once.stderr.as_str()), (0, ""), "{what} once");
    if call == "poll" {
        return;
    }
    let started = Instant::now();
    let always = token(&sandbox, &format!("{call}:error={error}"), "--timeout=2s");
    assert!(started.elapsed() < Duration::from_secs(8), "{what}: {:?}", started.elapsed());
    ends_well(&always, &what);
    assert_eq!((always.status, always.stdout.as_str()), (5, ""), "{what}: {}", always.stderr);
    assert!(message(&always).contains("cannot reach the broker at http://127.0.0.1:"), "{}", always.stderr);
    assert!(message(&always).contains(words), "{what}: {}", always.stderr);
    assert!(always.stderr.contains("\nhint: "), "{what}: {}", always.stderr);
}

#[test]
fn a_socket_that_fails_once_is_retried_and_one_that_always_fails_is_reported() {
    if !available(&Sandbox::new()) {
        return;
    }
    let cases = CALLS.iter().flat_map(|(call, errors)| errors.iter().map(move |error| (call, error)));
    at_once(cases, |(call, (error, words))| check(call, error, words));
}

#[test]
fn a_pause_that_lasts_beyond_the_timeout_does_not_hide_why_there_was_one() {
    // No process listens on this port.
    let sandbox = sandbox_at("http://127.0.0.1:1");
    if !available(&sandbox) {
        return;
    }
    let late = token(&sandbox, "clock_nanosleep:delay_exit=1500000", "--timeout=1500ms");
    late.fails_with(5);
    assert!(message(&late).contains("cannot reach the broker at http://127.0.0.1:1"), "{}", late.stderr);
}

#[test]
fn a_process_that_may_start_no_thread_looks_names_up_or_says_why_not() {
    let broker = fresh_tokens();
    at_once(["127.0.0.1", "localhost"], |host| {
        let sandbox = sandbox_at(&broker.url().replace("127.0.0.1", host));
        if !available(&sandbox) {
            return;
        }
        for call in ["clone3", "clone"] {
            let output = token(&sandbox, &format!("{call}:error=EAGAIN"), "--timeout=2s");
            ends_well(&output, &format!("{host}, {call}"));
            assert!(matches!(output.status, 0 | 5), "{host}: {}", output.stderr);
        }
    });
}
