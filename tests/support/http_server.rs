//! An HTTP/1.1 server on 127.0.0.1 with a closure as handler, that records what it was asked.
//! Written over `TcpListener` and apart from the product's own server and client, so that a shared bug
//! cannot hide. It can be slow, hang, hang up and have a wrong clock; it stops when dropped, and
//! then reports a panic of its handler.

mod message;
mod wire;

use std::any::Any;
use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub use message::{Behaviour, Recorded, Request, Response, percent_decode};

use super::acceptor::Acceptor;
use super::tls::TestCa;

/// Locks, also after a panic elsewhere: that panic is reported by itself.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a server calls for each request.
pub type Handler = Box<dyn Fn(&Request) -> Response + Send + Sync>;

/// A running server; it stops when dropped.
pub struct HttpServer {
    host: &'static str,
    shared: Arc<Shared>,
    acceptor: Acceptor,
}

struct Shared {
    handler: Handler,
    tls: Option<Arc<ServerConfig>>,
    clock_offset: AtomicI64,
    send_date: AtomicBool,
    accepted: AtomicUsize,
    open: Mutex<HashMap<usize, TcpStream>>,
    workers: Mutex<Vec<JoinHandle<()>>>,
    requests: Mutex<Vec<Recorded>>,
    panics: Mutex<Vec<String>>,
    stopping: Mutex<bool>,
    stop_signal: Condvar,
}

impl HttpServer {
    /// Serves plain HTTP on a free port.
    pub fn start(handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        Self::launch("127.0.0.1", None, Box::new(handler))
    }

    /// Serves plain HTTP on the IPv6 loopback address.
    pub fn start_ipv6(handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        Self::launch("::1", None, Box::new(handler))
    }

    /// Serves HTTPS with a certificate of this CA.
    pub fn start_tls(ca: &TestCa, handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        Self::launch("127.0.0.1", Some(ca.server_config()), Box::new(handler))
    }

    fn launch(host: &'static str, tls: Option<Arc<ServerConfig>>, handler: Handler) -> Self {
        let shared = Arc::new(Shared {
            handler,
            tls,
            clock_offset: AtomicI64::new(0),
            send_date: AtomicBool::new(true),
            accepted: AtomicUsize::new(0),
            open: Mutex::default(),
            workers: Mutex::default(),
            requests: Mutex::default(),
            panics: Mutex::default(),
            stopping: Mutex::new(false),
            stop_signal: Condvar::new(),
        });
        let for_clients = Arc::clone(&shared);
        let acceptor = Acceptor::start(host, move |stream| accept(stream, &for_clients));
        Self { host, shared, acceptor }
    }

    /// The port on loopback.
    pub fn port(&self) -> u16 {
        self.acceptor.port()
    }

    /// `127.0.0.1:PORT`, `[::1]:PORT`, or `localhost:PORT` with TLS.
    pub fn authority(&self) -> String {
        let name = match self.host {
            _ if self.shared.tls.is_some() => "localhost",
            "::1" => "[::1]",
            host => host,
        };
        format!("{name}:{}", self.port())
    }

    /// The URL without a path and without a final slash.
    pub fn url(&self) -> String {
        format!("{}://{}", self.shared.scheme(), self.authority())
    }

    /// Moves the server's clock, as seen in `Date` and by handlers, away from the real one.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.shared.clock_offset.store(seconds, Ordering::SeqCst);
    }

    /// Switches the `Date` header on or off.
    pub fn set_date(&self, on: bool) {
        self.shared.send_date.store(on, Ordering::SeqCst);
    }

    /// The server's clock in seconds since the epoch.
    pub fn now(&self) -> i64 {
        self.shared.now()
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.shared.requests).clone()
    }

    /// How many connections clients have made.
    pub fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        *lock(&self.shared.stopping) = true;
        self.shared.stop_signal.notify_all();
        self.acceptor.stop();
        for stream in lock(&self.shared.open).values() {
            drop(stream.shutdown(Shutdown::Both));
        }
        let workers = std::mem::take(&mut *lock(&self.shared.workers));
        for worker in workers {
            drop(worker.join());
        }
        let panics = std::mem::take(&mut *lock(&self.shared.panics));
        // A second panic while the test already fails would abort it.
        let silent = panics.is_empty() || std::thread::panicking();
        assert!(silent, "a handler of the test server panicked: {}", panics.join("; "));
    }
}

impl Shared {
    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    fn now(&self) -> i64 {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
        i64::try_from(real).expect("a sane clock") + self.clock_offset.load(Ordering::SeqCst)
    }

    fn stopping(&self) -> bool {
        *lock(&self.stopping)
    }

    /// Waits, but no longer than the server lives.
    fn pause(&self, time: Duration) {
        let guard = lock(&self.stopping);
        drop(self.stop_signal.wait_timeout_while(guard, time, |stopping| !*stopping));
    }

    fn answer(&self, request: &Request) -> Response {
        catch_unwind(AssertUnwindSafe(|| (self.handler)(request))).unwrap_or_else(|panic| {
            let what = format!("{} {}: {}", request.method, request.target, panic_text(&*panic));
            lock(&self.panics).push(what);
            Response::text(500, "the handler panicked")
        })
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

fn accept(stream: TcpStream, shared: &Arc<Shared>) {
    let Ok(twin) = stream.try_clone() else { return };
    let id = shared.accepted.fetch_add(1, Ordering::SeqCst);
    lock(&shared.open).insert(id, twin);
    let for_worker = Arc::clone(shared);
    let worker = std::thread::spawn(move || {
        serve_connection(stream, &for_worker);
        // The twin in the table would keep the connection open.
        if let Some(twin) = lock(&for_worker.open).remove(&id) {
            drop(twin.shutdown(Shutdown::Both));
        }
    });
    let mut workers = lock(&shared.workers);
    workers.retain(|worker| !worker.is_finished());
    workers.push(worker);
}

/// A plain or a TLS connection.
trait Duplex: Read + Write {}
impl<T: Read + Write> Duplex for T {}

fn serve_connection(stream: TcpStream, shared: &Shared) {
    drop(stream.set_nodelay(true));
    let duplex: Box<dyn Duplex> = match &shared.tls {
        None => Box::new(stream),
        Some(config) => {
            let session = ServerConnection::new(Arc::clone(config)).expect("a TLS session");
            Box::new(StreamOwned::new(session, stream))
        }
    };
    let mut connection = BufReader::new(duplex);
    loop {
        let mut request = match wire::read_request(&mut connection) {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err(cause) => {
                let refusal = Response::text(400, &format!("bad request: {cause}"));
                drop(connection.get_mut().write_all(&wire::encode(&refusal, "GET", None)));
                return;
            }
        };
        request.now = shared.now();
        request.base_url = format!("{}://{}", shared.scheme(), request.header("host").unwrap_or("127.0.0.1"));
        lock(&shared.requests).push(request.recorded());
        let response = shared.answer(&request);
        shared.pause(response.delay);
        match response.behaviour {
            Behaviour::Normal => {}
            Behaviour::Drop => return,
            Behaviour::Hang => {
                // Ends when the client leaves or the server shuts the socket down.
                while connection.read(&mut [0; 512]).is_ok_and(|read| read > 0) {}
                return;
            }
        }
        let date = shared.send_date.load(Ordering::SeqCst).then(|| wire::http_date(shared.now()));
        let bytes = wire::encode(&response, &request.method, date);
        let sent = connection.get_mut().write_all(&bytes).and_then(|()| connection.get_mut().flush());
        if sent.is_err() || request.wants_close() {
            return;
        }
    }
}
