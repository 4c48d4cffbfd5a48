//! Where the broker listens: an address, a private Unix socket, or a socket passed by systemd.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use crate::broker::peer::Peer;
use crate::platform::{private_files, sockets, unix_socket};
use crate::tokens::error::{Failure, Kind};

/// Bytes of a request's head: the longest token, and everything else that a client sends.
pub const MAX_HEAD: usize = 20 * 1024;
/// Bytes to look at before a connection gets a buffer; a client that sends more gets one.
const LOOKED_AT: usize = 16 * 1024;
/// Connections that may wait to be accepted; the system may allow fewer.
const WAITING: i32 = 4096;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix socket, only for its owner.
    Unix(PathBuf),
    /// A socket passed by systemd.
    Systemd,
}

impl ListenAddress {
    /// Reads `ADDRESS:PORT`, `unix:PATH` or `systemd`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("unix:") {
            Some(path) if !path.is_empty() => Some(Self::Unix(path.into())),
            Some(_) => None,
            None if text == "systemd" => Some(Self::Systemd),
            None => text.parse().ok().map(Self::Tcp),
        }
    }
}

/// An open socket, not yet given to a worker.
pub enum Listener {
    /// TCP.
    Tcp(std::net::TcpListener),
    /// A Unix socket, and its path if we created it.
    Unix(unix_socket::Listener, Option<PathBuf>),
}

/// The same in a worker's runtime.
pub enum Accepting {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(unix_socket::Accepting),
}

/// A connection.
pub enum Stream {
    /// TCP.
    Tcp(tokio::net::TcpStream),
    /// A Unix socket.
    Unix(unix_socket::Accepted),
}

impl Stream {
    /// Waits until the client has sent a whole head or what cannot become one, or has gone; with TLS, until it has sent
    /// anything. Until then the kernel holds the data, and the connection costs next to nothing.
    ///
    /// # Errors
    /// The socket has failed.
    pub async fn spoken(&self, behind_tls: bool) -> std::io::Result<()> {
        let is_enough = |come: &[u8]| behind_tls || is_head_or_never(come);
        match self {
            Self::Tcp(stream) => sockets::peek::<LOOKED_AT>(stream, is_enough).await,
            Self::Unix(stream) => sockets::peek_unix::<LOOKED_AT>(stream, is_enough).await,
        }
    }
}

/// Whether this is a whole head, or cannot become one.
fn is_head_or_never(come: &[u8]) -> bool {
    let is_head = come.first().is_some_and(u8::is_ascii_uppercase) && come.len() < LOOKED_AT;
    let ends = |at: usize| come[at..].starts_with(b"\n\r\n") || come[at..].starts_with(b"\n\n");
    !is_head || (0..come.len()).any(ends)
}

impl Accepting {
    /// Accepts the next connection, and says where it comes from.
    ///
    /// # Errors
    /// None can be accepted, now or ever.
    pub async fn next(&self) -> std::io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                let _ = stream.set_nodelay(true);
                Ok((Stream::Tcp(stream), Peer::of_address(address.ip())))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let peer = Peer::User(unix_socket::user_behind(&stream));
                Ok((Stream::Unix(stream), peer))
            }
        }
    }
}

impl Listener {
    /// Starts to listen.
    pub fn open(place: &ListenAddress) -> Result<Self> {
        match place {
            ListenAddress::Unix(_) | ListenAddress::Systemd if !unix_socket::SUPPORTED => {
                Err(Failure::new(Kind::Settings, "there are no Unix sockets and no systemd on this system")
                    .hint("listen on an address: --listen 127.0.0.1:8080, with --bearer-file FILE")
                    .into())
            }
            ListenAddress::Tcp(address) => {
                let listener = std::net::TcpListener::bind(address)
                    .map_err(|error| cannot(&error))
                    .with_context(|| format!("listen on {address}"))?;
                // The standard library's backlog is 128: in a flood a client would wait for a second.
                sockets::let_wait(&listener, WAITING)?;
                listener.set_nonblocking(true)?;
                Ok(Self::Tcp(listener))
            }
            ListenAddress::Unix(path) => {
                let listener = private_files::parent(path)
                    .and_then(|()| unix_socket::bind_private(path, WAITING))
                    .map_err(|error| cannot(&error))
                    .with_context(|| format!("listen on {}", path.display()))?;
                Ok(Self::Unix(listener, Some(path.clone())))
            }
            ListenAddress::Systemd => Self::from_systemd(),
        }
    }

    fn from_systemd() -> Result<Self> {
        let (tcp, unix) = unix_socket::handed_over();
        if let Some(listener) = tcp {
            listener.set_nonblocking(true)?;
            return Ok(Self::Tcp(listener));
        }
        if let Some(listener) = unix {
            listener.set_nonblocking(true)?;
            return Ok(Self::Unix(listener, None));
        }
        Err(Failure::new(Kind::Settings, "systemd has handed over no socket")
            .hint("--listen systemd needs a socket unit; without one, name an address")
            .into())
    }

    /// Removes a socket that we created, so that clients do not try it.
    pub fn remove(&self) {
        if let Self::Unix(_, Some(path)) = self {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Registers the socket with a worker's runtime, from within it: all workers accept from the same socket.
    ///
    /// # Errors
    /// The socket cannot be shared.
    pub fn accepting(&self) -> std::io::Result<Accepting> {
        Ok(match self {
            Self::Tcp(listener) => Accepting::Tcp(TcpListener::from_std(listener.try_clone()?)?),
            Self::Unix(listener, _) => {
                Accepting::Unix(unix_socket::Accepting::from_std(listener.try_clone()?)?)
            }
        })
    }

    /// The address, for the log.
    pub fn name(&self) -> String {
        match self {
            Self::Tcp(listener) => {
                listener.local_addr().map(|address| address.to_string()).unwrap_or_default()
            }
            Self::Unix(_, Some(path)) => format!("unix:{}", path.display()),
            Self::Unix(_, None) => "a socket of systemd's".to_owned(),
        }
    }

    /// Whether other machines can reach it.
    pub fn is_reachable(&self) -> bool {
        matches!(self, Self::Tcp(listener) if listener.local_addr().is_ok_and(|address| !Peer::of_address(address.ip()).is_local()))
    }

    /// Whether the kernel tells which user connects, so that others can be refused.
    pub fn knows_users(&self) -> bool {
        matches!(self, Self::Unix(..))
    }
}

fn cannot(error: &std::io::Error) -> Failure {
    Failure::new(Kind::Settings, error.to_string())
        .hint("choose another address with --listen, or stop the process that uses it")
}
