//! Which proxy a request goes through, and what to say when one stands in the way.

use ureq::http::Uri;

use crate::tokens::error::Failure;
use crate::tokens::http::proxies::{Proxies, Proxy};

/// The proxy to reach a URL through, if any, and whether any part of the way needs TLS.
///
/// # Errors
/// The setting or variable does not hold the URL of an HTTP proxy.
pub fn choose(proxies: &Proxies, url: &str) -> Result<(Option<ureq::Proxy>, bool), Failure> {
    let Ok(uri) = url.parse::<Uri>() else { return Ok((None, true)) };
    let scheme = uri.scheme_str().unwrap_or_default();
    let chosen = proxies.of(scheme, uri.host().unwrap_or_default());
    let chosen = chosen.map(Proxy::parse).transpose()?;
    let by_tls = chosen.as_ref().is_some_and(|proxy| proxy.protocol() == ureq::ProxyProtocol::Https);
    Ok((chosen, by_tls || scheme != "http"))
}

/// What to do about a proxy that did not let us through.
pub fn hint(error: &ureq::Error) -> Option<&'static str> {
    match error {
        ureq::Error::ConnectProxyFailed(reason) if reason.contains("407") => Some(
            "the proxy wants a user and a password: put them in its URL, as in http://USER:PASSWORD@HOST:PORT",
        ),
        ureq::Error::ConnectProxyFailed(_) => Some(
            "the proxy refuses this host: have it allowed there, or name it in NO_PROXY if it can be reached directly",
        ),
        _ => None,
    }
}
