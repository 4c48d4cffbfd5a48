//! A connection that closes itself if the client sends no request in time, or does not read its answer. Otherwise it
//! would keep its place forever.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::broker::places::Visitor;

/// A stream with deadlines.
pub struct Bounded<S> {
    stream: S,
    /// The deadline for the first request, a TLS handshake included. hyper times the later ones.
    first: Option<(Pin<Box<Sleep>>, Arc<Visitor>)>,
    unread: Duration,
    /// The deadline for the client to read part of the pending output. Most connections have none.
    late: Option<Pin<Box<Sleep>>>,
}

impl<S> Bounded<S> {
    /// With these limits.
    pub fn new(stream: S, visitor: Arc<Visitor>, first: Instant, unread: Duration) -> Self {
        Self { stream, first: Some((Box::pin(sleep_until(first)), visitor)), unread, late: None }
    }

    fn judge_reading<T>(
        &mut self,
        context: &mut Context,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Some((first, visitor)) = &mut self.first else { return outcome };
        if visitor.has_asked() {
            self.first = None;
            return outcome;
        }
        match outcome {
            Poll::Pending => first.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into())),
            ready @ Poll::Ready(_) => ready,
        }
    }

    fn judge_writing<T>(
        &mut self,
        context: &mut Context,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            if self.late.is_some() {
                self.late = None;
            }
            return outcome;
        }
        let unread = self.unread;
        let late = self.late.get_or_insert_with(|| Box::pin(sleep(unread)));
        late.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context,
        buffer: &mut ReadBuf,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.judge_reading(context, outcome)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge_writing(context, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context,
        slices: &[IoSlice],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judge_writing(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
