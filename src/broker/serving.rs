//! From accepted connections to requests. Each connection has its own limits (20 KiB of head, the time to send it, the
//! time to read the answer), and a place that it may lose, so a slow or silent client costs the others nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};

use crate::broker::bounded::Bounded;
use crate::broker::limits::Limits;
use crate::broker::listen::{Accepting, MAX_HEAD, Stream};
use crate::broker::log::Log;
use crate::broker::peer::Peer;
use crate::broker::places::{Places, Visitor};
use crate::broker::tls::Tls;
use crate::platform::{sockets, threads};

/// Open files for everything except connections: mints, the log, the files that are read again.
const RESERVE: u64 = 128;
/// A head larger than this closes the connection after the answer, to free its buffer: 16,000 buffers of 15 KiB would
/// take 400 MiB.
const SMALL: usize = 2 * 1024;
/// How long to wait after a failed accept.
const PAUSE: Duration = Duration::from_millis(20);

/// The number of connections: this many, if the system allows as many open files. The limit is raised as needed but no
/// further, as programs started from here would go through all file descriptors.
pub fn most_connections(wanted: usize) -> usize {
    let files = wanted as u64 + RESERVE;
    let allowed = sockets::allow_open_files(files).unwrap_or(files);
    let left = allowed - RESERVE.min(allowed / 2);
    usize::try_from(left).unwrap_or(wanted).min(wanted)
}

/// What a worker needs to serve connections.
#[derive(Clone)]
pub struct Serving {
    /// Speaks TLS, if configured.
    pub tls: Option<Arc<Tls>>,
    /// Admits connections.
    pub places: Arc<Places>,
    /// One for each open connection: a connection that loses its place keeps its file open for a moment.
    pub files: Arc<Semaphore>,
    /// Answers requests.
    pub router: Router,
    /// The time limits.
    pub limits: Arc<Limits>,
    /// The log.
    pub log: Log,
    /// Tells when to stop.
    pub stop: watch::Receiver<bool>,
}

/// A place that is given back when dropped.
struct TakenPlace(Arc<Places>, Arc<Visitor>);

impl Drop for TakenPlace {
    fn drop(&mut self) {
        self.0.leave(&self.1);
    }
}

impl Serving {
    /// Accepts connections until told to stop, then waits for the open ones.
    pub async fn run(self, accepting: Accepting) {
        let mut stop = self.stop.clone();
        let mut open = tokio::task::JoinSet::new();
        let mut failing = false;
        // One per worker: connections check it at each poll, and threads should not contend for it.
        let graceful = GracefulShutdown::new();
        while !*stop.borrow() {
            while open.try_join_next().is_some() {}
            let accepted = tokio::select! {
                accepted = accepting.next() => accepted,
                _ = stop.changed() => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    failing = false;
                    self.let_in(stream, peer, graceful.watcher(), &mut open).await;
                }
                Err(error) => self.cannot_accept(&error, &mut failing).await,
            }
        }
        drop(accepting);
        graceful.shutdown().await;
        while open.join_next().await.is_some() {}
    }

    async fn let_in(
        &self,
        stream: Stream,
        peer: Peer,
        watcher: Watcher,
        open: &mut tokio::task::JoinSet<()>,
    ) {
        let Some(visitor) = self.places.enter(peer) else { return };
        let taken = TakenPlace(Arc::clone(&self.places), Arc::clone(&visitor));
        let Ok(file) = Arc::clone(&self.files).acquire_owned().await else { return };
        let (serving, served) = (self.clone(), Arc::clone(&visitor));
        visitor.serve_by(open.spawn(async move {
            serving.connection(stream, served, watcher).await;
            drop((taken, file));
        }));
    }

    /// Handles a failed accept. If files or memory are exhausted, the longest idle connection makes room.
    async fn cannot_accept(&self, error: &std::io::Error, failing: &mut bool) {
        if !threads::is_full(error) {
            return;
        }
        if !std::mem::replace(failing, true) {
            self.log.event(&format!("cannot accept a connection: {error}; the longest idle one is closed"));
        }
        self.places.make_room();
        tokio::time::sleep(PAUSE).await;
    }

    async fn connection(self, stream: Stream, visitor: Arc<Visitor>, watcher: Watcher) {
        let first = tokio::time::Instant::now() + self.limits.head;
        let mut stop = self.stop.clone();
        // A client that has not sent its request needs no buffers.
        let speaks = tokio::select! {
            spoken = tokio::time::timeout_at(first, stream.spoken(self.tls.is_some())) => spoken.is_ok(),
            () = told(&mut stop) => false,
        };
        if !speaks {
            return;
        }
        let unread = self.limits.unread;
        match stream {
            Stream::Unix(stream) => {
                let stream = Bounded::new(stream, Arc::clone(&visitor), first, unread);
                Box::pin(self.serve(stream, visitor, watcher)).await;
            }
            Stream::Tcp(stream) => {
                let stream = Bounded::new(stream, Arc::clone(&visitor), first, unread);
                match self.tls.as_ref().map(|tls| tls.acceptor()) {
                    Some(tls) => Box::pin(self.serve_tls(tls, stream, visitor, watcher)).await,
                    None => Box::pin(self.serve(stream, visitor, watcher)).await,
                }
            }
        }
    }

    async fn serve_tls(
        self,
        tls: tokio_rustls::TlsAcceptor,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        visitor: Arc<Visitor>,
        watcher: Watcher,
    ) {
        if let Ok(stream) = tls.accept(stream).await {
            self.serve(stream, visitor, watcher).await;
        }
    }

    async fn serve(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        visitor: Arc<Visitor>,
        watcher: Watcher,
    ) {
        let Self { router, limits, places, .. } = self;
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(MAX_HEAD)
            .half_close(true);
        let router = TowerToHyperService::new(router);
        let answer = service_fn(move |mut request: Request<Incoming>| {
            visitor.begin();
            let is_large = size(&request) > SMALL;
            request.extensions_mut().insert(visitor.peer);
            let (answer, visitor, places) = (router.call(request), Arc::clone(&visitor), Arc::clone(&places));
            async move {
                let mut answer = answer.await;
                places.end(&visitor);
                if let (true, Ok(answer)) = (is_large, &mut answer) {
                    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                answer
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), answer);
        // A client that disconnects or breaks the protocol is its own problem.
        let _ = watcher.watch(connection).await;
    }
}

/// About the bytes of a request's head.
fn size(request: &Request<Incoming>) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() + target
}

/// Waits until told to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    while !*stop.borrow() && stop.changed().await.is_ok() {}
}
