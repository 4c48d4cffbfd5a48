//! Where a setting's value comes from: option, then environment, then settings file, then default.
//! The only module that reads the environment. Repository-local git configuration is never read.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{PathBuf, is_separator};

use crate::platform::paths::is_variable;
use crate::settings::dirs;
use crate::settings::environment::{self, not_utf8};
use crate::settings::form::{Form, Wrong, is_random_word};
use crate::settings::schema::{KEYS, Key, Setting};
use crate::tokens::error::{Failure, escape};
use crate::tokens::http::proxies;
use crate::tokens::origin::Origin;
use crate::tokens::secret::{ID_TOKEN_VARIABLE, Secret};

/// A text that has passed the checks of its setting's form, and its origin. It is shown only if its form allows it.
#[derive(Clone, Debug)]
pub struct Found {
    text: Secret,
    /// Which setting it is for.
    pub setting: &'static Setting,
    /// Decides the exit code of a complaint.
    pub origin: Origin,
}

impl Found {
    /// Checks a text against its setting's form: this is the one place that refuses a secret in the wrong setting.
    ///
    /// # Errors
    /// It is of another form; the message does not quote it.
    pub fn new(setting: &'static Setting, text: String, origin: Origin) -> Result<Self, Failure> {
        let text = Secret::new(text);
        match setting.form.check(text.expose()) {
            Ok(()) => Ok(Self { text, setting, origin }),
            Err(Wrong { cause, cures }) => {
                let mut failure = Failure::new(origin.kind(), format!("{origin}: {cause}"));
                failure.hints = cures;
                if matches!(origin, Origin::Option(_)) && cause.starts_with("this ") {
                    failure.hints.push("process lists and shell histories show options".to_owned());
                }
                Err(failure)
            }
        }
    }

    /// The text to parse, trimmed as its form requires.
    pub fn text(&self) -> &str {
        self.setting.form.trim(self.text.expose())
    }

    /// The text as messages and listings may show it; `None`: never.
    pub fn shown(&self) -> Option<String> {
        if self.setting.form == Form::Proxy {
            return proxies::shown(self.text());
        }
        // A URL with a user name, or a word that could be a bearer, is refused, and the message must not show it either.
        let user = self.text().contains('@');
        let in_doubt = user || is_random_word(self.text());
        (self.setting.form.is_shown() && !in_doubt).then(|| escape(self.text()))
    }

    /// The path that it names: `~/` is the home directory, and a path in the settings file is relative to that file.
    ///
    /// # Errors
    /// `~/` without a home directory.
    pub fn path(&self) -> Result<PathBuf, Failure> {
        let text = self.text();
        let rest = match text.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with(is_separator) => {
                rest.trim_start_matches(is_separator)
            }
            _ => {
                let path = PathBuf::from(text);
                return Ok(match &self.origin {
                    Origin::File(file, _) => file.parent().map_or(path.clone(), |dir| dir.join(path)),
                    _ => path,
                });
            }
        };
        let home = dirs::home().ok_or_else(|| {
            Failure::new(self.origin.kind(), format!("{}: there is no home directory for ~/", self.origin))
                .hint("set HOME, or write the whole path")
        })?;
        Ok(if rest.is_empty() { home } else { home.join(rest) })
    }

    /// A complaint about this value: what is wrong, and what was expected. The value itself is in `wrong` only as
    /// [`Found::shown`] gives it.
    pub fn complaint(&self, wrong: impl fmt::Display, expected: &str) -> Failure {
        Failure::new(self.origin.kind(), format!("{}: {wrong}", self.origin))
            .hint(format!("expected {expected}"))
    }

    /// The complaint about a value that is not a `what`.
    pub fn bad(&self, what: &str) -> Failure {
        let shown = self.shown().map(|text| format!(" \"{text}\"")).unwrap_or_default();
        Failure::new(self.origin.kind(), format!("{}: bad {what}{shown}", self.origin))
            .hint(self.setting.form.expected())
    }
}

/// The variables that a GitHub Actions job requests id-tokens with. They are not settings: the runner sets them for every
/// step, whether it uses this program or not, so they are read only if an audience is given.
pub const JOB_VARIABLES: [&str; 2] = ["ACTIONS_ID_TOKEN_REQUEST_URL", ID_TOKEN_VARIABLE];

/// The variables of settings and of a job that are set; the environment is read once for all of them.
#[derive(Debug)]
pub struct Environment(Vec<(&'static str, OsString)>);

impl Environment {
    /// Reads it; an empty variable counts as unset.
    pub fn read() -> Self {
        let of_settings = || KEYS.iter().flat_map(|key| key.row().variables);
        let known = |name: &OsStr| of_settings().chain(&JOB_VARIABLES).find(|known| is_variable(name, known));
        let of_setting = |(name, value): (OsString, OsString)| Some((*known(&name)?, value));
        let variables = environment::all().filter(|(name, value)| is_likely(name) && !value.is_empty());
        Self(variables.filter_map(of_setting).collect())
    }

    /// An empty one.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// A setting's value: the first of its variables that is set.
    ///
    /// # Errors
    /// It is not of the setting's form.
    pub fn get(&self, key: Key) -> Result<Option<Found>, Failure> {
        let setting = key.row();
        for name in setting.variables {
            if let Some(text) = self.text(name)? {
                return Found::new(setting, text.to_owned(), Origin::Environment(name)).map(Some);
            }
        }
        Ok(None)
    }

    /// A variable's text, unchecked.
    ///
    /// # Errors
    /// It is not UTF-8.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        let set = self.0.iter().find(|(known, _)| *known == name);
        set.map(|(name, value)| value.to_str().ok_or_else(|| not_utf8(name))).transpose()
    }
}

/// Skips most variables by their first letter.
fn is_likely(name: &OsStr) -> bool {
    let first = name.as_encoded_bytes().first().map(u8::to_ascii_uppercase);
    matches!(first, Some(b'A' | b'C' | b'G' | b'M' | b'P' | b'W'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_variable_of_a_setting_is_passed_by() {
        let mut names = KEYS.iter().flat_map(|key| key.row().variables).chain(&JOB_VARIABLES);
        assert!(names.all(|name| is_likely(OsStr::new(name))));
    }
}
