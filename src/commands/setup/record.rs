//! What setup wrote, kept beside the settings file so that `--undo` removes exactly that. No secrets and no copies of
//! other people's files: only what was added, and a hash of the file afterwards.

use std::path::{Path, PathBuf};
use std::{fmt, fs};

use anyhow::{Context, Result};
use rsa::sha2::{Digest, Sha256};
use serde::{Deserialize, Serialize};

use crate::commands::setup::files;
use crate::tokens::error::{Failure, Kind, shown};
use crate::tokens::token::hex;

const VERSION: u32 = 1;

/// Everything that setup wrote for this user, or for all users.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// Where the record is kept.
    #[serde(skip)]
    path: PathBuf,
    /// One for each host and file of git configuration.
    pub targets: Vec<Recorded>,
}

/// What was written for one host into one file of git configuration, and with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// The host's URL.
    pub host_url: String,
    /// The file of git configuration.
    pub git_file: PathBuf,
    /// The profile of its settings, if they are one of several.
    #[serde(default)]
    pub profile: Option<String>,
    /// In the order they were made.
    pub changes: Vec<Change>,
}

/// Which part of the set-up a change of git's configuration belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// The helper's lines.
    Helper,
    /// `user.name` and `user.email`.
    Identity,
    /// URLs for ssh that become URLs for https.
    InsteadOf,
}

/// One thing that was written.
#[derive(Debug, Serialize, Deserialize)]
pub enum Change {
    /// A directory that did not exist.
    Directory(PathBuf),
    /// Text inserted into a file of git configuration.
    Inserted(Inserted),
    /// The settings file's whole text before and a hash of it afterwards.
    Settings(Rewritten),
    /// A file of our own, such as a systemd unit, and its hash.
    File(PathBuf, String),
    /// A line of the user's crontab.
    CrontabLine(String),
    /// A systemd timer that was enabled.
    TimerEnabled(String),
}

/// Text inserted into a file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Inserted {
    /// The file.
    pub path: PathBuf,
    /// What it belongs to.
    pub part: Part,
    /// Whether setup created the file.
    pub created: bool,
    /// In bytes from the start.
    pub offset: usize,
    /// What was inserted.
    pub text: String,
    /// A hash of the whole file afterwards.
    pub after: String,
    /// The lines, as keys and values.
    #[serde(default)]
    pub lines: Vec<(String, String)>,
}

/// A file that was rewritten.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rewritten {
    /// The file.
    pub path: PathBuf,
    /// The profile that the keys are in; `None`: they are at the top.
    #[serde(default)]
    pub profile: Option<String>,
    /// `None`: it did not exist.
    pub before: Option<String>,
    /// A hash of the whole file afterwards.
    pub after: String,
    /// The keys that were set, and the text of their values; empty if removed.
    pub keys: Vec<(String, String)>,
}

/// The hash that identifies a file's text.
pub fn hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

impl Record {
    /// Reads the record; empty if there is none.
    ///
    /// # Errors
    /// It exists and cannot be read: to continue would forget what was written.
    pub fn read(path: &Path) -> Result<Self> {
        let context = || format!("read the record of what setup has written, {}", path.display());
        let Some(text) = files::read(path).with_context(context)? else {
            return Ok(Self { version: VERSION, path: path.to_owned(), targets: Vec::new() });
        };
        let mut record: Self = serde_json::from_str(&text).with_context(context)?;
        if record.version != VERSION {
            let failure = Failure::new(Kind::Other, "it has an unknown version")
                .hint("it is from another version: remove it, and undo by hand what that version wrote");
            return Err(failure).with_context(context);
        }
        path.clone_into(&mut record.path);
        Ok(record)
    }

    /// Writes the record, or removes it if nothing is left.
    pub fn write(&mut self) -> Result<()> {
        let path = self.path.clone();
        self.targets.retain(|target| !target.changes.is_empty());
        let context = || format!("write the record of what setup has written, {}", path.display());
        if self.targets.is_empty() {
            return match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(error).with_context(context)
                }
                _ => Ok(()),
            };
        }
        files::replace(&path, &serde_json::to_string_pretty(self)?, 0o600).with_context(context)
    }

    /// Whether anything was written for a profile.
    pub fn has(&self, host_url: &str, git_file: &Path, profile: &str) -> bool {
        self.targets.iter().any(|known| known.is_for(host_url, git_file, Some(profile)))
    }

    /// The target for a host, a file and a profile.
    pub fn target(&mut self, host_url: &str, git_file: &Path, profile: Option<&str>) -> &mut Recorded {
        let index = self.targets.iter().position(|known| known.is_for(host_url, git_file, profile));
        let index = index.unwrap_or_else(|| {
            let (host_url, git_file) = (host_url.to_owned(), git_file.to_owned());
            let profile = profile.map(str::to_owned);
            self.targets.push(Recorded { host_url, git_file, profile, changes: Vec::new() });
            self.targets.len() - 1
        });
        &mut self.targets[index]
    }
}

