//! Certificates for another server, expired or from an unknown CA, and connections that are not TLS.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::ends_well;
use crate::common::{broker_sandbox, from_now, message};
use crate::support::at_once::at_once;
use crate::support::broker::{FakeBroker, broker_token, token_response};
use crate::support::raw_server::{RawServer, Step, send};
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;

/// Names and days of a good certificate.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];
const DAYS: Range<i64> = -2..30;

fn sandbox_at(url: &str, ca: &TestCa) -> Sandbox {
    let sandbox = broker_sandbox(url, "bearer");
    sandbox.set_env("GITHUB_APP_CACHE_DIR", sandbox.path().join("cache"));
    sandbox.set_env("SSL_CERT_FILE", ca.ca_pem_path(sandbox.path()));
    sandbox
}

fn start(ca: &TestCa) -> FakeBroker {
    let expiry = from_now(3600);
    FakeBroker::start_tls(ca, move |_| token_response(&broker_token(), &expiry))
}

#[test]
fn a_certificate_that_does_not_fit_is_named_as_the_cause_once_and_its_hint_fits_the_cause() {
    let good = TestCa::issuing(&NAMES, DAYS);
    // The server's CA, and whether it is the trusted one; parts of the message and of the hint.
    for (name, ca, trusted, cause, hint) in [
        (
            "another name",
            TestCa::issuing(&["other.example"], DAYS),
            true,
            "not valid for name",
            "hint: check the host in the URL",
        ),
        ("expired", TestCa::issuing(&NAMES, -30..-2), true, "expired", "hint: check this machine's clock"),
        (
            "not yet valid",
            TestCa::issuing(&NAMES, 2..30),
            true,
            "not valid yet",
            "hint: check this machine's clock",
        ),
        ("unknown CA", TestCa::issuing(&NAMES, DAYS), false, "invalid peer certificate", "--ca-file"),
    ] {
        let broker = start(&ca);
        let sandbox = sandbox_at(&broker.url(), if trusted { &ca } else { &good });
        let started = Instant::now();
        let output = sandbox.helper(&["token"]).run();
        assert!(started.elapsed() < Duration::from_secs(10), "{name}: not tried again and again");
        ends_well(&output, name);
        output.fails_with(5);
        assert!(message(&output).contains("certificate"), "{name}: {}", output.stderr);
        assert!(message(&output).contains(cause), "{name}: {}", output.stderr);
        assert!(output.stderr.contains(hint), "{name}: {}", output.stderr);
        assert_eq!(output.stderr.lines().count(), 2, "{name}: {}", output.stderr);
        assert_eq!(
            (broker.requests().len(), broker.server().connections()),
            (0, 1),
            "{name}: no bearer was sent"
        );

        let mended = start(&good);
        sandbox.set_env("GITHUB_APP_BROKER_URL", mended.url());
        sandbox.set_env("SSL_CERT_FILE", good.ca_pem_path(sandbox.path()));
        sandbox.helper(&["token"]).run().success();
    }
}

#[test]
fn a_handshake_that_is_cut_hangs_or_meets_no_tls_costs_no_more_than_the_timeout() {
    let ca = TestCa::new();
    let cases = [
        ("plain HTTP", vec![send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")]),
        ("closed at once", vec![]),
        ("reset at once", vec![Step::Reset]),
        ("half a record", vec![send("\x16\x03\x03\x02\x00half")]),
        ("an alert", vec![Step::Send(vec![0x15, 3, 3, 0, 2, 2, 40])]),
        ("a hang", vec![Step::Hang]),
    ];
    at_once(cases, |(name, steps)| {
        let server = RawServer::start(steps);
        let sandbox = sandbox_at(&format!("https://{}", server.authority()), &ca);
        let started = Instant::now();
        let output = sandbox.helper(&["--timeout=1s", "token"]).run();
        assert!(started.elapsed() < Duration::from_secs(8), "{name}: {:?}", started.elapsed());
        ends_well(&output, name);
        output.fails_with(5);
        assert!(
            message(&output).contains("cannot reach the broker at https://127.0.0.1:"),
            "{}",
            output.stderr
        );
        assert!(output.stderr.contains("\nhint: "), "{name}: {}", output.stderr);
    });
}

#[test]
fn plain_http_to_a_tls_server_is_distinguished_from_an_absent_server() {
    let ca = TestCa::new();
    let broker = start(&ca);
    let sandbox = sandbox_at(&format!("http://127.0.0.1:{}", broker.server().port()), &ca);
    let output = sandbox.helper(&["--timeout=1s", "token"]).run();
    ends_well(&output, "plain HTTP to TLS");
    assert!(matches!(output.status, 1 | 5), "{}", output.stderr);
    assert!(output.stderr.contains("\nhint: "), "{}", output.stderr);
}
