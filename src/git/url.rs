//! Where a URL of a remote leads, and what should not be in one: git-fetch(1), GIT URLS. Pure.

/// The parts of a URL, or of the `user@host:path` that git takes for ssh.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// Lower-cased; `ssh` also where it is not written.
    pub scheme: String,
    /// As written, with its port.
    pub host: String,
    /// Without the slash at its beginning.
    pub path: String,
}

impl Url {
    /// Reads a URL; `None` for a path of this machine and for helpers of other transports.
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
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        if host.is_empty() || !scheme.chars().all(is_scheme) {
            return None;
        }
        Some(Self { scheme, host: host.to_owned(), path: path.trim_start_matches('/').to_owned() })
    }

    /// Whether git asks helpers for it.
    pub fn is_http(&self) -> bool {
        matches!(self.scheme.as_str(), "https" | "http")
    }

    /// The host without its port.
    pub fn host_name(&self) -> &str {
        let host = self.host.as_str();
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
            _ => host,
        }
    }
}
