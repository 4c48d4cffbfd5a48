//! Connections and requests with small limits: a broker in this process, on loopback, with a GitHub that mints at once.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::*;
use crate::broker::bearer_file::BearerFile;
use crate::broker::pool::Minter;
use crate::broker::ready::Ready;
use crate::tokens::secret::Secret;
use crate::tokens::token::{Facts, Source, Token};

mod interleavings;

/// More than anything here takes.
const LONG: Duration = Duration::from_secs(20);
const TARGET: &str = "/admin/github-installation-token";

/// A running broker; it ends when dropped.
struct Running {
    broker: Arc<Server>,
    address: SocketAddr,
    log: Arc<std::sync::Mutex<String>>,
    stop: watch::Sender<bool>,
    runtime: tokio::runtime::Runtime,
    _bearers: tempfile::NamedTempFile,
}

fn ready() -> Ready {
    let facts = Facts::new(Source::App, Some(clock::now() + 3600));
    Ready::new(Token::fresh(Secret::new("ghs_x".to_owned()), facts, clock::moment()))
}

impl Running {
    /// With one bearer, `the-bearer-of-the-tests`.
    fn start(limits: Limits) -> Self {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{}", bearers::line("one", b"the-bearer-of-the-tests")).unwrap();
        let log = Arc::new(std::sync::Mutex::new(String::new()));
        let write = Arc::clone(&log);
        let writing = move |lines: &str| {
            write.lock().unwrap().push_str(lines);
            Ok(())
        };
        let (to_log, _) = Log::start_with(LogFormat::Plain, 1 << 20, writing).unwrap();
        let minter = Minter {
            mint: Box::new(|_| Ok(ready())),
            end: Box::new(|_| Ok(())),
            app: "app".to_owned(),
            one_installation: false,
        };
        let bearers = BearerFile::open(file.path(), to_log.clone(), false).unwrap();
        let identities = Identities { bearers: Some(bearers), trust: None };
        let broker =
            Arc::new(start::without_settings(identities, minter, Scope::default(), &limits, &to_log));
        let listener = Listener::open(&ListenAddress::Tcp("127.0.0.1:0".parse().unwrap())).unwrap();
        let Listener::Tcp(socket) = &listener else { panic!("it is TCP") };
        let address = socket.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let serving = Serving {
            tls: None,
            places: Arc::clone(&broker.places),
            files: Arc::new(Semaphore::new(broker.places.most())),
            router: handle::router(Arc::clone(&broker)),
            limits: Arc::new(limits),
            log: to_log,
            stop: stopped,
        };
        // One: connections are taken in the order in which they were made.
        start_workers(&serving, &listener, 1).unwrap();
        Self { broker, address, log, stop, runtime: runtime().unwrap(), _bearers: file }
    }

    /// A connection from 127.0.0.`last`.
    fn connect(&self, last: u8) -> BufReader<TcpStream> {
        let stream = self.runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
            socket.connect(self.address).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        BufReader::new(stream)
    }

    /// Waits until this number of clients is connected.
    fn wait_for(&self, connections: usize) {
        wait_until(|| self.broker.places.taken() == connections);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.broker.draining.store(true, Ordering::Relaxed);
        let _ = self.stop.send(true);
    }
}

/// Asks over a connection that stays, and returns the status; 0: it was closed.
fn ask(connection: &mut BufReader<TcpStream>, target: &str, bearer: &str) -> u16 {
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bearer}\r\n\r\n");
    if connection.get_mut().write_all(request.as_bytes()).is_err() {
        return 0;
    }
    let mut line = String::new();
    if !connection.read_line(&mut line).is_ok_and(|read| read > 0) {
        return 0;
    }
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        connection.read_line(&mut line).unwrap();
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
    }
    connection.read_exact(&mut vec![0; length]).unwrap();
    status
}

/// Waits until it is closed; false: there is something to read.
fn is_closed(connection: &mut BufReader<TcpStream>) -> bool {
    !connection.get_mut().read(&mut [0]).is_ok_and(|read| read > 0)
}

/// How many are not closed, of connections without an answer.
fn open(connections: &[BufReader<TcpStream>]) -> usize {
    let is_open = |connection: &&BufReader<TcpStream>| {
        let stream = connection.get_ref();
        stream.set_nonblocking(true).unwrap();
        stream.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    };
    connections.iter().filter(is_open).count()
}

pub fn wait_until(done: impl Fn() -> bool) {
    let end = clock::instant() + LONG;
    while !done() {
        assert!(clock::instant() < end, "it takes too long");
        std::thread::yield_now();
    }
}

#[test]
fn one_address_has_its_share_and_whoever_is_idle_longest_makes_room() {
    let running = Running::start(Limits { connections: 32, ..Limits::default() });
    // One byte each: that was enough to keep everybody out.
    let mut greedy: Vec<_> = (0..40).map(|_| running.connect(2)).collect();
    for connection in &mut greedy {
        drop(connection.get_mut().write_all(b"G"));
    }
    wait_until(|| open(&greedy) == 8);
    assert_eq!(open(&greedy[..32]), 0, "of the same address those that came first");
    let mut calm = running.connect(1);
    assert_eq!(ask(&mut calm, "/healthz", ""), 200);
    let more: Vec<_> = (3..6).flat_map(|last| [last; 8]).map(|last| running.connect(last)).collect();
    wait_until(|| open(&greedy) == 7);
    assert_eq!((open(&more), running.broker.places.taken()), (24, 32), "the longest idle of all made room");
    assert_eq!(ask(&mut calm, TARGET, "the-bearer-of-the-tests"), 200, "it was used later");
    let mut late = Vec::new();
    for left in (0..7).rev() {
        late.push(running.connect(6));
        assert_eq!(ask(&mut late[6 - left], "/healthz", ""), 200, "all are taken, but not for whoever comes");
        wait_until(|| open(&greedy) == left);
    }
    assert_eq!(running.broker.places.turned_away().1, 0);
}

