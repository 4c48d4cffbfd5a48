//! What setup has written, kept beside the settings file so that `--undo` takes away just that. No secrets, no copies of
//! other people's files: of those only what was added, and a hash of what they were like afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rsa::sha2::{Digest, Sha256};
use serde::{Deserialize, Serialize};

use super::files;
use crate::error::{Failure, Kind};
use crate::settings::dirs;
use crate::token::hex;

const VERSION: u32 = 1;

/// Everything that setup has written for this user.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// One for each host and file of git configuration.
    pub targets: Vec<Target>,
}

/// What was written for one host into one file of git configuration, and beside it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Target {
    /// The host's URL.
    pub host_url: String,
    /// The file of git configuration.
    pub git_file: PathBuf,
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
    /// A directory that was not there.
    Directory(PathBuf),
    /// Text inserted into a file of git configuration.
    Inserted(Inserted),
    /// The settings file's whole text before and a hash of it afterwards.
    Settings(Rewritten),
    /// A file of our own, such as a systemd unit, and a hash of it.
    File(PathBuf, String),
    /// A line of the user's crontab.
    CrontabLine(String),
    /// A systemd timer that was switched on.
    TimerEnabled(String),
}

/// Text inserted into a file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Inserted {
    /// The file.
    pub path: PathBuf,
    /// What it belongs to.
    pub part: Part,
    /// It was not there before.
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
    /// `None`: it was not there.
    pub before: Option<String>,
    /// A hash of the whole file afterwards.
    pub after: String,
    /// The keys that were set, and the text of their values.
    pub keys: Vec<(String, String)>,
}

/// The hash by which a file is known again.
pub fn hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Where it is kept.
pub fn path() -> Result<PathBuf, Failure> {
    dirs::config_dir().map(|dir| dir.join("setup.json")).ok_or_else(|| {
        Failure::new(Kind::Settings, "there is no home directory for the settings").hint("set HOME")
    })
}

/// Makes the directory that the record is in; returns what was made.
pub fn make_directory() -> Result<Vec<PathBuf>> {
    let path = path()?;
    let dir = path.parent().unwrap_or(&path);
    files::make_directory(dir, 0o700).with_context(|| format!("make the directory {}", dir.display()))
}

impl Record {
    /// Reads it; empty where there is none.
    ///
    /// # Errors
    /// It is there and cannot be read: going on would forget what was written.
    pub fn read() -> Result<Self> {
        let path = path()?;
        let context = || format!("read the record of what setup has written, {}", path.display());
        let Some(text) = files::read(&path).with_context(context)? else {
            return Ok(Self { version: VERSION, targets: Vec::new() });
        };
        let record: Self = serde_json::from_str(&text).with_context(context)?;
        if record.version != VERSION {
            let failure = Failure::new(Kind::Other, "its version is not known")
                .hint("it is from another version; remove it to start anew, and undo by hand");
            return Err(failure).with_context(context);
        }
        Ok(record)
    }

    /// Writes it, or removes it where nothing is left.
    pub fn write(&mut self) -> Result<()> {
        let path = path()?;
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

    /// The target for a host and a file.
    pub fn target(&mut self, host_url: &str, git_file: &Path) -> &mut Target {
        let known = |target: &Target| target.host_url == host_url && target.git_file == git_file;
        let index = self.targets.iter().position(known).unwrap_or_else(|| {
            let (host_url, git_file) = (host_url.to_owned(), git_file.to_owned());
            self.targets.push(Target { host_url, git_file, changes: Vec::new() });
            self.targets.len() - 1
        });
        &mut self.targets[index]
    }
}
