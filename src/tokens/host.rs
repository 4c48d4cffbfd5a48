//! The git host answered for, and the rules for URLs in settings. Pure.

use std::net::IpAddr;

use ureq::http::Uri;

/// The one host that gets our tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// `https`, or `http` for a loopback host configured so.
    pub protocol: &'static str,
    /// Lower-cased, with its port unless that is the protocol's own.
    pub name: String,
}

impl Default for Host {
    fn default() -> Self {
        Self { protocol: "https", name: "github.com".into() }
    }
}

impl Host {
    /// Reads `HOST`, `HOST:PORT`, `https://HOST` or, for loopback, `http://HOST`.
    ///
    /// # Errors
    /// What is wrong, without the value: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (protocol, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
            Some(_) => return Err("the scheme is neither https nor http"),
            None => ("https", text),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err("a user or password in a host is not allowed");
        }
        let uri: Uri = format!("{protocol}://{rest}/").parse().map_err(|_| "this is not a host name")?;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority != rest || authority.is_empty() || uri.host().is_none_or(str::is_empty) {
            return Err("this is not a host name");
        }
        let name = normalise(protocol, authority);
        if protocol == "http" && !is_loopback(uri.host().unwrap_or_default()) {
            return Err("plain http is accepted for a loopback host only");
        }
        if name == "gist.github.com" || name == "api.github.com" {
            return Err("installation tokens are for github.com");
        }
        if let Some(label) = name.strip_suffix("ghe.com").and_then(|rest| rest.strip_suffix('.'))
            && (label.contains('.') || matches!(label, "api" | "auth"))
        {
            return Err("data residency hosts are SUB.ghe.com with one label before ghe.com");
        }
        Ok(Self { protocol, name })
    }

    /// Whether git asks for exactly this host. Compared as a whole and without case (protocol exactly):
    /// parts and patterns are how other helpers gave tokens away.
    pub fn is_asked_by(&self, protocol: &[u8], host: &[u8]) -> bool {
        protocol == self.protocol.as_bytes()
            && std::str::from_utf8(host).is_ok_and(|host| normalise(self.protocol, host) == self.name)
    }

    /// The REST base URL, without a slash at its end
    /// (<https://docs.github.com/enterprise-server/rest/using-the-rest-api/getting-started-with-the-rest-api>).
    pub fn api_url(&self) -> String {
        if self.is_cloud() { format!("https://api.{}", self.name) } else { format!("{}/api/v3", self.url()) }
    }

    /// The host as the start of a URL.
    pub fn url(&self) -> String {
        format!("{}://{}", self.protocol, self.name)
    }

    /// Its name without a port; an IPv6 address stays in its brackets.
    pub fn without_port(&self) -> &str {
        match self.name.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => &self.name,
        }
    }

    /// github.com or data residency, as opposed to Enterprise Server.
    pub fn is_cloud(&self) -> bool {
        let is_data_residency = self.name.strip_suffix(".ghe.com").is_some_and(|label| !label.is_empty());
        self.protocol == "https" && (self.name == "github.com" || is_data_residency)
    }
}

fn normalise(protocol: &str, host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let own_port = if protocol == "https" { ":443" } else { ":80" };
    match host.strip_suffix(own_port) {
        // `[::1]:443` has a port, `::443` would be no host at all.
        Some(name) if !name.is_empty() && (name.ends_with(']') || !name.contains(':')) => name.to_owned(),
        _ => host,
    }
}

