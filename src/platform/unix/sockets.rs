//! Socket calls that the standard library and tokio lack.

use std::io;
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, listen, recv};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

/// How many connections may wait to be accepted: the standard library allows 128, and the system may allow fewer.
pub fn let_wait(listener: &TcpListener, count: i32) -> io::Result<()> {
    Ok(listen(listener, count)?)
}

/// Peeks at up to `N` received bytes until `is_enough` accepts them or the peer has closed the connection. The bytes stay
/// unread.
pub async fn peek<const N: usize>(stream: &TcpStream, is_enough: impl Fn(&[u8]) -> bool) -> io::Result<()> {
    loop {
        let ready = stream.ready(Interest::READABLE).await?;
        let look = || look::<N>(stream, &is_enough);
        if ready.is_read_closed() || stream.try_io(Interest::READABLE, look).is_ok() {
            return Ok(());
        }
    }
}

/// The same for a Unix socket.
pub async fn peek_unix<const N: usize>(
    stream: &UnixStream,
    is_enough: impl Fn(&[u8]) -> bool,
) -> io::Result<()> {
    loop {
        let ready = stream.ready(Interest::READABLE).await?;
        let look = || look::<N>(stream, &is_enough);
        if ready.is_read_closed() || stream.try_io(Interest::READABLE, look).is_ok() {
            return Ok(());
        }
    }
}

/// Returns `WouldBlock` if more bytes are needed, so that the caller waits for them.
fn look<const N: usize>(socket: impl AsFd, is_enough: &impl Fn(&[u8]) -> bool) -> io::Result<()> {
    let mut buffer = [MaybeUninit::uninit(); N];
    match recv(socket, &mut buffer[..], RecvFlags::PEEK) {
        Err(Errno::AGAIN) => Err(io::ErrorKind::WouldBlock.into()),
        // The next read reports it.
        Err(_) => Ok(()),
        Ok(((come, _), _)) if is_enough(come) => Ok(()),
        Ok(_) => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// Raises the limit of open files to this number, as far as the system allows. Returns the limit; `None`: unlimited.
pub fn allow_open_files(wanted: u64) -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = limit.maximum.map_or(wanted, |maximum| wanted.min(maximum));
    if limit.current.is_some_and(|current| raised > current) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum });
    }
    getrlimit(Resource::Nofile).current
}