impl Record {
    /// All profiles of a host in a file: they share git's lines and the timer.
    pub fn sharing<'a>(
        &'a mut self,
        host_url: &'a str,
        git_file: &'a Path,
    ) -> impl Iterator<Item = &'a mut Recorded> {
        let shares = move |target: &&mut Recorded| target.host_url == host_url && target.git_file == git_file;
        self.targets.iter_mut().filter(shares)
    }

    /// Passes what the profiles of a host share to another of them, if there is one; takes the rest.
    pub fn take(&mut self, host_url: &str, git_file: &Path, profile: Option<&str>) -> Taken {
        let target = self.target(host_url, git_file, profile);
        let (host_url, all) = (target.host_url.clone(), std::mem::take(&mut target.changes));
        let heir = self.sharing(&host_url, git_file).find(|target| !target.changes.is_empty());
        let Some(heir) = heir else { return Taken { changes: all, kept: Vec::new() } };
        let (shared, changes): (Vec<_>, Vec<_>) = all.into_iter().partition(Change::is_shared);
        let name = heir.profile.as_ref().map_or_else(String::new, |name| format!(" {name}"));
        let kept = shared.iter().map(|change| format!("kept for profile{name}: {change}")).collect();
        heir.changes.extend(shared);
        Taken { changes, kept }
    }
}

/// What to undo.
pub struct Taken {
    /// In the order they were made.
    pub changes: Vec<Change>,
    /// What stays, in words.
    pub kept: Vec<String>,
}

impl Change {
    /// Whether all profiles of a host share it.
    fn is_shared(&self) -> bool {
        match self {
            Self::Inserted(inserted) => inserted.part != Part::Identity,
            Self::File(..) | Self::CrontabLine(_) | Self::TimerEnabled(_) => true,
            Self::Directory(_) | Self::Settings(_) => false,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inserted(Inserted { path, .. }) => write!(f, "lines in {}", shown(path)),
            Self::Settings(Rewritten { path, .. }) | Self::Directory(path) | Self::File(path, _) => {
                f.write_str(&shown(path))
            }
            Self::CrontabLine(line) => write!(f, "the crontab's {line}"),
            Self::TimerEnabled(timer) => f.write_str(timer),
        }
    }
}

impl Recorded {
    /// A named profile has one record for each file, even if its host changes.
    fn is_for(&self, host_url: &str, git_file: &Path, profile: Option<&str>) -> bool {
        let same_host = self.profile.is_some() || self.host_url == host_url;
        self.profile.as_deref() == profile && self.git_file == git_file && same_host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "https://github.com";

    #[test]
    fn a_record_of_before_there_were_profiles_is_read() {
        let text = r#"{"version":1,"targets":[{"host_url":"https://github.com","git_file":"/g","changes":[
            {"Inserted":{"path":"/g","part":"Helper","created":false,"offset":0,"text":"x","after":"0"}},
            {"Settings":{"path":"/c","before":null,"after":"0","keys":[["host","\"h\""]]}}]}]}"#;
        let mut record: Record = serde_json::from_str(text).unwrap();
        assert_eq!(record.target(HOST, Path::new("/g"), None).changes.len(), 2);
        assert_eq!(record.targets.len(), 1);
    }

    #[test]
    fn what_profiles_of_a_host_share_goes_with_the_last_of_them() {
        let git_file = Path::new("/g");
        let mut record = Record::default();
        let settings = || {
            let path = "/c".into();
            Change::Settings(Rewritten {
                path,
                profile: None,
                before: None,
                after: String::new(),
                keys: Vec::new(),
            })
        };
        let timer = || Change::TimerEnabled("x.timer".into());
        record.target(HOST, git_file, Some("a")).changes.extend([settings(), timer()]);
        record.target(HOST, git_file, Some("b")).changes.push(settings());
        record.target("https://ghe.test", git_file, Some("c")).changes.push(settings());
        let first = record.take(HOST, git_file, Some("a"));
        assert_eq!(first.kept, ["kept for profile b: x.timer"]);
        assert!(matches!(first.changes.as_slice(), [Change::Settings(_)]));
        // A profile is known by its name, whatever host it has by now.
        let last = record.take("https://other.test", git_file, Some("b"));
        assert!(matches!(last.changes.as_slice(), [Change::Settings(_), Change::TimerEnabled(_)]));
        assert!(last.kept.is_empty());
    }
}