/// Whether a URL's host (IPv6 in brackets) is this machine: by a name or an address in its usual form.
pub fn is_loopback(host: &str) -> bool {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether a URL's host is a name without a dot. A number is not one: resolvers take `134744072`, `0x8080808` and
/// `01002004010` for addresses, and not only for local ones (`inet_aton(3)`).
pub fn is_one_label_name(host: &str) -> bool {
    let hex = host.strip_prefix("0x").or_else(|| host.strip_prefix("0X"));
    let is_number = match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => host.bytes().all(|byte| byte.is_ascii_digit()),
    };
    !is_number && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Checks a URL that a setting names: http or https, a host, no user or password, no fragment.
///
/// # Errors
/// What is wrong, without the value.
pub fn check_url(text: &str) -> Result<Uri, &'static str> {
    let authority =
        text.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    if authority.contains('@') {
        return Err("a user or password inside a URL is not allowed");
    }
    if text.contains('#') {
        return Err("a URL with a fragment is not allowed here");
    }
    let uri: Uri = text.parse().map_err(|_| "this is not a URL")?;
    match (uri.scheme_str(), uri.host()) {
        (Some("https" | "http"), Some(host)) if !host.is_empty() => Ok(uri),
        _ => Err("this is not an http or https URL"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_normalised_and_have_their_api() {
        for (text, url, api) in [
            ("github.com", "https://github.com", "https://api.github.com"),
            ("GitHub.com:443", "https://github.com", "https://api.github.com"),
            ("https://github.com/", "https://github.com", "https://api.github.com"),
            ("acme.ghe.com", "https://acme.ghe.com", "https://api.acme.ghe.com"),
            ("ghe.example.com:8443", "https://ghe.example.com:8443", "https://ghe.example.com:8443/api/v3"),
            ("http://127.0.0.1:80", "http://127.0.0.1", "http://127.0.0.1/api/v3"),
            ("http://[::1]:8080", "http://[::1]:8080", "http://[::1]:8080/api/v3"),
            ("http://localhost:1", "http://localhost:1", "http://localhost:1/api/v3"),
        ] {
            let host = Host::parse(text).unwrap();
            assert_eq!((host.url().as_str(), host.api_url().as_str()), (url, api), "{text}");
        }
        for text in [
            "",
            "http://github.com",
            "ftp://github.com",
            "user:pass@github.com",
            "github.com/o",
            "a b",
            "a.b.ghe.com",
            "api.x.ghe.com",
            "auth.ghe.com",
            "gist.github.com",
            "http://localhost.evil.example",
        ] {
            assert!(Host::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_exactly_the_configured_host_is_ours() {
        let host = Host::parse("github.com").unwrap();
        for (protocol, name, ours) in [
            ("https", "github.com", true),
            ("https", "GitHub.COM", true),
            ("https", "github.com:443", true),
            ("HTTPS", "github.com", false),
            ("http", "github.com", false),
            ("https", "github.com.", false),
            ("https", "github.com:8443", false),
            ("https", "github.com:", false),
            ("https", "gist.github.com", false),
            ("https", "github.com.evil.example", false),
            ("https", "evilgithub.com", false),
            ("https", "github.com/evil.example", false),
            ("https", "", false),
            ("", "github.com", false),
        ] {
            assert_eq!(host.is_asked_by(protocol.as_bytes(), name.as_bytes()), ours, "{protocol} {name}");
        }
        assert!(!host.is_asked_by(b"https", b"github.com\xff"));
        assert!(Host::parse("http://127.0.0.1:99").unwrap().is_asked_by(b"http", b"127.0.0.1:99"));
    }

    #[test]
    fn only_the_usual_names_mean_this_machine() {
        for (host, is_this) in [
            ("localhost", true),
            ("LocalHost", true),
            ("127.0.0.1", true),
            ("127.255.255.254", true),
            ("[::1]", true),
            ("[::ffff:127.0.0.1]", true),
            ("localhost.", false),
            ("localhost.localdomain", false),
            ("2130706433", false),
            ("0x7f000001", false),
            ("017700000001", false),
            ("127.1", false),
            ("0177.0.0.1", false),
            ("127.0.0.1.", false),
            ("0.0.0.0", false),
            ("[::]", false),
            ("[::ffff:8.8.8.8]", false),
            ("[::1%lo]", false),
            ("[fe80::1%25eth0]", false),
            ("[[::1]]", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(host), is_this, "{host}");
        }
    }

    #[test]
    fn a_number_is_not_a_one_label_name() {
        for (host, is_name) in [
            ("platform", true),
            ("broker-2", true),
            ("my_broker", true),
            ("0xcafe-broker", true),
            ("3scale", true),
            ("2130706433", false),
            ("0x7f000001", false),
            ("0X7F000001", false),
            ("0x", false),
            ("0", false),
            ("017700000001", false),
            ("127.1", false),
            ("platform.", false),
            ("evil%2eexample", false),
            ("[::1]", false),
            ("a:b", false),
            ("", false),
        ] {
            assert_eq!(is_one_label_name(host), is_name, "{host}");
        }
    }

    #[test]
    fn urls_with_credentials_or_other_schemes_are_refused() {
        for text in
            ["https://u:p@h/x", "https://u@h", "ftp://h", "h/x", "https://", "https://h/#f", "unix:/x"]
        {
            assert!(check_url(text).is_err(), "{text}");
        }
        assert!(check_url("https://h:1/a/b?c=d@e").is_ok());
    }
}
