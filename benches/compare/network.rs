//! A `get` with an empty cache over a line with a round trip of 50 ms: how many round trips it makes, and how much time
//! it takes besides them.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::rounds::median;
use crate::support::github::{CLIENT_ID, LoopbackGitHub, Options};
use crate::support::keys::app_key_pem;
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;

const ROUND_TRIP: Duration = Duration::from_millis(50);
const ROUNDS: usize = 15;

pub fn table() -> String {
    let ca = TestCa::new();
    let github = LoopbackGitHub::start_tls(&ca, Options::default());
    github.add_installation(7, "octo-org");
    github.create_repository("octo-org", "hello");
    github.commit_file("octo-org", "hello", "README.md", b"hello\n");
    let slow = slow_line(github.server().port());
    let fast = github.server().port();
    let mut table = "| a new token by the App key | round trips at least | over the slow line, ms | \
        without the line, ms | beside the round trips, ms |\n|---|---|---|---|---|\n"
        .to_owned();
    // TCP, TLS 1.3, and one for each call: the server is one host here, as an Enterprise Server is.
    for (name, args, trips) in [
        ("`installation_id` set, not tried", &["--installation-id=7", "--no-verify"][..], 3),
        ("`installation_id` set", &["--installation-id=7"], 4),
        ("owner's installation not known", &[], 5),
    ] {
        let [slow, fast] =
            [slow, fast].map(|port| median((0..ROUNDS).map(|_| cold(&ca, port, args)).collect()));
        let line = ROUND_TRIP.as_secs_f64() * 1e3 * f64::from(trips);
        let _ = writeln!(table, "| {name} | {trips} | {slow:.1} | {fast:.1} | {:.1} |", slow - line);
    }
    table
}

/// One `get` with an empty cache.
fn cold(ca: &TestCa, port: u16, args: &[&str]) -> Duration {
    let sandbox = Sandbox::new();
    sandbox.set_env("GITHUB_APP_HOST", format!("127.0.0.1:{port}"));
    sandbox.set_env("GITHUB_APP_CLIENT_ID", CLIENT_ID);
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", sandbox.write_private("app.pem", app_key_pem()));
    sandbox.set_env("SSL_CERT_FILE", ca.ca_pem_path(sandbox.path()));
    let request = format!("protocol=https\nhost=127.0.0.1:{port}\npath=octo-org/hello\n\n");
    let run = sandbox.helper(&[args, &["get"]].concat()).stdin(request);
    let started = Instant::now();
    let output = run.run();
    let took = started.elapsed();
    output.success();
    assert!(output.stdout.contains("password="), "a token");
    took
}

/// A port that leads to another one with half of the round trip each way.
fn slow_line(to: u16) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(("127.0.0.1", to)).expect("the server");
            let (client_too, server_too) =
                (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
            // What TCP's own handshake takes, which loopback does at once: nothing arrives before.
            let opened = Instant::now() + ROUND_TRIP;
            delay(client, server, opened);
            delay(server_too, client_too, opened);
        }
    });
    port
}

/// Forwards what arrives, half a round trip later, in order.
fn delay(mut from: TcpStream, mut to: TcpStream, opened: Instant) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut buffer = [0; 16 << 10];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let due = Instant::now().max(opened) + ROUND_TRIP / 2;
            if sender.send((due, buffer[..read].to_vec())).is_err() {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        let _ = to.set_nodelay(true);
        for (due, bytes) in receiver {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
