//! What all profiles on a machine share: git, its configuration in the current directory, and the clone there. Read
//! once; the checks judge it.

use crate::platform::clock::Deadline;
use crate::platform::process::PATIENCE;
use crate::platform::shell::{self, quoted};
use crate::programs::git::remote_url::Url;
use crate::programs::git::remotes::{self, Destination};
use crate::programs::git::{self, ConfigEntry, clone, clone::Clone};
use crate::programs::own;
use crate::settings::other_programs;
use crate::tokens::error::{Failure, PROGRAM};
use crate::tokens::host::Host;

/// The machine, seen from the current directory.
pub struct Machine {
    /// The hosts that the settings name.
    pub hosts: Vec<Host>,
    /// How to run this program in a command to copy, with the option for its settings file if one was given.
    pub me: String,
    /// git's version.
    pub git: Result<(u32, u32), Failure>,
    /// git's configuration, in its order.
    pub entries: Result<Vec<ConfigEntry>, Failure>,
    /// The clone, if there is one.
    pub clone: Clone,
    /// The deadline for every query.
    pub deadline: Deadline,
}

impl Machine {
    /// Reads it.
    pub fn look(hosts: Vec<Host>, settings_file: Option<&std::path::Path>, deadline: Deadline) -> Self {
        let git = git::version(deadline);
        let entries = match &git {
            Ok(_) => git::configuration(None, deadline),
            Err(failure) => Err(failure.clone()),
        };
        let clone = if git.is_ok() { clone::here(deadline) } else { Clone::None };
        let mut me = own_name();
        if let Some(file) = settings_file.and_then(|file| std::path::absolute(file).ok()) {
            me = format!("{me} --config {}", quoted(&file.to_string_lossy()));
        }
        Self { hosts, me, git, entries, clone, deadline }
    }

    /// git's configuration; empty if the check of git itself says why.
    pub fn entries(&self) -> &[ConfigEntry] {
        self.entries.as_deref().unwrap_or_default()
    }

    /// The settings' host that a URL leads to.
    pub fn host_of(&self, url: &Url) -> Option<&Host> {
        host_of(&self.hosts, url)
    }

    /// The path of the clone's first remote at a host, `origin` first: configuration may be for a part of the host
    /// only.
    pub fn path_at(&self, host: &Host) -> Option<String> {
        let remotes = remotes::of(self.entries());
        let urls = remotes.iter().filter_map(|remote| {
            let url = remote.used().filter(|url| url.is_http() && self.host_of(url) == Some(host))?;
            match &remote.target {
                Destination::Remote(name) => Some((name != "origin", url.path)),
                _ => None,
            }
        });
        let (_, path) = urls.min_by_key(|(is_other, _)| *is_other)?;
        Some(path.trim_end_matches('/').to_owned())
    }

    /// A shorter deadline, for unknown programs.
    pub fn short_deadline(&self) -> Deadline {
        self.deadline.at_most(PATIENCE)
    }
}

/// Which of these hosts a URL leads to.
pub fn host_of<'h>(hosts: &'h [Host], url: &Url) -> Option<&'h Host> {
    hosts.iter().find(|host| url.is_at(host))
}

/// Only the name, if the shell finds this very file by it.
fn own_name() -> String {
    let Ok(own) = own::path() else { return PROGRAM.to_owned() };
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let search = other_programs::path().ok().flatten().unwrap_or_default();
    let found = std::env::split_paths(&search).map(|dir| dir.join(&name)).find(|path| path.is_file());
    let is_own = found.is_some_and(|found| found.canonicalize().ok() == own.canonicalize().ok());
    if is_own { PROGRAM.to_owned() } else { shell::program(&own.to_string_lossy()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_a_host_of_the_settings_by_whatever_scheme() {
        for (host, url, known) in [
            ("github.com", "https://GitHub.com:443/o/r", true),
            ("github.com", "http://github.com/o/r", true),
            ("github.com", "git://github.com/o/r", true),
            ("github.com", "git@github.com:o/r", true),
            ("github.com", "ssh://git@ssh.github.com:443/o/r", true),
            ("github.com", "git@github.com-work:o/r", true),
            ("github.com", "git@github.company:o/r", false),
            ("github.com", "https://github.com-work/o/r", false),
            ("github.com", "https://gist.github.com/x", false),
            ("github.com", "https://evilgithub.com/o/r", false),
            ("ghe.test:8443", "https://ghe.test:8443/o/r", true),
            ("ghe.test:8443", "https://ghe.test/o/r", false),
            ("ghe.test:8443", "ssh://git@ghe.test:122/o/r", true),
            ("http://127.0.0.1:80", "http://127.0.0.1/o/r", true),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(
                host_of(&[Host::parse(host).unwrap()], &url).is_some(),
                known,
                "{} {}",
                url.host,
                url.path
            );
        }
    }
}
