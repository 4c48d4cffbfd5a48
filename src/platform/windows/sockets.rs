//! Socket calls that the standard library and tokio lack.

use std::io;
use std::net::TcpListener;

use tokio::net::TcpStream;

use crate::platform::unix_socket::NoSocket;

/// How many connections may wait to be accepted: as many as the standard library allows.
pub fn let_wait(_: &TcpListener, _: i32) -> io::Result<()> {
    Ok(())
}

/// Waits for the first bytes only: Windows reports unread bytes again and again, so we cannot wait here for the rest.
pub async fn peek<const N: usize>(stream: &TcpStream, _: impl Fn(&[u8]) -> bool) -> io::Result<()> {
    stream.readable().await
}

/// The same for a Unix socket.
#[expect(clippy::unused_async, reason = "elsewhere it waits")]
pub async fn peek_unix<const N: usize>(stream: &NoSocket, _: impl Fn(&[u8]) -> bool) -> io::Result<()> {
    match *stream {}
}

/// How many files may be open; `None`: unlimited.
pub fn allow_open_files(_: u64) -> Option<u64> {
    None
}
