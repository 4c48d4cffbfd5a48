//! A TCP server on loopback that does to each connection what it is told, byte by byte: cuts, resets, drips, floods.
//! Once repaired it gives one good answer to every client. `http_server` speaks HTTP well; this one speaks it badly.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::acceptor::Acceptor;
use super::http_server::lock;

/// What is done to a connection, in turn. At the end it is closed, and whatever the client has sent is read.
#[derive(Clone, Debug)]
pub enum Step {
    /// Reads a request's head, but for its last byte.
    Read,
    /// Sends.
    Send(Vec<u8>),
    /// Sends one byte at a time, with this pause before each.
    Drip(Vec<u8>, Duration),
    /// Sends the same again and again, until the client has enough.
    Flood(Vec<u8>),
    /// Keeps the connection and sends nothing until the client leaves.
    Hang,
    /// Closes while bytes of the client are unread, which makes the kernel send RST.
    Reset,
}

/// Text to send.
pub fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

/// A running server. It accepts nothing more when dropped; its other threads end with their connections.
pub struct RawServer {
    acceptor: Acceptor,
    shared: Arc<Shared>,
}

struct Shared {
    steps: Vec<Step>,
    good: Mutex<Vec<u8>>,
    mended: AtomicBool,
    accepted: AtomicUsize,
}

impl RawServer {
    /// Does this to every client.
    pub fn start(steps: Vec<Step>) -> Self {
        let (mended, accepted) = (AtomicBool::new(false), AtomicUsize::new(0));
        let shared = Arc::new(Shared { steps, good: Mutex::default(), mended, accepted });
        let for_clients = Arc::clone(&shared);
        let acceptor = Acceptor::start("127.0.0.1", move |client| {
            for_clients.accepted.fetch_add(1, Ordering::SeqCst);
            let shared = Arc::clone(&for_clients);
            // A client that leaves in the middle is part of the play.
            thread::spawn(move || drop(shared.serve(client)));
        });
        Self { acceptor, shared }
    }

    /// From now on gives this whole response.
    pub fn mend(&self, response: &str) {
        response.as_bytes().clone_into(&mut lock(&self.shared.good));
        self.shared.mended.store(true, Ordering::SeqCst);
    }

    /// `127.0.0.1:PORT`.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.acceptor.port())
    }

    /// How many connections clients have made.
    pub fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        if self.mended.load(Ordering::SeqCst) {
            read_head(&mut client)?;
            let good = lock(&self.good).clone();
            client.write_all(&good)?;
            return close(&mut client);
        }
        for step in &self.steps {
            match step {
                Step::Read => read_head(&mut client)?,
                Step::Send(bytes) => client.write_all(bytes)?,
                Step::Drip(bytes, pause) => {
                    for byte in bytes {
                        thread::sleep(*pause);
                        client.write_all(&[*byte])?;
                    }
                }
                Step::Flood(bytes) => loop {
                    client.write_all(bytes)?;
                },
                Step::Hang => {
                    io::copy(&mut client, &mut io::sink())?;
                }
                Step::Reset => {
                    client.peek(&mut [0])?;
                    return Ok(());
                }
            }
        }
        close(&mut client)
    }
}

fn read_head(client: &mut TcpStream) -> io::Result<()> {
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(b"\r\n\r") {
        client.read_exact(&mut byte)?;
        seen.push(byte[0]);
    }
    Ok(())
}

/// Without RST: what is unread would cause one.
fn close(client: &mut TcpStream) -> io::Result<()> {
    client.shutdown(Shutdown::Write)?;
    io::copy(client, &mut io::sink())?;
    Ok(())
}
