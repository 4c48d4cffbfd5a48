//! Where the broker listens: an address, a private Unix socket, or what systemd hands over.

use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::{RecvFlags, listen, recv};
use tokio::io::Interest;
use tokio::net::{TcpListener, UnixListener};

use crate::broker::peer::Peer;
use crate::platform::private_files;
use crate::tokens::error::{Failure, Kind};

/// Bytes of a request's head: the longest token, and all else that a client sends.
pub const MAX_HEAD: usize = 20 * 1024;
/// So many of them are looked at before they cost a buffer; who sends more may have it.
const LOOKED_AT: usize = 16 * 1024;
/// Connections that may wait to be accepted; the system may allow less.
const WAITING: i32 = 4096;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix socket, for its owner alone.
    Unix(PathBuf),
    /// What systemd hands over.
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

/// An open socket, not yet in the hands of a worker.
pub enum Listener {
    /// TCP.
    Tcp(std::net::TcpListener),
    /// A Unix socket, and its path if we have made it.
    Unix(std::os::unix::net::UnixListener, Option<PathBuf>),
}

/// The same in a worker's runtime.
pub enum Accepting {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// A connection.
pub enum Stream {
    /// TCP.
    Tcp(tokio::net::TcpStream),
    /// A Unix socket.
    Unix(tokio::net::UnixStream),
}

impl Stream {
    /// Waits until the other end has sent a whole head, or what will never be one, or has gone; behind TLS until it has
    /// sent anything. Until then the system keeps what has come, and the connection costs next to nothing.
    ///
    /// # Errors
    /// The socket has failed.
    pub async fn spoken(&self, behind_tls: bool) -> std::io::Result<()> {
        match self {
            Self::Tcp(stream) => loop {
                let ready = stream.ready(Interest::READABLE).await?;
                let look = || look(stream, behind_tls);
                if ready.is_read_closed() || stream.try_io(Interest::READABLE, look).is_ok() {
                    return Ok(());
                }
            },
            Self::Unix(stream) => loop {
                let ready = stream.ready(Interest::READABLE).await?;
                let look = || look(stream, behind_tls);
                if ready.is_read_closed() || stream.try_io(Interest::READABLE, look).is_ok() {
                    return Ok(());
                }
            },
        }
    }
}

/// Looks at what has come and leaves it there. That more is needed is said in the way in which it is waited for.
fn look(socket: impl AsFd, anything_will_do: bool) -> std::io::Result<()> {
    let mut buffer = [MaybeUninit::uninit(); LOOKED_AT];
    let ((come, _), _) = match recv(socket, &mut buffer[..], RecvFlags::PEEK) {
        Err(Errno::AGAIN) => return Err(std::io::ErrorKind::WouldBlock.into()),
        // Whoever reads next meets it.
        Err(_) => return Ok(()),
        Ok(come) => come,
    };
    let is_head = come.first().is_some_and(u8::is_ascii_uppercase) && come.len() < LOOKED_AT;
    let ends = |at: usize| come[at..].starts_with(b"\n\r\n") || come[at..].starts_with(b"\n\n");
    if !anything_will_do && is_head && !(0..come.len()).any(ends) {
        return Err(std::io::ErrorKind::WouldBlock.into());
    }
    Ok(())
}

impl Accepting {
    /// The next connection, and where it comes from.
    ///
    /// # Errors
    /// There is none to be had, now or at all.
    pub async fn next(&self) -> std::io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                let _ = stream.set_nodelay(true);
                Ok((Stream::Tcp(stream), Peer::of_address(address.ip())))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let peer = Peer::of_socket(&stream);
                Ok((Stream::Unix(stream), peer))
            }
        }
    }
}

impl Listener {
    /// Starts to listen.
    pub fn open(place: &ListenAddress) -> Result<Self> {
        match place {
            ListenAddress::Tcp(address) => {
                let listener = std::net::TcpListener::bind(address)
                    .map_err(|error| cannot(&error))
                    .with_context(|| format!("listen on {address}"))?;
                // The standard library lets 128 wait to be accepted: in a flood a client would wait for a second.
                listen(&listener, WAITING)?;
                listener.set_nonblocking(true)?;
                Ok(Self::Tcp(listener))
            }
            ListenAddress::Unix(path) => {
                let listener = private_files::parent(path)
                    .and_then(|()| bind_private(path))
                    .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
                    .map_err(|error| cannot(&error))
                    .with_context(|| format!("listen on {}", path.display()))?;
                listen(&listener, WAITING)?;
                Ok(Self::Unix(listener, Some(path.clone())))
            }
            ListenAddress::Systemd => Self::from_systemd(),
        }
    }

    fn from_systemd() -> Result<Self> {
        let mut handed = listenfd::ListenFd::from_env();
        if let Ok(Some(listener)) = handed.take_tcp_listener(0) {
            listener.set_nonblocking(true)?;
            return Ok(Self::Tcp(listener));
        }
        if let Ok(Some(listener)) = handed.take_unix_listener(0) {
            listener.set_nonblocking(true)?;
            return Ok(Self::Unix(listener, None));
        }
        Err(Failure::new(Kind::Settings, "systemd has handed over no socket")
            .hint("--listen systemd needs a socket unit; without one, name an address")
            .into())
    }

    /// Removes a socket that we have made, so that nobody finds it without somebody behind it.
    pub fn remove(&self) {
        if let Self::Unix(_, Some(path)) = self {
            let _ = std::fs::remove_file(path);
        }
    }

    /// For the runtime of a worker, within it: all of them take connections from the same socket.
    ///
    /// # Errors
    /// The socket cannot be shared.
    pub fn accepting(&self) -> std::io::Result<Accepting> {
        Ok(match self {
            Self::Tcp(listener) => Accepting::Tcp(TcpListener::from_std(listener.try_clone()?)?),
            Self::Unix(listener, _) => Accepting::Unix(UnixListener::from_std(listener.try_clone()?)?),
        })
    }

    /// Where it listens, for the log.
    pub fn name(&self) -> String {
        match self {
            Self::Tcp(listener) => {
                listener.local_addr().map(|address| address.to_string()).unwrap_or_default()
            }
            Self::Unix(_, Some(path)) => format!("unix:{}", path.display()),
            Self::Unix(_, None) => "a socket of systemd's".to_owned(),
        }
    }

    /// Whether others than this machine can reach it.
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
        .hint("choose another place with --listen, or end what is there")
}

/// A socket that is private from the start: a mode that is set after it is there comes too late, and would follow a
/// symbolic link that has taken its place.
fn bind_private(path: &Path) -> std::io::Result<std::os::unix::net::UnixListener> {
    remove_stale(path);
    // The mask is the whole process's; the other thread that there is by now, the log's, makes no files.
    let before = rustix::process::umask(Mode::from_raw_mode(0o177));
    let bound = std::os::unix::net::UnixListener::bind(path);
    rustix::process::umask(before);
    bound
}

/// Removes a socket that nobody listens on any more: its process was killed.
fn remove_stale(path: &Path) {
    let is_socket = std::fs::symlink_metadata(path)
        .is_ok_and(|metadata| std::os::unix::fs::FileTypeExt::is_socket(&metadata.file_type()));
    if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
        let _ = std::fs::remove_file(path);
    }
}
