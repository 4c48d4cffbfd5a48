//! What is configured, for people: each setting with its value and where it came from. Secrets and command lines are
//! named but not shown: a command line may hold a secret, and it is the origin that people look for.

use std::fmt::Display;

use super::Sources;
use super::find::ENVIRONMENT;
use super::sources::{Found, Origin, environment};
use crate::error::{Failure, escape};

/// One setting.
pub struct Listed {
    /// As in the settings file; for what only the environment can hold, the variable's name.
    pub name: &'static str,
    /// `None`: set, but not shown.
    pub value: Option<String>,
    /// `None`: the default.
    origin: Option<Origin>,
}

impl Listed {
    /// Whether it was given, as opposed to being the default.
    pub fn is_given(&self) -> bool {
        self.origin.is_some()
    }

    /// The same in a word or two, for a line of limited width.
    pub fn short_origin(&self) -> String {
        match &self.origin {
            None => "default".to_owned(),
            Some(Origin::Option(name)) => name.clone(),
            Some(Origin::Environment(name)) => (*name).to_owned(),
            Some(Origin::File(..)) => "settings file".to_owned(),
        }
    }

    /// Where the value came from.
    pub fn origin(&self) -> String {
        self.origin.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string)
    }
}

/// What only the environment can hold, and whether it is secret.
const VARIABLES: [(&str, bool); 6] = [
    ("GITHUB_APP_PRIVATE_KEY", true),
    ("GITHUB_APP_BROKER_TOKEN", true),
    ("PLATFORM_URL", false),
    ("WORKSPACE_ID", false),
    ("CONFIGS_DIR", false),
    ("MOLECULE_ORG_ID", false),
];

impl Sources<'_> {
    /// Every setting that was given, in the order of the table in the manual, and the defaults of those with one value.
    pub fn listing(&self) -> Result<Vec<Listed>, Failure> {
        let mut listed = Vec::new();
        for (name, _) in ENVIRONMENT {
            match self.find(name)? {
                Some(found) => listed.push(shown(name, &[found])),
                None => listed.extend(self.default_of(name)?),
            }
        }
        let lists = [("repository", &self.options.repository), ("permission", &self.options.permission)];
        for (name, options) in lists {
            listed.extend(
                Some(self.list(name, options)?)
                    .filter(|list| !list.is_empty())
                    .map(|list| shown(name, &list)),
            );
        }
        for (name, secret) in VARIABLES {
            if let Some(found) = environment(name)? {
                let mut setting = shown(name, &[found]);
                setting.value = setting.value.filter(|_| !secret);
                listed.push(setting);
            }
        }
        Ok(listed)
    }

    fn default_of(&self, name: &'static str) -> Result<Option<Listed>, Failure> {
        let listed =
            |value: &dyn Display| Some(Listed { name, value: Some(value.to_string()), origin: None });
        Ok(match name {
            "host" => listed(&"github.com"),
            "api_url" => self.host()?.and_then(|host| listed(&host.api_url())),
            "source" => listed(&"auto"),
            "margin" => listed(&"4m"),
            "timeout" => listed(&"30s"),
            "on_failure" => listed(&"quit"),
            "cache_dir" => self.cache_dir()?.and_then(|dir| listed(&dir.display())),
            _ => None,
        })
    }
}

fn shown(name: &'static str, found: &[Found]) -> Listed {
    let value = found.iter().map(|found| escape(&found.text)).collect::<Vec<_>>().join(", ");
    // A URL with a password in it is refused elsewhere, with a message that does not show it either.
    let secret = name.ends_with("_command") || value.contains('@');
    Listed {
        name,
        value: Some(value).filter(|_| !secret),
        origin: found.first().map(|found| found.origin.clone()),
    }
}
