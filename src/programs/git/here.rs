//! The repository of the clone in the current directory: its remote `origin`. git itself is asked, so that its own rules
//! apply (`safe.directory`, `insteadOf`).

use std::cell::OnceCell;

use crate::platform::clock::Deadline;
use crate::platform::process::PATIENCE;
use crate::programs::git::remote_url::Url;
use crate::tokens::host::Host;
use crate::tokens::scope::Repository;

/// The clone that the current directory is in, if any; git is asked once, and only if needed.
#[derive(Default)]
pub struct Here {
    origin: OnceCell<Option<Url>>,
}

impl Here {
    /// The repository that `origin` names at a host, by https or ssh; `None` also for a remote of another host.
    pub fn repository_at(&self, host: &Host) -> Option<Repository> {
        let url = self.origin.get_or_init(ask).as_ref()?;
        repository_at(url, host)
    }
}

/// Without git, without a clone, or where git does not trust the clone, it is unknown: that is not an error.
fn ask() -> Option<Url> {
    let outcome =
        crate::programs::git::run(&["remote", "get-url", "origin"], Deadline::after(PATIENCE)).ok()?;
    let text = std::str::from_utf8(&outcome.stdout).ok()?;
    Url::parse(text.trim_end_matches(['\r', '\n'])).filter(|_| outcome.status.success())
}

fn repository_at(url: &Url, host: &Host) -> Option<Repository> {
    let is_ssh = matches!(url.scheme.as_str(), "ssh" | "git+ssh" | "ssh+git");
    let ours = (is_ssh || url.scheme == host.protocol) && url.is_at(host);
    Repository::from_path(url.path.as_bytes()).filter(|_| ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_names_a_repository_of_its_own_host_only() {
        for (url, host, found) in [
            ("https://github.com/octo/one.git", "github.com", Some("octo/one")),
            ("https://me@GitHub.com/octo/one", "github.com", Some("octo/one")),
            ("git@github.com:octo/one.git", "github.com", Some("octo/one")),
            ("ssh://git@github.com/octo/one", "github.com", Some("octo/one")),
            ("ssh://git@ssh.github.com:443/octo/one", "github.com", Some("octo/one")),
            ("ssh://git@ghe.example.com:122/octo/one", "ghe.example.com:8443", Some("octo/one")),
            ("http://127.0.0.1:99/octo/one", "http://127.0.0.1:99", Some("octo/one")),
            ("git@127.0.0.1:octo/one", "http://127.0.0.1:99", Some("octo/one")),
            ("http://github.com/octo/one", "github.com", None),
            ("https://github.com.evil.example/octo/one", "github.com", None),
            ("git@gitlab.com:octo/one", "github.com", None),
            ("https://github.com/octo", "github.com", None),
            ("git://github.com/octo/one", "github.com", None),
        ] {
            let repository = repository_at(&Url::parse(url).unwrap(), &Host::parse(host).unwrap());
            let name = repository.map(|repository| format!("{}/{}", repository.owner, repository.name));
            assert_eq!(name.as_deref(), found, "{url} at {host}");
        }
    }
}
