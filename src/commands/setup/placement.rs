//! Where setup writes: for this user, or with `--system` for all users, whose helpers read those settings after their own.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::commands::setup::args::SetupArgs;
use crate::platform::private_files::{FOR_A_GROUP, Use, others_may};
use crate::platform::users::{ADMINISTRATOR, AS_ADMINISTRATOR, INSTALL_FOR_ALL};
use crate::settings::schema::Key;
use crate::settings::{FilePlace, FileValue, Given, Pair, dirs};
use crate::tokens::error::{Failure, Kind};

/// Settings that name a file which every user's helper must be able to read.
const READ: [&str; 3] = ["private_key_file", "broker_token_file", "ca_file"];

/// Where settings and record are, and who may read them.
pub struct Placement {
    /// The settings file.
    pub settings: PathBuf,
    /// Whether the helper reads that file by default.
    pub is_usual: bool,
    /// The record of what was written.
    pub record: PathBuf,
    /// Whether everybody may read the files.
    pub all_users: bool,
}

impl Placement {
    /// What the options select.
    pub fn of(given: &Given, arguments: &SetupArgs) -> Result<Self> {
        let place = FilePlace::named_by(given)?;
        let named = place.as_ref().filter(|place| !place.is_default()).map(|place| place.path.clone());
        let is_usual = named.is_none();
        let (settings, record) = if arguments.system {
            (named.unwrap_or_else(FilePlace::of_all_users), dirs::system())
        } else {
            let none =
                |hint| Failure::new(Kind::Settings, "there is no home directory for the settings").hint(hint);
            let place = place.ok_or_else(|| none("set HOME, or name the file with --config"))?;
            (place.path, dirs::config_dir().ok_or_else(|| none("set HOME"))?)
        };
        let (settings, record) = (std::path::absolute(settings)?, record.join("setup.json"));
        Ok(Self { settings, is_usual, record, all_users: arguments.system })
    }

    /// The options that select this settings file.
    pub fn reading(&self, given: &Given) -> Given {
        let mut given = given.clone();
        if self.all_users {
            given.add(Key::Config, self.settings.to_string_lossy().into_owned());
        }
        given
    }

    /// The mode of a new settings file.
    pub fn file_mode(&self) -> u32 {
        if self.all_users { 0o644 } else { 0o600 }
    }

    /// Refuses settings that would work for this user and break git for every other.
    pub fn check(&self, pairs: &[Pair], program: &Path) -> Result<(), Failure> {
        if !self.all_users {
            return Ok(());
        }
        if !others_may(Use::Run, program) {
            let message =
                format!("other users cannot run {}, and --system is for all of them", program.display());
            let hint = format!("install it where they can, such as with {INSTALL_FOR_ALL}");
            return Err(Failure::new(Kind::Settings, message).hint(hint));
        }
        for (key, value) in pairs {
            if let FileValue::Text(path) = value
                && READ.contains(key)
                && !others_may(Use::Read, Path::new(path))
            {
                let message =
                    format!("other users cannot read {path} ({key}), and --system is for all of them");
                let failure = Failure::new(Kind::Settings, message)
                    .hint("to set up only this user, leave out --system");
                return Err(FOR_A_GROUP
                    .into_iter()
                    .fold(failure, Failure::hint)
                    .hint("for all users: use a broker, or a sign command that does not reveal the key"));
            }
        }
        Ok(())
    }

    /// Says who could write the file, or where else it could be.
    pub fn explain(&self, error: anyhow::Error, undoes: bool) -> anyhow::Error {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        let hints: Vec<String> = match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(PermissionDenied) if self.all_users => {
                vec![format!("--system is for all users: {AS_ADMINISTRATOR}")]
            }
            Some(PermissionDenied | ReadOnlyFilesystem) if undoes => {
                vec!["run it again where that file can be written".to_owned()]
            }
            Some(ReadOnlyFilesystem) if self.all_users => {
                let hint = "run it where that directory can be written, for example when the image is built";
                vec![hint.to_owned()]
            }
            Some(PermissionDenied | ReadOnlyFilesystem) => vec![
                "set HOME to a writable directory, here and wherever git runs".to_owned(),
                format!(
                    "or let {ADMINISTRATOR} set it up for all users, for example when an image is built: git-credential-github-app setup --system"
                ),
            ],
            _ => return error,
        };
        let failure = Failure::new(Kind::Other, format!("{error:#}"));
        hints.into_iter().fold(failure, Failure::hint).into()
    }
}
