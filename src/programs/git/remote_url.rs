//! The host and path of a remote's URL, and secrets that should not be in one: git-fetch(1), GIT URLS. Pure.

use percent_encoding::percent_decode_str;

use crate::tokens::host::Host;

/// The longest name that an account can have; a longer user name is a token.
const LONGEST_LOGIN: usize = 39;
/// The prefixes of GitHub's tokens.
const TOKENS: [&str; 6] = ["ghs_", "ghu_", "gho_", "ghp_", "ghr_", "github_pat_"];

/// The parts of a URL, or of the `user@host:path` that git takes for ssh.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// Lower-cased; `ssh` also if it is not written.
    pub scheme: String,
    /// Percent-decoded; empty if there is none. May be a token.
    user: String,
    has_password: bool,
    /// As written, with its port.
    pub host: String,
    /// Without the leading slash.
    pub path: String,
}

impl Url {
    /// Parses a URL; `None` for a local path and for helpers of other transports.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority, path) = if let Some((scheme, rest)) = text.split_once("://") {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            (scheme.to_ascii_lowercase(), &rest[..end], &rest[end..])
        } else {
            // A bracket keeps the colons of an address together.
            let bracket = text.find('[').and_then(|_| Some(text.find("]:")? + 1));
            let colon = bracket.or_else(|| text.find(':'))?;
            if text[..colon].contains('/') || text[colon..].starts_with("::") {
                return None;
            }
            ("ssh".to_owned(), &text[..colon], &text[colon + 1..])
        };
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let (before, host) = authority.rsplit_once('@').map_or(("", authority), |found| found);
        let (user, password) = before.split_once(':').map_or((before, None), |(user, p)| (user, Some(p)));
        if host.is_empty() || !scheme.chars().all(is_scheme) {
            return None;
        }
        Some(Self {
            scheme,
            user: percent_decode_str(user).decode_utf8_lossy().into_owned(),
            has_password: password.is_some(),
            host: host.to_owned(),
            path: path.trim_start_matches('/').to_owned(),
        })
    }

    /// Whether it contains a secret. Even an empty password keeps git from asking a helper.
    pub fn has_secret(&self) -> bool {
        let user = &self.user;
        self.has_password || user.len() > LONGEST_LOGIN || TOKENS.iter().any(|token| user.starts_with(token))
    }

    /// The user name; `None` if there is none, or if the URL contains a secret.
    pub fn user(&self) -> Option<&str> {
        Some(self.user.as_str()).filter(|user| !user.is_empty() && !self.has_secret())
    }

    /// Whether git asks helpers for it.
    pub fn is_http(&self) -> bool {
        matches!(self.scheme.as_str(), "https" | "http")
    }

    /// Whether it leads to this host, whatever its scheme. For ssh the port says nothing, GitHub has a second name
    /// (<https://docs.github.com/authentication/troubleshooting-ssh/using-ssh-over-the-https-port>), and people with
    /// several keys append a word to the name.
    pub fn is_at(&self, host: &Host) -> bool {
        if self.is_http() {
            return host.is_asked_by(host.protocol.as_bytes(), self.host.as_bytes());
        }
        let name = without_port(&host.name);
        let asked = self.host_name().to_ascii_lowercase();
        let asked = asked.strip_prefix("ssh.").unwrap_or(&asked);
        asked.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }

    /// The host without its port.
    pub fn host_name(&self) -> &str {
        without_port(&self.host)
    }
}

/// Only a host's name; the colons of an address in brackets are its own.
pub fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(String, Option<String>, bool, String, String)> {
        let url = Url::parse(text)?;
        Some((
            url.scheme.clone(),
            url.user().map(str::to_owned),
            url.has_secret(),
            url.host.clone(),
            url.path,
        ))
    }

    #[test]
    fn urls_are_taken_apart_as_git_does() {
        for (text, scheme, user, host, path) in [
            ("https://github.com/o/r.git", "https", None, "github.com", "o/r.git"),
            ("HTTPS://GitHub.com:443/o/r/", "https", None, "GitHub.com:443", "o/r/"),
            ("https://me@github.com/o/r", "https", Some("me"), "github.com", "o/r"),
            ("https://@github.com/o/r", "https", None, "github.com", "o/r"),
            ("https://m%65@github.com", "https", Some("me"), "github.com", ""),
            ("http://[::1]:8080/o/r", "http", None, "[::1]:8080", "o/r"),
            ("ssh://git@github.com:22/o/r", "ssh", Some("git"), "github.com:22", "o/r"),
            ("git@github.com:o/r.git", "ssh", Some("git"), "github.com", "o/r.git"),
            ("github.com:/o/r", "ssh", None, "github.com", "o/r"),
            ("git@[::1]:o/r", "ssh", Some("git"), "[::1]", "o/r"),
            ("git+ssh://github.com/o/r", "git+ssh", None, "github.com", "o/r"),
            ("https://github.com@evil.example/o/r", "https", Some("github.com"), "evil.example", "o/r"),
            ("https://a.example?@github.com/", "https", None, "a.example", "?@github.com/"),
        ] {
            let expected = (scheme.into(), user.map(Into::into), false, host.into(), path.into());
            assert_eq!(parts(text), Some(expected), "{text}");
        }
        for text in
            ["/srv/r.git", "../r", "./a:b", "file:///srv/r", "ext::sh -c x", "x::https://h/p", "r", ""]
        {
            assert!(parts(text).is_none(), "{text}");
        }
    }

    #[test]
    fn passwords_and_tokens_are_known_and_kept() {
        let long = "x".repeat(40);
        for text in [
            "https://me:hunter2@github.com/o/r".to_owned(),
            "https://x-access-token:ghs_a@github.com/o/r".to_owned(),
            "https://x-access-token:@github.com/o/r".to_owned(),
            "https://ghp_0123@github.com/o/r".to_owned(),
            "https://gh%70_0123@github.com/o/r".to_owned(),
            format!("https://{long}@github.com/o/r"),
            "https://a@b:c@github.com/o/r".to_owned(),
        ] {
            let url = Url::parse(&text).unwrap();
            assert!(url.has_secret() && url.user().is_none() && url.host == "github.com", "{text}");
        }
    }

    #[test]
    fn a_port_is_no_part_of_a_hosts_name() {
        for (text, name) in [
            ("ssh://ssh.github.com:443/o/r", "ssh.github.com"),
            ("https://github.com/o/r", "github.com"),
            ("http://[::1]:80/", "[::1]"),
            ("http://[::1]/", "[::1]"),
        ] {
            assert_eq!(Url::parse(text).unwrap().host_name(), name, "{text}");
        }
    }
}