#[test]
fn silence_and_a_head_in_drops_end_a_connection_in_time_and_an_answer_starts_it_anew() {
    let head = Duration::from_millis(400);
    let running = Running::start(Limits { head, ..Limits::default() });
    let started = clock::instant();
    let (mut silent, mut slow) = (running.connect(1), running.connect(1));
    let mut kept = running.connect(1);
    let mut dripping = slow.get_ref().try_clone().unwrap();
    // A byte now and then does not help.
    let drips = threads::start("drips", move || {
        for byte in
            b"GET /healthz HTTP/1.1\r\nHost: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".chunks(1)
        {
            let sent = dripping.write_all(byte);
            std::thread::park_timeout(Duration::from_millis(20));
            if sent.is_err() {
                return;
            }
        }
    })
    .unwrap();
    std::thread::park_timeout(head / 2);
    assert_eq!(ask(&mut kept, "/healthz", ""), 200);
    assert!(is_closed(&mut silent));
    drop(slow.read_to_end(&mut Vec::new()));
    let waited = started.elapsed();
    assert!((head..4 * head).contains(&waited), "{waited:?}");
    std::thread::park_timeout((head + head / 4).saturating_sub(started.elapsed()));
    assert_eq!(ask(&mut kept, "/healthz", ""), 200, "it has its own time since the last answer");
    assert!(is_closed(&mut kept), "which is over at some time");
    drips.join().unwrap();
}

#[test]
fn a_connection_ends_with_the_answer_to_a_large_head_and_keeps_no_buffer_for_it() {
    let running = Running::start(Limits::default());
    for (bytes, ends) in [(1500, false), (2100, true), (15_000, true)] {
        let mut connection = running.connect(1);
        let bearer = format!("the-bearer-of-the-tests\r\nX-Long: {}", "x".repeat(bytes));
        assert_eq!(ask(&mut connection, TARGET, &bearer), 200, "{bytes}");
        assert_eq!(ask(&mut connection, "/healthz", ""), if ends { 0 } else { 200 }, "{bytes}");
    }
}

#[test]
fn a_client_that_never_reads_its_answers_is_closed() {
    let running = Running::start(Limits { unread: Duration::from_millis(300), ..Limits::default() });
    let mut greedy = running.connect(1);
    greedy.get_mut().set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    let many = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2000);
    // Until neither side takes any more, and then until it is over.
    let started = clock::instant();
    loop {
        match greedy.get_mut().write_all(many.as_bytes()) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
            Ok(()) => {}
        }
        assert!(started.elapsed() < LONG, "it keeps its place");
    }
    running.wait_for(0);
    assert_eq!(ask(&mut running.connect(1), "/healthz", ""), 200);
}

#[test]
fn failed_authentications_are_limited_by_address_and_successful_ones_never() {
    let running = Running::start(Limits { failures: 5, ..Limits::default() });
    let (mut guessing, mut other) = (running.connect(2), running.connect(3));
    for _ in 0..3 {
        assert_eq!(ask(&mut guessing, TARGET, "a guess"), 401);
    }
    assert_eq!(ask(&mut guessing, "/nowhere", ""), 404);
    assert_eq!(ask(&mut running.connect(2), TARGET, ""), 401);
    for target in [TARGET, "/nowhere", TARGET] {
        assert_eq!(ask(&mut guessing, target, "a guess"), 429);
        assert_eq!(ask(&mut guessing, TARGET, "the-bearer-of-the-tests"), 200);
        assert_eq!(ask(&mut guessing, "/healthz", ""), 200);
    }
    assert_eq!(ask(&mut other, TARGET, "a guess"), 401, "another address");
    let metrics = running.broker.metrics.to_text(&running.broker.gauges());
    assert!(metrics.contains("github_app_failures_limited_total 3\n"), "{metrics}");
    wait_until(|| running.log.lock().unwrap().contains(" 127.0.0.3 - GET "));
    let log = running.log.lock().unwrap().clone();
    assert_eq!(log.matches(" 127.0.0.2 - GET ").count(), 5, "{log}");
    assert_eq!(log.matches(" 429 ").count(), 0, "{log}");
    assert_eq!(log.matches(" 127.0.0.2: too many requests without a valid bearer").count(), 1, "{log}");
}

#[test]
fn the_contracts_numbers_are_the_default() {
    let Limits { connections, share, head, unread, requests, mints, mints_each, .. } = Limits::default();
    assert_eq!((connections, share, requests, mints, mints_each), (16_384, 4, 600, 8, 2));
    assert_eq!((head, unread), (Duration::from_secs(30), Duration::from_secs(30)));
    let Limits { rules, margin, in_use, .. } = Limits::default();
    assert_eq!((rules.spacing, in_use.as_secs(), margin), (10, 3600, 300));
}
