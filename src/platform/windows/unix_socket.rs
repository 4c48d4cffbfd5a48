//! Unix sockets, which neither the standard library nor tokio supports on Windows.

use std::io::{self, Read, Write};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::platform::private_files::Distrust;

/// Whether there are Unix sockets here.
pub const SUPPORTED: bool = false;

/// A socket that cannot exist.
#[derive(Clone, Copy, Debug)]
pub enum NoSocket {}

pub use NoSocket as Stream;
pub use NoSocket as Listener;
pub use NoSocket as Accepting;
pub use NoSocket as Accepted;

/// The users who may answer at a socket: there are none.
pub enum Peers {}

/// Checks a socket before anything is sent to it.
///
/// # Errors
/// There are none.
pub fn check(_: &Path) -> Result<Peers, Distrust> {
    Err(Distrust {
        cause: "there are no Unix sockets on this system".to_owned(),
        fix: "name the broker by an http or https URL".to_owned(),
    })
}

impl Peers {
    /// Checks who answers.
    pub fn check(&self, _: &Stream) -> Result<(), Distrust> {
        match *self {}
    }
}

/// Makes a socket.
///
/// # Errors
/// Always: Windows has none.
pub fn bind_private(_: &Path, _: i32) -> io::Result<Listener> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The socket that systemd passed to this process: there is no systemd.
pub fn handed_over() -> (Option<std::net::TcpListener>, Option<Listener>) {
    (None, None)
}

/// The user who connected.
pub fn user_behind(stream: &Accepted) -> Option<u32> {
    match *stream {}
}

impl NoSocket {
    /// Connects to one.
    pub fn connect(_: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Limits reads.
    pub fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        match *self {}
    }

    /// Limits writes.
    pub fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        match *self {}
    }

    /// Lets no call wait.
    pub fn set_nonblocking(&self, _: bool) -> io::Result<()> {
        match *self {}
    }

    /// Another handle to the socket.
    pub fn try_clone(&self) -> io::Result<Self> {
        match *self {}
    }

    /// The same in a runtime.
    pub fn from_std(socket: Self) -> io::Result<Self> {
        match socket {}
    }

    /// The next connection.
    #[expect(clippy::unused_async, reason = "elsewhere it waits")]
    pub async fn accept(&self) -> io::Result<(Self, Self)> {
        match *self {}
    }
}

impl Read for NoSocket {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }
}

impl Write for NoSocket {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match *self {}
    }
}

impl AsyncRead for NoSocket {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

impl AsyncWrite for NoSocket {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}
