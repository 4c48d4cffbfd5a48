//! Proxies by curl's rules, so that git and this program use the same proxy
//! (<https://curl.se/docs/manpage.html#ENVIRONMENT>): one for each scheme, unless `NO_PROXY` names the host. hyper-util's
//! matcher has other rules: `*` is only for names, and `*.example.com`, `example.com.`, `[::1]` and blanks in place of
//! commas match nothing; it adds 0.3 % to the binary.

use std::net::IpAddr;

use ureq::http::Uri;

use crate::tokens::error::{Failure, escape};
use crate::tokens::origin::Origin;
use crate::tokens::secret::Secret;

/// curl's variables for a proxy, those for https first and in the order in which they count for it.
pub const VARIABLES: [[&str; 2]; 3] =
    [["https_proxy", "HTTPS_PROXY"], ["all_proxy", "ALL_PROXY"], ["http_proxy", "HTTP_PROXY"]];
/// Its variables for what needs none.
pub const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The proxy settings. Variables, which are other programs' too, are checked only where they are needed.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    no_proxy: Vec<String>,
    /// Our own setting says so, and not the variables.
    is_setting: bool,
}

/// No proxy for anything.
pub const NONE: Proxies = Proxies { https: None, http: None, no_proxy: Vec::new(), is_setting: false };

/// One proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// For messages.
    origin: Origin,
    /// May hold a user and a password.
    url: Secret,
}

impl Proxy {
    /// By the text of its URL, which is checked where the proxy is needed.
    pub fn new(origin: Origin, url: String) -> Self {
        Self { origin, url: Secret::new(url) }
    }

    /// The proxy in ureq's form.
    ///
    /// # Errors
    /// It is not the URL of an HTTP proxy; the value, which may hold a password, is not shown.
    pub fn parse(&self) -> Result<ureq::Proxy, Failure> {
        let wrong = |what: &str| {
            Failure::new(self.origin.kind(), format!("{}: {what}", self.origin))
                .hint("expected the URL of an HTTP proxy, such as http://proxy.example.com:3128")
                .hint("NO_PROXY names hosts to reach without a proxy, and --proxy none uses none at all")
        };
        let text = self.url.expose().trim();
        let parsed = parse(text).ok_or_else(|| wrong("this is not the URL of a proxy"))?;
        if is_http(&parsed) { Ok(parsed) } else { Err(wrong("SOCKS proxies are not supported")) }
    }
}

/// A proxy as messages name it: without user and password.
pub fn name(proxy: &ureq::Proxy) -> String {
    let scheme = proxy.protocol().to_string().to_ascii_lowercase();
    escape(&format!("{scheme}://{}:{}", proxy.host(), proxy.port()))
}

/// The URL of a proxy, or `none`, as lists show it; `None`: it cannot be told from a password.
pub fn shown(text: &str) -> Option<String> {
    if is_none(text) {
        return Some("none".to_owned());
    }
    parse(text).filter(is_http).map(|proxy| name(&proxy))
}

/// Whether a setting says that there is no proxy.
pub fn is_none(text: &str) -> bool {
    text.eq_ignore_ascii_case("none")
}

fn is_http(proxy: &ureq::Proxy) -> bool {
    matches!(proxy.protocol(), ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https)
}

fn parse(url: &str) -> Option<ureq::Proxy> {
    ureq::Proxy::new(url).ok().filter(|_| has_sound_port(url))
}

/// ureq ignores a port that is not a number.
fn has_sound_port(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    uri.host() == Some(place) || uri.port_u16().is_some()
}

impl Proxies {
    /// One for each scheme, but not for the hosts of a list in `NO_PROXY`'s form.
    pub fn new(https: Option<Proxy>, http: Option<Proxy>, no_proxy: &str, is_setting: bool) -> Self {
        let entries = no_proxy.split([',', ' ']).filter(|entry| !entry.is_empty());
        Self { https, http, no_proxy: entries.map(str::to_ascii_lowercase).collect(), is_setting }
    }

    /// None for anything, as our own setting says.
    pub fn none_by_setting() -> Self {
        Self { is_setting: true, ..NONE }
    }

    /// How to configure another program that reads only curl's variables: the variables to take away and to set.
    pub fn for_program(&self) -> Option<(&'static [&'static str], Option<&Secret>)> {
        self.is_setting.then(|| (VARIABLES.as_flattened(), self.https.as_ref().map(|proxy| &proxy.url)))
    }

    /// The proxy for a URL's scheme and host (IPv6 in brackets or not).
    pub fn of(&self, scheme: &str, host: &str) -> Option<&Proxy> {
        let proxy = if scheme == "https" { &self.https } else { &self.http };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        proxy.as_ref().filter(|_| !self.no_proxy.iter().any(|entry| exempts(entry, &host)))
    }
}

/// Whether an entry of `NO_PROXY` covers a host: `*`, an address, a network such as `10.0.0.0/8`, or a domain with all
/// below it.
fn exempts(entry: &str, host: &str) -> bool {
    let entry = entry.trim_start_matches("*.").trim_start_matches('.').trim_end_matches('.');
    if let Ok(address) = host.parse::<IpAddr>() {
        let entry = entry.trim_start_matches('[').trim_end_matches(']');
        return match entry.split_once('/') {
            Some((network, bits)) => within(address, network, bits),
            None => entry == "*" || entry.parse() == Ok(address),
        };
    }
    let host = host.trim_end_matches('.');
    entry == "*" || host.strip_suffix(entry).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn within(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let (address, network, width) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (u128::from(a.to_bits()), u128::from(n.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits(), n.to_bits(), 128),
        _ => return false,
    };
    bits <= width && (address ^ network).checked_shr(width - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_names_domains_addresses_and_networks() {
        for (entry, host, exempt) in [
            ("*", "github.com", true),
            ("github.com", "github.com", true),
            ("github.com", "api.github.com", true),
            (".github.com", "github.com", true),
            ("*.github.com", "api.github.com", true),
            ("github.com", "evilgithub.com", false),
            ("api.github.com", "github.com", false),
            ("github.com.", "github.com", true),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("0.0.0.0/0", "11.1.2.3", true),
            ("10.0.0.0/33", "10.0.0.0", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("0.0.1", "127.0.0.1", false),
            ("::1", "::1", true),
            ("[::1]", "::1", true),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "10.0.0.1", false),
            ("*", "::1", true),
        ] {
            assert_eq!(exempts(entry, host), exempt, "{entry} {host}");
        }
    }

    #[test]
    fn each_scheme_has_its_own_proxy() {
        let proxy =
            |url: &str| Some(Proxy { origin: Origin::Environment("X"), url: Secret::new(url.into()) });
        let proxies = Proxies {
            https: proxy("s"),
            http: proxy("h"),
            no_proxy: vec!["near.test".into()],
            is_setting: false,
        };
        let url = |scheme, host| proxies.of(scheme, host).map(|proxy| proxy.url.expose());
        assert_eq!((url("https", "far.test"), url("http", "far.test")), (Some("s"), Some("h")));
        assert_eq!((url("https", "Near.test"), url("http", "[::1]")), (None, Some("h")));
    }
}
