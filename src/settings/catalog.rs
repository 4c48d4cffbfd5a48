//! All profiles: the one from options and environment, those in the settings files, and the one that `setup` writes.

use crate::settings::file::File;
use crate::settings::lookup::{Files, Sources};
use crate::settings::profile::{Layer, Profile};
use crate::settings::schema::{KEYS, Key};
use crate::settings::sources::Found;
use crate::settings::values;
use crate::tokens::error::{Failure, Kind};

fn names_source(file: &File) -> bool {
    KEYS.iter().any(|key| key.row().is_source && file.has(None, *key))
}

impl<'a> Sources<'a> {
    /// The setting by which options and environment define a profile of their own.
    fn own_source(&self) -> Result<Option<Found>, Failure> {
        for key in KEYS.iter().copied().filter(|key| key.row().is_source) {
            let found = self.outside(key)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The profile without a name: the one from options and environment, or of a file that has no others.
    pub fn unnamed(&'a self) -> Profile<'a> {
        let layers = self.files.as_ref().map(|files| {
            let whole = !names_source(&files.own);
            vec![
                Layer { file: &files.own, table: None, whole: true },
                Layer { file: &files.system, table: None, whole },
            ]
        });
        self.profile(None, false, layers.unwrap_or_default())
    }

    fn profile(&'a self, name: Option<&'a str>, is_system: bool, layers: Vec<Layer<'a>>) -> Profile<'a> {
        Profile { sources: self, name, is_system, layers, beats_environment: false, is_written: false }
    }

    fn own_named(&'a self, files: &'a Files, name: &'a str) -> Profile<'a> {
        let layers = vec![
            Layer { file: &files.own, table: Some(name), whole: true },
            Layer { file: &files.own, table: None, whole: true },
            Layer { file: &files.system, table: None, whole: false },
        ];
        self.profile(Some(name), false, layers)
    }

    fn of_system(&'a self, files: &'a Files, name: Option<&'a str>) -> Profile<'a> {
        let mut layers = vec![Layer { file: &files.own, table: None, whole: false }];
        layers.extend(name.map(|name| Layer { file: &files.system, table: Some(name), whole: true }));
        layers.push(Layer { file: &files.system, table: None, whole: true });
        self.profile(name, true, layers)
    }

    /// The profile that `setup` writes: the one that is named, which may not exist yet; else the only one.
    ///
    /// # Errors
    /// None is named, and the file has several.
    pub fn to_write(&'a self) -> Result<Profile<'a>, Failure> {
        let name = self.outside(Key::Profile)?;
        let Some(name) = name else {
            let Ok(files) = self.files() else { return Ok(self.unnamed()) };
            let source = self.own_source()?;
            return match files.own.profiles().as_slice() {
                [] => Ok(self.unnamed()),
                [only] if source.is_none() => Ok(self.own_named(files, only)),
                _ if source.is_some() => Ok(self.unnamed()),
                several => Err(Failure::new(Kind::Settings, "the settings file has several profiles")
                    .hint(format!("name one with --profile: {}", several.join(", ")))),
            };
        };
        values::profile(&name)?;
        let files = self.files()?;
        let known = files.own.profiles().into_iter().find(|known| *known == name.text());
        // A name that is not in the file yet must live as long as the settings.
        let name = known.unwrap_or_else(|| self.new_name.get_or_init(|| name.text().to_owned()));
        Ok(Profile { beats_environment: true, is_written: true, ..self.own_named(files, name) })
    }

    /// All profiles of the files, the user's own first.
    fn of_files(&'a self) -> Result<Vec<Profile<'a>>, Failure> {
        let files = self.files()?;
        files.own.check_keys()?;
        files.system.check_keys()?;
        let mut own: Vec<Profile> =
            files.own.profiles().into_iter().map(|name| self.own_named(files, name)).collect();
        let hides = |name: &&str| !files.own.profiles().contains(name);
        let system = files.system.profiles();
        let mut system: Vec<Profile> =
            system.into_iter().filter(hides).map(|name| self.of_system(files, Some(name))).collect();
        if system.is_empty() && names_source(&files.system) {
            system.push(self.of_system(files, None));
        }
        if own.is_empty() && (names_source(&files.own) || system.is_empty()) {
            own.push(self.unnamed());
        }
        own.extend(system);
        Ok(own)
    }

    /// Every profile in effect: only the one from options and environment, the one that was named, or all in the files.
    pub fn profiles(&'a self) -> Result<Vec<Profile<'a>>, Failure> {
        let own = self.own_source()?;
        let name = self.outside(Key::Profile)?;
        match (own, name) {
            (None, None) => self.of_files(),
            (Some(_), None) => {
                self.files()?.own.check_keys()?;
                Ok(vec![self.unnamed()])
            }
            (Some(own), Some(name)) if own.origin.kind() == name.origin.kind() => Err(Failure::new(
                name.origin.kind(),
                format!("{} names a profile, and {} another source of tokens", name.origin, own.origin),
            )
            .hint("give one of the two")),
            (_, Some(name)) => {
                let found = self.of_files()?.into_iter().find(|profile| profile.name == Some(name.text()));
                let found = found.ok_or_else(|| self.no_such_profile(&name))?;
                Ok(vec![Profile { beats_environment: true, ..found }])
            }
        }
    }

    fn no_such_profile(&self, name: &Found) -> Failure {
        let known: Vec<&str> = self.of_files().map_or_else(
            |_| Vec::new(),
            |profiles| profiles.iter().filter_map(|profile| profile.name).collect(),
        );
        let shown = name.shown().unwrap_or_else(|| "of that name".to_owned());
        let failure = Failure::new(name.origin.kind(), format!("{}: no profile {shown}", name.origin));
        match known.as_slice() {
            [] => failure.hint("the settings file has no profiles; setup --profile NAME writes one"),
            known => failure.hint(format!("profiles: {}", known.join(", "))),
        }
    }
}
