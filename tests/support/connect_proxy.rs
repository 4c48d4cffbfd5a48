//! An HTTP proxy on loopback that knows only CONNECT and leads every name to one port of this machine, so that
//! clients can be given real host names. It records whom it was asked for, can want a password, and can refuse.

use std::io::{self, BufRead, BufReader, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::acceptor::Acceptor;
use super::http_server::lock;

/// A running proxy. It accepts nothing more when dropped; its other threads end with their connections.
pub struct ConnectProxy {
    acceptor: Acceptor,
    shared: Arc<Shared>,
}

struct Shared {
    target: u16,
    /// The whole value of `Proxy-Authorization`, where one is wanted.
    credential: Option<String>,
    refusing: bool,
    asked: Mutex<Vec<String>>,
}

impl ConnectProxy {
    /// Leads every client to this port.
    pub fn to(target: u16) -> Self {
        Self::start(Shared { target, credential: None, refusing: false, asked: Mutex::default() })
    }

    /// Wants this `Proxy-Authorization`.
    pub fn guarded(target: u16, credential: &str) -> Self {
        let credential = Some(credential.to_owned());
        Self::start(Shared { target, credential, refusing: false, asked: Mutex::default() })
    }

    /// Refuses every client.
    pub fn refusing() -> Self {
        Self::start(Shared { target: 0, credential: None, refusing: true, asked: Mutex::default() })
    }

    fn start(shared: Shared) -> Self {
        let shared = Arc::new(shared);
        let for_clients = Arc::clone(&shared);
        let acceptor = Acceptor::start("127.0.0.1", move |client| {
            let shared = Arc::clone(&for_clients);
            thread::spawn(move || drop(serve(client, &shared)));
        });
        Self { acceptor, shared }
    }

    /// `127.0.0.1:PORT`.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.acceptor.port())
    }

    /// The proxy's URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.authority())
    }

    /// The `HOST:PORT` of every CONNECT, in the order of arrival.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.shared.asked).clone()
    }
}

fn serve(client: TcpStream, shared: &Shared) -> io::Result<()> {
    // Small pieces in a row, as in a handshake, would each wait for the other side's late acknowledgement.
    client.set_nodelay(true)?;
    let mut reader = BufReader::new(client.try_clone()?);
    let mut client = client;
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let host = line.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).map(str::to_owned);
    let mut credential = None;
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("proxy-authorization")
        {
            credential = Some(value.trim().to_owned());
        }
    }
    let Some(host) = host else { return client.write_all(b"HTTP/1.1 405 CONNECT only\r\n\r\n") };
    lock(&shared.asked).push(host);
    if shared.refusing {
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    }
    if shared.credential.is_some() && shared.credential != credential {
        let head = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\n\
                    Content-Length: 0\r\n\r\n";
        return client.write_all(head.as_bytes());
    }
    let server = TcpStream::connect(("127.0.0.1", shared.target))?;
    server.set_nodelay(true)?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut to_server, mut from_server) = (server.try_clone()?, server);
    let there = thread::spawn(move || {
        pump(&mut reader, &mut to_server);
        drop(to_server.shutdown(Shutdown::Write));
    });
    pump(&mut from_server, &mut client);
    drop(client.shutdown(Shutdown::Both));
    drop(from_server.shutdown(Shutdown::Both));
    drop(there.join());
    Ok(())
}

/// Passes every piece on at once, as a tunnel must.
fn pump(from: &mut impl io::Read, to: &mut TcpStream) {
    let mut piece = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        if to.write_all(&piece[..read]).is_err() {
            return;
        }
    }
}
