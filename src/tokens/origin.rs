//! Where a value of the configuration came from, for messages about it.

use std::fmt;
use std::path::PathBuf;

use crate::tokens::error::Kind;

/// Where a value was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// On the command line.
    Option(String),
    /// In an environment variable.
    Environment(&'static str),
    /// In the settings file, under this key.
    File(PathBuf, String),
}

impl Origin {
    /// A bad option is a usage error, anything else a wrong setting.
    pub fn kind(&self) -> Kind {
        if matches!(self, Self::Option(_)) { Kind::Usage } else { Kind::Settings }
    }

    /// Which of several settings that exclude each other is in effect: the one with the lowest rank.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Option(_) => 0,
            Self::Environment(_) => 1,
            Self::File(_, key) if key.contains('.') => 2,
            Self::File(..) => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(name) => write!(f, "option {name}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::File(path, key) => write!(f, "key {key} in {}", path.display()),
        }
    }
}

/// A value, and the setting that messages name.
#[derive(Clone, Debug)]
pub struct Named<T> {
    /// What is named.
    pub value: T,
    /// By whom.
    pub origin: Origin,
}
