//! Looks hosts up as the C library does.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::mpsc;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::platform::threads;
use crate::tokens::http::ATTEMPT;

/// The C library, within the time limit.
#[derive(Debug)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let limit = timeout.not_zero().map_or(ATTEMPT, |limit| *limit);
        let found = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => look_up(host, limit).map_err(|error| match error.kind() {
                io::ErrorKind::TimedOut => ureq::Error::Timeout(timeout.reason),
                _ => error.into(),
            })?,
        };
        if found.is_empty() {
            return Err(ureq::Error::HostNotFound);
        }
        let mut addresses = self.empty();
        // The array has room for sixteen, and panics at more.
        for address in found.into_iter().take(16) {
            addresses.push(SocketAddr::new(address, port));
        }
        Ok(addresses)
    }
}

/// Asks in a thread, as the C library knows no time limit. Not ureq's own way, which panics where no thread can be started.
fn look_up(host: &str, limit: Duration) -> io::Result<Vec<IpAddr>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let host = host.to_owned();
    threads::start("resolver", move || {
        let found = (host, 0).to_socket_addrs();
        let _ = sender.send(found.map(|found| found.map(|address| address.ip()).collect()));
    })?;
    receiver.recv_timeout(limit).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
