//! What the standard library and tokio leave out of sockets.

use std::io;
use std::net::TcpListener;

use tokio::net::TcpStream;

use crate::platform::unix_socket::NoSocket;

/// How many connections may wait to be accepted: what the standard library lets.
pub fn let_wait(_: &TcpListener, _: i32) -> io::Result<()> {
    Ok(())
}

/// Waits until anything has come: Windows tells again and again of what nobody takes, so that nobody can wait here for
/// the rest of it.
pub async fn peek<const N: usize>(stream: &TcpStream, _: impl Fn(&[u8]) -> bool) -> io::Result<()> {
    stream.readable().await
}

/// The same for a Unix socket.
#[expect(clippy::unused_async, reason = "elsewhere it waits")]
pub async fn peek_unix<const N: usize>(stream: &NoSocket, _: impl Fn(&[u8]) -> bool) -> io::Result<()> {
    match *stream {}
}

/// How many files may be open; `None`: any number.
pub fn allow_open_files(_: u64) -> Option<u64> {
    None
}
