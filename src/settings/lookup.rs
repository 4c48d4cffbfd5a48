//! The places that settings come from, read once.

use std::cell::OnceCell;
use std::path::PathBuf;

use crate::settings::Given;
use crate::settings::file::{File, FilePlace};
use crate::settings::schema::Key;
use crate::settings::sources::{Environment, Found};
use crate::tokens::error::Failure;

/// The user's settings file and the machine's.
#[derive(Default)]
pub(super) struct Files {
    pub own: File,
    pub system: File,
}

/// The places that settings come from, read once.
pub struct Sources<'a> {
    pub(super) given: &'a Given,
    pub(super) files: Result<Files, Failure>,
    /// The settings of a profile that is about to be written.
    pub(super) new_name: OnceCell<String>,
    pub(super) environment: Environment,
}

impl<'a> Sources<'a> {
    /// Reads the settings files; a failure is reported when the first setting is needed.
    pub fn read(given: &'a Given) -> Self {
        let environment = Environment::read();
        let files = FilePlace::of(given, &environment).and_then(File::read_both);
        Self::of(given, environment, files)
    }

    /// The settings given on the command line, for callers that read the settings again later.
    pub fn given(&self) -> &Given {
        self.given
    }

    /// The same for `setup`, which may be about to create the file.
    pub fn read_or_empty(given: &'a Given) -> Self {
        let environment = Environment::read();
        let place = FilePlace::of(given, &environment);
        let is_named = matches!(&place, Ok(Some(place)) if !place.is_default());
        let files = place.and_then(|place| File::read_both(place.map(FilePlace::for_writing)));
        // If a file is named, only that one counts, whether it exists or not.
        let files = files.map(|(own, system)| (own, if is_named { File::default() } else { system }));
        Self::of(given, environment, files)
    }

    pub(super) fn of(
        given: &'a Given,
        environment: Environment,
        files: Result<(File, File), Failure>,
    ) -> Self {
        let files = files.map(|(own, system)| Files { own, system });
        Self { given, files, environment, new_name: OnceCell::new() }
    }

    /// The value from options or the environment.
    pub(super) fn outside(&self, key: Key) -> Result<Option<Found>, Failure> {
        match self.given.get(key)? {
            Some(found) => Ok(Some(found)),
            None => self.environment.get(key),
        }
    }

    /// The path of the user's settings file, which may not exist.
    pub fn path(&self) -> Option<PathBuf> {
        FilePlace::of(self.given, &self.environment).ok().flatten().map(|place| place.path)
    }

    /// The settings file that the command line names.
    pub fn named_file(&self) -> Option<PathBuf> {
        self.given.get(Key::Config).ok().flatten()?.path().ok()
    }

    pub(super) fn files(&self) -> Result<&Files, Failure> {
        self.files.as_ref().map_err(Clone::clone)
    }
}
