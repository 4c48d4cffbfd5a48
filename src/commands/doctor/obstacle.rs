//! Why git does not ask the helper for a URL, or why the helper does not answer. Pure.

use crate::programs::git::remote_url::Url;
use crate::tokens::host::Host;
use crate::tokens::protocol::is_placeholder;

/// Whether a user name is a person's, which the helper does not answer for.
pub fn is_person(name: &str) -> bool {
    !name.is_empty() && !is_placeholder(name.as_bytes())
}

/// Why git does not ask the helper for a URL of its host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Obstacle {
    /// A password or token in the URL, which git uses instead.
    Secret,
    /// ssh, git or plain http.
    Scheme(String),
    /// A person's name.
    Person(String),
}

impl Obstacle {
    /// The first obstacle.
    pub fn of(url: &Url, host: &Host) -> Option<Self> {
        if url.has_secret() {
            return Some(Self::Secret);
        }
        if url.scheme != host.protocol {
            return Some(Self::Scheme(url.scheme.clone()));
        }
        url.user().filter(|user| is_person(user)).map(|user| Self::Person(user.to_owned()))
    }
}
