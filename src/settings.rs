//! Turns options, environment and settings file into validated plain data, each value with its origin.
//!
//! Precedence: option, environment, file, default. Nothing here talks to the network or reads a key.
//! Every complaint names the setting, where it came from and what is expected.

use std::path::PathBuf;
use std::time::Duration;

use crate::tokens::cache::lifetimes;
use crate::tokens::config::{AppConfig, BrokerConfig, Config};
use crate::tokens::error::{Failure, Kind};
use crate::tokens::origin::Origin;

mod catalog;
mod choice;
pub mod dirs;
mod environment;
mod file;
mod form;
mod given;
mod listed;
mod lookup;
mod of_app;
mod of_broker;
mod of_network;
mod of_proxies;
pub mod options;
pub mod other_programs;
mod profile;
mod profiles;
pub mod schema;
pub mod shell;
mod sources;
mod to_file;
pub mod values;

pub use choice::Fit;
pub use environment::search_path;
use environment::variable;
pub use file::FilePlace;
pub use given::Given;
pub use listed::Listed;
pub use lookup::Sources;
pub use profile::{Profile, belongs_to_one_profile};
use schema::Key;
use sources::Found;
pub use to_file::{FileValue, Pair, given_for_file};

/// What a failed `get` tells git.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// `quit=1`: stop at our message.
    Quit,
    /// Nothing: ask the next helper.
    Next,
}

impl Sources<'_> {
    /// What to do after a failed `get` whose profile is not known; a bad value counts as the default.
    pub fn on_failure(&self) -> OnFailure {
        self.unnamed().on_failure()
    }
}

impl Profile<'_> {
    /// What to do after a failed `get`; a bad value counts as the default.
    pub fn on_failure(&self) -> OnFailure {
        self.try_on_failure().unwrap_or(OnFailure::Quit)
    }

    /// The limit for network and locks.
    fn timeout(&self) -> Result<Duration, Failure> {
        let Some(found) = self.find(Key::Timeout)? else { return Ok(Duration::from_secs(30)) };
        match values::duration(&found)? {
            Duration::ZERO => {
                Err(found
                    .complaint("a timeout of zero leaves no time for anything", "a duration such as 30s"))
            }
            timeout => Ok(timeout),
        }
    }

    /// Everything, validated.
    pub fn settings(&self) -> Result<Config, Failure> {
        // Last: a mistyped value is a more helpful complaint than a missing source.
        let sourceless = self.without_source()?;
        let (broker, app) = self.providers()?;
        Ok(Config { broker, app, ..sourceless })
    }

    /// Everything but the source of tokens: for commands that use existing tokens.
    pub fn without_source(&self) -> Result<Config, Failure> {
        let files = self.sources.files()?;
        files.own.check_keys()?;
        files.system.check_keys()?;
        self.check_forms()?;
        self.try_on_failure()?;
        let host = self.host()?;
        let api_url = match self.find(Key::ApiUrl)? {
            Some(found) => values::api_url(&found)?,
            None => host.api_url(),
        };
        let no_cache = self.flag(Key::NoCache)?;
        let mut owners = self.owners()?;
        let owner = match self.find(Key::Owner)? {
            Some(found) => Some(values::owner(&found)?),
            None if owners.len() == 1 => owners.pop(),
            None => None,
        };
        Ok(Config {
            api_url,
            broker: None,
            app: None,
            owner,
            repositories: values::repositories(&self.list(Key::Repository)?)?,
            permissions: values::permissions(&self.list(Key::Permission)?)?,
            per_repository: self.flag(Key::PerRepository)?,
            margin: self.margin()?,
            timeout: self.timeout()?,
            cache_dir: if no_cache { None } else { self.cache_dir()? },
            no_cache,
            verify: self.find(Key::Verify)?.map_or(Ok(true), |found| values::boolean(&found))?,
            network: self.network()?,
            host,
        })
    }

    fn margin(&self) -> Result<Duration, Failure> {
        let Some(found) = self.find(Key::Margin)? else {
            return Ok(Duration::from_secs(lifetimes::MARGIN.unsigned_abs()));
        };
        values::margin(&found)
    }

    /// For the broker, which mints and never fetches: without an App it still starts and tells its clients.
    pub fn for_serving(&self) -> Result<Config, Failure> {
        let app = self.app(false)?;
        Ok(Config { app, ..self.without_source()? })
    }

    /// Whether plain HTTP is allowed on a network where others could read it.
    pub fn allow_http(&self) -> Result<bool, Failure> {
        self.flag(Key::AllowHttp)
    }

    fn try_on_failure(&self) -> Result<OnFailure, Failure> {
        let Some(found) = self.find(Key::OnFailure)? else { return Ok(OnFailure::Quit) };
        Ok(if values::choice(&found)? == "next" { OnFailure::Next } else { OnFailure::Quit })
    }

    fn providers(&self) -> Result<(Option<BrokerConfig>, Option<AppConfig>), Failure> {
        let source = self.find(Key::Source)?;
        let (broker, app) = match source.as_ref().map_or(Ok("auto"), values::choice)? {
            "broker" => (Some(self.broker()?.ok_or_else(of_broker::missing)?), None),
            "app" => (None, Some(self.app(true)?.ok_or_else(no_source)?)),
            _ => {
                let broker = self.broker()?;
                // A workspace may name an App without having its key: then only the broker is used.
                let app = self.app(broker.is_none())?;
                (broker, app)
            }
        };
        if broker.is_none() && app.is_none() {
            return Err(no_source());
        }
        Ok((broker, app))
    }

    fn cache_dir(&self) -> Result<Option<PathBuf>, Failure> {
        match self.find(Key::CacheDir)? {
            Some(found) => found.path().map(Some),
            None => Ok(dirs::cache_dir()),
        }
    }
}

fn no_source() -> Failure {
    Failure::new(Kind::Settings, "no token source is configured")
        .hint("set one up: git-credential-github-app setup")
        .hint("as options: --app-id and --private-key-file, or --broker-url")
        .hint("or set GITHUB_APP_CLIENT_ID and GITHUB_APP_PRIVATE_KEY_FILE")
        .hint("in a workspace of a platform, set PLATFORM_URL and WORKSPACE_ID")
}

/// The settings of a file's text only, without options.
pub fn of_text(text: &str) -> Result<Config, Failure> {
    let own = file::File::of_text(PathBuf::from(file::NAME), text)?;
    let given = Given::default();
    let environment = sources::Environment::none();
    Sources::of(&given, environment, Ok((own, file::File::default()))).unnamed().settings()
}

/// Whether `NO_COLOR` asks for plain messages.
pub fn no_color() -> bool {
    variable("NO_COLOR").is_ok_and(|found| found.is_some())
}

/// A duration from a command's own option; zero if it is not given.
pub fn option_duration(name: &str, text: Option<&str>) -> Result<Duration, Failure> {
    let origin = || Origin::Option(name.to_owned());
    let found = |text: &str| Found::new(Key::Timeout.row(), text.to_owned(), origin());
    text.map_or(Ok(Duration::ZERO), |text| values::duration(&found(text)?))
}

/// A path from a command's own option, with the checks of every path.
pub fn option_path(name: &str, path: &std::path::Path) -> Result<PathBuf, Failure> {
    let origin = Origin::Option(name.to_owned());
    match path.to_str() {
        Some(text) => Found::new(Key::Config.row(), text.to_owned(), origin)?.path(),
        None => Ok(path.to_owned()),
    }
}
