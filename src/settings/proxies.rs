//! Proxies by curl's rules, so that git and we take the same way
//! (<https://curl.se/docs/manpage.html#ENVIRONMENT>): the one that our setting names, else the scheme's own variable, else
//! `ALL_PROXY`, unless `NO_PROXY` names the host. The lower-case name of a variable beats the upper-case one.

use std::net::IpAddr;

use ureq::http::Uri;

use crate::settings::sources::{Found, Origin, variable};
use crate::tokens::error::{Failure, escape};
use crate::tokens::secret::Secret;

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
    fn new((origin, url): (Origin, String)) -> Self {
        Self { origin, url: Secret::new(url) }
    }

    fn of(found: &Found) -> Self {
        Self::new((found.origin.clone(), found.text().to_owned()))
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
        let parsed = ureq::Proxy::new(text).ok().filter(|_| has_sound_port(text));
        let parsed = parsed.ok_or_else(|| wrong("this is not the URL of a proxy"))?;
        match parsed.protocol() {
            ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https => Ok(parsed),
            _ => Err(wrong("SOCKS proxies are not supported")),
        }
    }
}

/// A proxy as messages name it: without user and password.
pub fn name(proxy: &ureq::Proxy) -> String {
    let scheme = proxy.protocol().to_string().to_ascii_lowercase();
    escape(&format!("{scheme}://{}:{}", proxy.host(), proxy.port()))
}

/// Our own setting as lists show it; `None`: it cannot be told from a password.
pub(super) fn shown(found: &Found) -> Option<String> {
    if is_none(found) {
        return Some("none".to_owned());
    }
    Proxy::of(found).parse().ok().map(|proxy| name(&proxy))
}

/// ureq takes a port that is no number for none.
fn has_sound_port(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    uri.host() == Some(place) || uri.port_u16().is_some()
}

fn is_none(found: &Found) -> bool {
    found.text().eq_ignore_ascii_case("none")
}

impl Proxies {
    /// The proxy of our own setting for every scheme, else those of the variables.
    pub fn new(setting: Option<&Found>) -> Result<Self, Failure> {
        if setting.is_some_and(is_none) {
            return Ok(Self { is_setting: true, ..NONE });
        }
        let setting = setting.map(Proxy::of);
        setting.as_ref().map(Proxy::parse).transpose()?;
        let all = first(["all_proxy", "ALL_PROXY"])?;
        let of_scheme = |names| match &setting {
            Some(proxy) => Ok(Some(proxy.clone())),
            None => Ok::<_, Failure>(first(names)?.or_else(|| all.clone()).map(Proxy::new)),
        };
        let no_proxy = first(["no_proxy", "NO_PROXY"])?.map(|(_, list)| list).unwrap_or_default();
        Ok(Self {
            https: of_scheme(["https_proxy", "HTTPS_PROXY"])?,
            http: of_scheme(["http_proxy", "HTTP_PROXY"])?,
            no_proxy: no_proxy
                .split([',', ' '])
                .filter(|entry| !entry.is_empty())
                .map(str::to_ascii_lowercase)
                .collect(),
            is_setting: setting.is_some(),
        })
    }

    /// What another program has to be told that reads curl's variables alone: the variables to take away and to set.
    pub fn for_program(&self) -> Option<([&'static str; 6], Option<&Secret>)> {
        let variables = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
        self.is_setting.then(|| (variables, self.https.as_ref().map(|proxy| &proxy.url)))
    }

    /// The proxy for a URL's scheme and host (IPv6 in brackets or not).
    pub fn of(&self, scheme: &str, host: &str) -> Option<&Proxy> {
        let proxy = if scheme == "https" { &self.https } else { &self.http };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        proxy.as_ref().filter(|_| !self.no_proxy.iter().any(|entry| exempts(entry, &host)))
    }
}

fn first(names: [&'static str; 2]) -> Result<Option<(Origin, String)>, Failure> {
    for name in names {
        if let Some(text) = variable(name)? {
            return Ok(Some((Origin::Environment(name), text)));
        }
    }
    Ok(None)
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
