//! Looks hosts up in the way of the system, whatever this build is linked with.

use std::net::{IpAddr, SocketAddr};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::ATTEMPT;
use crate::clock::Deadline;
use crate::getent;

/// getent(1) where glibc is linked in; else glibc itself, as ureq asks it.
#[derive(Debug)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        match getent::NEEDED.then(|| by_getent(uri, timeout)).flatten() {
            None => DefaultResolver::default().resolve(uri, config, timeout),
            Some(found) if found.is_empty() => Err(ureq::Error::HostNotFound),
            Some(found) => {
                let mut addresses = self.empty();
                // The array has room for sixteen, and panics at more.
                found.into_iter().take(16).for_each(|address| addresses.push(address));
                Ok(addresses)
            }
        }
    }
}

/// `None`: getent cannot say, or there is nothing to look up.
fn by_getent(uri: &Uri, timeout: NextTimeout) -> Option<Vec<SocketAddr>> {
    let host = uri.host()?;
    if host.starts_with('[') || host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let limit = timeout.not_zero().map_or(ATTEMPT, |limit| *limit);
    let found = getent::addresses(host, Deadline::after(limit))?;
    Some(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
}
