//! Where the broker listens, and each connection's limits: 16 KiB of head, 30 seconds to send it, a fixed number of
//! connections. A slow or silent client costs the others nothing.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::fs::Mode;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};

use super::peer::{Peer, Routes};
use super::tls::Tls;
use crate::error::{Failure, Kind};
use crate::trust;

/// For the head of a request, from the connection's or the last request's end on; and for a TLS handshake.
const HEAD: Duration = Duration::from_secs(30);
/// Bytes of a head.
const MAX_HEAD: usize = 16 * 1024;
/// Connections at the same time; a few more files are needed for everything else.
const MOST: usize = 16_384;
const RESERVE: u64 = 128;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix socket, for its owner alone.
    Unix(PathBuf),
    /// What systemd hands over.
    Systemd,
}

impl Place {
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
enum Accepting {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Starts to listen.
    pub fn open(place: &Place) -> Result<Self> {
        match place {
            Place::Tcp(address) => {
                let listener = std::net::TcpListener::bind(address)
                    .map_err(|error| cannot(&error))
                    .with_context(|| format!("listen on {address}"))?;
                listener.set_nonblocking(true)?;
                Ok(Self::Tcp(listener))
            }
            Place::Unix(path) => {
                let listener = trust::parent(path)
                    .and_then(|()| bind_private(path))
                    .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
                    .map_err(|error| cannot(&error))
                    .with_context(|| format!("listen on {}", path.display()))?;
                Ok(Self::Unix(listener, Some(path.clone())))
            }
            Place::Systemd => Self::from_systemd(),
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

    /// For the runtime of a worker: all of them take connections from the same socket.
    fn accepting(&self) -> std::io::Result<Accepting> {
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

/// How many connections there may be: what the system allows, up to a limit of our own.
pub fn most_connections() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = MOST as u64 + RESERVE;
    let raised = limit.maximum.map_or(wanted, |maximum| wanted.min(maximum));
    if limit.current.is_some_and(|current| raised > current) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum });
    }
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(wanted);
    usize::try_from(allowed.saturating_sub(RESERVE)).unwrap_or(MOST).clamp(16, MOST)
}

/// What a worker needs to serve connections.
#[derive(Clone)]
pub struct Serving {
    /// Taken from by all workers.
    pub listener: Arc<Listener>,
    /// Speaks TLS where it is there.
    pub tls: Option<Arc<Tls>>,
    /// One for each connection.
    pub permits: Arc<Semaphore>,
    /// Answers.
    pub router: Router,
    /// Tells when to stop.
    pub stop: watch::Receiver<bool>,
}

impl Serving {
    /// Accepts connections until it is told to stop, then waits for those that are open.
    ///
    /// # Errors
    /// The socket cannot be shared.
    pub async fn run(self) -> std::io::Result<()> {
        let accepting = self.listener.accepting()?;
        let mut stop = self.stop.clone();
        let mut open = tokio::task::JoinSet::new();
        while !*stop.borrow() {
            while open.try_join_next().is_some() {}
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { break };
            let accepted = tokio::select! {
                accepted = next(&accepting) => accepted,
                _ = stop.changed() => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let serving = self.clone();
                    open.spawn(async move {
                        serving.connection(stream, peer).await;
                        drop(permit);
                    });
                }
                // Out of files, most likely: others will end.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        drop(accepting);
        while open.join_next().await.is_some() {}
        Ok(())
    }

    async fn connection(self, stream: Stream, peer: Peer) {
        let routes = Routes { router: TowerToHyperService::new(self.router), peer };
        let tls = self.tls.as_ref().map(|tls| tls.acceptor());
        match (stream, tls) {
            (Stream::Tcp(stream), Some(tls)) => {
                if let Ok(Ok(stream)) = tokio::time::timeout(HEAD, tls.accept(stream)).await {
                    serve(stream, routes, self.stop).await;
                }
            }
            (Stream::Tcp(stream), None) => serve(stream, routes, self.stop).await,
            (Stream::Unix(stream), _) => serve(stream, routes, self.stop).await,
        }
    }
}

enum Stream {
    Tcp(tokio::net::TcpStream),
    Unix(tokio::net::UnixStream),
}

async fn next(accepting: &Accepting) -> std::io::Result<(Stream, Peer)> {
    match accepting {
        Accepting::Tcp(listener) => {
            let (stream, address) = listener.accept().await?;
            let _ = stream.set_nodelay(true);
            Ok((Stream::Tcp(stream), Peer::of_address(address.ip())))
        }
        Accepting::Unix(listener) => {
            let (stream, _) = listener.accept().await?;
            let peer = Peer::of_socket(&stream);
            Ok((Stream::Unix(stream), peer))
        }
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    routes: Routes,
    mut stop: watch::Receiver<bool>,
) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MAX_HEAD).half_close(true);
    let connection = builder.serve_connection(TokioIo::new(stream), routes);
    let mut connection = std::pin::pin!(connection);
    // A client that breaks off, or breaks the protocol, is nobody's failure but its own.
    let stopped = async { while !*stop.borrow() && stop.changed().await.is_ok() {} };
    run(connection.as_mut(), stopped).await;
}

async fn run<S, I>(
    mut connection: std::pin::Pin<&mut http1::Connection<I, S>>,
    stopped: impl Future<Output = ()>,
) where
    S: hyper::service::HttpService<hyper::body::Incoming>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::ResBody: 'static,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    <S::ResBody as hyper::body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = stopped => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
