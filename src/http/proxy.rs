//! From a proxy setting to ureq's proxy, and what to say when one stands in the way. A proxy's user and password never
//! show.

use ureq::http::Uri;

use crate::error::{Failure, Kind, escape};
use crate::settings::proxies::{Proxies, Proxy};

/// The proxy to reach a URL through, if any.
///
/// # Errors
/// [`Kind::Settings`]: the variable holds no URL of an HTTP proxy.
pub fn choose(proxies: &Proxies, url: &str) -> Result<Option<ureq::Proxy>, Failure> {
    let Ok(uri) = url.parse::<Uri>() else { return Ok(None) };
    let chosen = proxies.of(uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default());
    chosen.map(parse).transpose()
}

fn parse(proxy: &Proxy) -> Result<ureq::Proxy, Failure> {
    let wrong = |what: &str| {
        Failure::new(Kind::Settings, format!("environment variable {}: {what}", proxy.variable))
            .hint("expected the URL of an HTTP proxy, such as http://proxy.example.com:3128")
            .hint("NO_PROXY names hosts to reach without a proxy")
    };
    let parsed =
        ureq::Proxy::new(proxy.url.expose().trim()).map_err(|_| wrong("this is no URL of a proxy"))?;
    match parsed.protocol() {
        ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https => Ok(parsed),
        _ => Err(wrong("SOCKS proxies are not supported")),
    }
}

/// A proxy as messages name it: without user and password.
pub fn name(proxy: &ureq::Proxy) -> String {
    let scheme = proxy.protocol().to_string().to_ascii_lowercase();
    escape(&format!("{scheme}://{}:{}", proxy.host(), proxy.port()))
}

/// What to do about a proxy that did not let us through.
pub fn hint(error: &ureq::Error) -> Option<&'static str> {
    match error {
        ureq::Error::ConnectProxyFailed(reason) if reason.contains("407") => Some(
            "the proxy wants a user and a password: write them into its URL, as in http://USER:PASSWORD@HOST:PORT",
        ),
        ureq::Error::ConnectProxyFailed(_) => Some(
            "the proxy refuses this host: let it be allowed there, or name it in NO_PROXY if it can be reached without",
        ),
        _ => None,
    }
}
