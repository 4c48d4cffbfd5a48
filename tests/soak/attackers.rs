//! Those who make it hard for the others. Each ends when it is told to.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::serve::ADMIN;
use crate::support::http_client::{Answer, try_connect_from, try_read};

/// When to end, and how often who did what.
#[derive(Default)]
pub struct Play {
    pub over: AtomicBool,
    pub tenant_over: AtomicBool,
    pub flooded: AtomicUsize,
    pub kept_open: AtomicUsize,
    pub reopened: AtomicUsize,
    pub unread: AtomicUsize,
    pub greedy: AtomicUsize,
    pub limited: AtomicUsize,
}

impl Play {
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn pause(time: Duration) {
        std::thread::park_timeout(time);
    }

    /// Requests for nothing, many at once, without a bearer.
    pub fn flood(&self, last: u8, port: u16) {
        let one = |number: usize| format!("GET /{number}{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(2000));
        let many: String = (0..8).map(one).collect();
        while !self.is_over() {
            let Ok(mut stream) = try_connect_from(last, port) else {
                Self::pause(Duration::from_millis(20));
                continue;
            };
            let mut answers = BufReader::new(stream.try_clone().expect("a socket"));
            while !self.is_over() && stream.write_all(many.as_bytes()).is_ok() {
                for _ in 0..8 {
                    if try_read(&mut answers).map_or(0, |answer| answer.status) == 0 {
                        break;
                    }
                    self.flooded.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// So many connections: silent ones, ones with a byte or half a head, and ones that have asked once.
    pub fn idle(&self, wanted: usize, port: u16) {
        let open = |number: usize| -> io::Result<TcpStream> {
            let mut stream = try_connect_from(u8::try_from(10 + number % 5).expect("small"), port)?;
            match number % 8 {
                0 => stream.write_all(b"G")?,
                1 => stream.write_all(b"GET /admin HTTP/1.1\r\nHost: x\r\nX-Long: xxxxxxxxxxxxxxxxxxxxxx")?,
                2 => {
                    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")?;
                    stream.read_exact(&mut [0; 12])?;
                }
                _ => {}
            }
            stream.set_nonblocking(true)?;
            Ok(stream)
        };
        let mut all: Vec<Option<TcpStream>> = (0..wanted).map(|number| open(number).ok()).collect();
        while !self.is_over() {
            let mut left = 0;
            for (number, place) in all.iter_mut().enumerate() {
                if self.is_over() {
                    return;
                }
                // What has been closed has an end to read, or is broken.
                let mut rest = [0; 4096];
                let is_open = |stream: &mut TcpStream| loop {
                    match stream.read(&mut rest) {
                        Ok(1..) => {}
                        Ok(0) => break false,
                        Err(error) => break error.kind() == io::ErrorKind::WouldBlock,
                    }
                };
                if place.as_mut().is_some_and(is_open) {
                    left += 1;
                } else {
                    *place = open(number).ok();
                    self.reopened.fetch_add(1, Ordering::Relaxed);
                }
                if number % 100 == 0 {
                    Self::pause(Duration::from_millis(5));
                }
            }
            self.kept_open.store(left, Ordering::Relaxed);
        }
    }

    /// Clients that ask on and on, and read nothing.
    pub fn never_read(&self, clients: usize, port: u16) {
        let many = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
        let open = || {
            let stream = try_connect_from(20, port).ok()?;
            stream.set_nonblocking(true).expect("a socket");
            self.unread.fetch_add(1, Ordering::Relaxed);
            Some(stream)
        };
        let mut all: Vec<Option<TcpStream>> = (0..clients).map(|_| open()).collect();
        while !self.is_over() {
            for place in &mut all {
                let written = place.as_mut().map(|stream| stream.write(many.as_bytes()));
                let is_open = match written {
                    Some(Err(error)) => error.kind() == io::ErrorKind::WouldBlock,
                    written => written.is_some(),
                };
                if !is_open {
                    *place = open();
                }
            }
            Self::pause(Duration::from_millis(20));
        }
    }

    /// A tenant with more scopes than GitHub can mint, again and again.
    pub fn greed(&self, first: usize, port: u16) {
        let mut number = first;
        while !self.is_over() {
            let target = format!("{ADMIN}?owner=greedy-org&repository=r{}", number % 400);
            let answer = try_ask(21, port, &target, "the-greedy-tenant").unwrap_or_default();
            self.greedy.fetch_add(1, Ordering::Relaxed);
            number += 13;
            if matches!(answer.status, 0 | 429) {
                Self::pause(Duration::from_millis(500));
            }
        }
    }

    /// A tenant of an installation that GitHub has limited.
    pub fn limited(&self, port: u16) {
        for number in 0.. {
            if self.is_over() {
                return;
            }
            let target = format!("{ADMIN}?owner=limited-org&repository=r{number}");
            // 0: the broker is about to stop.
            let answer = try_ask(22, port, &target, "the-limited-tenant").unwrap_or_default();
            assert!(matches!(answer.status, 0 | 500 | 429), "{answer:?}");
            self.limited.fetch_add(1, Ordering::Relaxed);
            Self::pause(Duration::from_millis(100));
        }
    }
}

/// One request over a connection of its own.
pub fn ask(last: u8, port: u16, target: &str, bearer: &str) -> Answer {
    try_ask(last, port, target, bearer).expect("an answer")
}

fn try_ask(last: u8, port: u16, target: &str, bearer: &str) -> io::Result<Answer> {
    let mut stream = try_connect_from(last, port)?;
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bearer}\r\nConnection: close\r\n\r\n"
    );
    drop(stream.write_all(request.as_bytes()));
    try_read(&mut BufReader::new(stream))
}
