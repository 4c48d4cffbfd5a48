//! Accepts connections in a thread of its own, until it is dropped.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A listening socket and its thread.
pub struct Acceptor {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Acceptor {
    /// Listens on a free port of this host and hands each connection over; that must not take long.
    pub fn start(host: &str, mut each: impl FnMut(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind((host, 0)).expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound address");
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                match stream {
                    _ if stop.load(Ordering::SeqCst) => return,
                    Ok(stream) => each(stream),
                    // Most likely too many open files: others close some.
                    Err(_) => thread::sleep(Duration::from_millis(1)),
                }
            }
        });
        Self { address, stopping, thread: Some(thread) }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Accepts nothing from now on.
    pub fn stop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let Some(thread) = self.thread.take() else { return };
        // `accept` has no time limit: a last connection wakes it, if one can be had at this moment.
        while !thread.is_finished() {
            drop(TcpStream::connect(self.address));
            thread::sleep(Duration::from_micros(200));
        }
        drop(thread.join());
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        self.stop();
    }
}
