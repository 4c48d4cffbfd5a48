//! The repository that `--repo` names: OWNER/NAME, or any URL of it.

use crate::commands::doctor::machine::host_of;
use crate::programs::git::remote_url::Url;
use crate::tokens::error::{Failure, Kind, escape};
use crate::tokens::host::Host;
use crate::tokens::scope::Repository;

/// A repository, and the host that its URL names.
#[derive(Debug)]
pub struct Subject {
    host: Option<Host>,
    /// Owner and name.
    pub repository: Repository,
}

impl Subject {
    /// Reads the option.
    ///
    /// # Errors
    /// It names no repository, or one of a host that the settings do not know.
    pub fn parse(text: &str, hosts: &[Host]) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::new(Kind::Usage, format!("option --repo: {what}"));
        let bad = || {
            wrong(&format!("bad repository \"{}\"", escape(text)))
                .hint("expected OWNER/NAME, such as octo-org/hello, or a URL of it")
        };
        let Some(url) = Url::parse(text) else {
            let path = text.trim_end_matches('/');
            let found = Repository::from_path(path.as_bytes()).filter(|_| path.matches('/').count() == 1);
            return Ok(Self { host: None, repository: found.ok_or_else(bad)? });
        };
        if url.has_secret() {
            return Err(wrong("there is a password or token in the URL")
                .hint("leave it out: everybody on this machine can see a command's options"));
        }
        let host = host_of(hosts, &url).cloned();
        if let (None, Some(ours)) = (&host, hosts.first()) {
            return Err(wrong(&format!("the settings are not for {}", escape(&url.host)))
                .hint(format!("they are for {}; --config or --host names other settings", ours.name)));
        }
        Ok(Self { host, repository: Repository::from_path(url.path.as_bytes()).ok_or_else(bad)? })
    }

    /// Whether it is, or can be, on this host.
    pub fn is_at(&self, host: &Host) -> bool {
        self.host.as_ref().is_none_or(|own| own == host)
    }

    /// As in a URL's path.
    pub fn path(&self) -> String {
        format!("{}/{}", self.repository.owner, self.repository.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_named_in_every_form_of_its_host() {
        let hosts = [Host::parse("ghe.test:8443").unwrap()];
        for text in [
            "o/r",
            "o/r.git",
            "o/r/",
            "https://ghe.test:8443/o/r",
            "https://GHE.test:8443/o/r.git/",
            "https://git@ghe.test:8443/o/r",
            "https://ghe.test:8443/o/r/tree/main",
            "git@ghe.test:o/r.git",
            "ssh://git@ghe.test/o/r",
            "ssh://git@ghe.test:122/o/r.git",
        ] {
            let target = Subject::parse(text, &hosts).unwrap();
            assert!(target.path() == "o/r" && target.is_at(&hosts[0]), "{text}");
        }
        for text in ["o", "o/r/x", "", "../r", "https://ghe.test:8443/o", "git@ghe.test:r.git", "file:///o/r"]
        {
            let failure = Subject::parse(text, &hosts).unwrap_err();
            assert_eq!(failure.kind, Kind::Usage);
            assert!(failure.message.contains("bad repository"), "{text}: {failure}");
        }
        for text in ["https://github.com/o/r", "git@github.com:o/r", "https://ghe.test/o/r"] {
            let failure = Subject::parse(text, &hosts).unwrap_err();
            assert_eq!(failure.kind, Kind::Usage);
            assert!(failure.message.contains("the settings are not for "), "{text}: {failure}");
        }
        let failure = Subject::parse("https://x:hunter2@ghe.test:8443/o/r", &hosts).unwrap_err();
        assert!(!format!("{failure:?}").contains("hunter2"));
    }
}
