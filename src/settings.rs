//! Options, environment and settings file to validated plain data, each value with its origin.
//!
//! Precedence: option, environment, file, default. Nothing here talks to the network or reads a key.
//! Every complaint names the setting, where it came from and what is expected.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::Options;
use crate::error::{Failure, Kind};

mod app;
mod broker;
pub mod dirs;
mod find;
pub mod hosts;
mod listing;
pub mod programs;
pub mod proxies;
pub mod shell;
mod sources;
mod to_file;
pub mod values;

pub use app::{AppSettings, KeySource};
pub use broker::{Bearer, BrokerSettings};
use hosts::Host;
pub use listing::Listed;
use proxies::Proxies;
use sources::{File, Found, environment, knows_key};
pub use sources::{Origin, Place};
pub use to_file::{FileValue, given_for_file};

/// What a failed `get` tells git.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// `quit=1`: stop at our message.
    Quit,
    /// Nothing: ask the next helper.
    Next,
}

/// All settings, validated.
#[derive(Debug)]
pub struct Settings {
    /// The git host answered for.
    pub host: Host,
    /// REST base URL without a slash at its end.
    pub api_url: String,
    /// Asked first where both are configured.
    pub broker: Option<BrokerSettings>,
    /// Mints, alone or when the broker cannot serve.
    pub app: Option<AppSettings>,
    /// Whose installation, where git names no path.
    pub owner: Option<String>,
    /// Narrow to these.
    pub repositories: Vec<String>,
    /// Narrow to these.
    pub permissions: BTreeMap<String, String>,
    /// Narrow to the repository that git asks for.
    pub per_repository: bool,
    /// A cached token with less left is renewed.
    pub margin: Duration,
    /// Everything one command may spend on network and locks.
    pub timeout: Duration,
    /// `None`: keep nothing on disk.
    pub cache_dir: Option<PathBuf>,
    /// `--no-cache` was asked for, as opposed to no directory being found.
    pub no_cache: bool,
    /// Try a new token before it is handed out.
    pub verify: bool,
    /// How servers are reached.
    pub proxies: Proxies,
}

impl Settings {
    /// Whether the settings themselves tell owners apart: only then is a broker told one.
    pub fn names_owner(&self) -> bool {
        self.owner.is_some() || self.per_repository
    }
}

/// The places that settings come from, read once.
pub struct Sources<'a> {
    options: &'a Options,
    file: Result<File, Failure>,
}

impl<'a> Sources<'a> {
    /// Reads the settings file; a failure comes out where the first setting is needed.
    pub fn read(options: &'a Options) -> Self {
        Self { options, file: File::read(options) }
    }

    /// The same for `setup`, which may be about to make the file.
    pub fn read_or_empty(options: &'a Options) -> Self {
        Self { options, file: File::read_or_empty(options) }
    }

    /// The host answered for. `None`: the settings file cannot be read and nothing else names the host.
    pub fn host(&self) -> Result<Option<Host>, Failure> {
        let found = match (self.given("host")?, &self.file) {
            (Some(found), _) => Some(found),
            (None, Err(_)) => return Ok(None),
            (None, Ok(_)) => self.find("host")?,
        };
        found
            .map_or_else(
                || Ok(Host::default()),
                |found| {
                    Host::parse(found.text.trim()).map_err(|wrong| {
                        found.complaint(
                            wrong,
                            "a host such as github.com, SUB.ghe.com or ghe.example.com:8443",
                        )
                    })
                },
            )
            .map(Some)
    }

    /// What to do after a failed `get`; a bad value counts as the default.
    pub fn on_failure(&self) -> OnFailure {
        self.try_on_failure().unwrap_or(OnFailure::Quit)
    }

    /// The limit for network and locks.
    fn timeout(&self) -> Result<Duration, Failure> {
        let Some(found) = self.find("timeout")? else { return Ok(Duration::from_secs(30)) };
        match values::duration(&found)? {
            Duration::ZERO => {
                Err(found
                    .complaint("a timeout of zero leaves no time for anything", "a duration such as 30s"))
            }
            timeout => Ok(timeout),
        }
    }

    /// Everything, validated.
    pub fn settings(&self) -> Result<Settings, Failure> {
        // Last of all: a mistyped value says more than a missing source.
        let sourceless = self.without_source()?;
        let (broker, app) = self.providers()?;
        Ok(Settings { broker, app, ..sourceless })
    }

    /// Everything but where tokens come from: for commands that deal with the tokens that are there.
    pub fn without_source(&self) -> Result<Settings, Failure> {
        self.file()?.check_keys()?;
        self.try_on_failure()?;
        let Some(host) = self.host()? else { return Err(self.file().err().unwrap_or_else(no_source)) };
        let api_url = match self.find("api_url")? {
            Some(found) => api_url(&found)?,
            None => host.api_url(),
        };
        let no_cache = self.flag("no_cache", self.options.no_cache)?;
        Ok(Settings {
            api_url,
            broker: None,
            app: None,
            owner: self.find("owner")?.map(|found| values::owner(&found)).transpose()?,
            repositories: values::repositories(&self.list("repository", &self.options.repository)?)?,
            permissions: values::permissions(&self.list("permission", &self.options.permission)?)?,
            per_repository: self.flag("per_repository", false)?,
            margin: match self.find("margin")? {
                Some(found) => values::duration(&found)?,
                None => Duration::from_mins(4),
            },
            timeout: self.timeout()?,
            cache_dir: if no_cache { None } else { self.cache_dir()? },
            no_cache,
            verify: !self.options.no_verify
                && self.find("verify")?.map_or(Ok(true), |found| values::boolean(&found))?,
            proxies: Proxies::from_environment()?,
            host,
        })
    }

    /// For the broker, which mints and never fetches: without an App it starts all the same and says so to all.
    pub fn for_serving(&self) -> Result<Settings, Failure> {
        let app = self.app(false)?;
        Ok(Settings { app, ..self.without_source()? })
    }

    /// Whether plain HTTP is allowed where others could read along.
    pub fn allow_http(&self) -> Result<bool, Failure> {
        self.flag("allow_http", false)
    }

    fn try_on_failure(&self) -> Result<OnFailure, Failure> {
        let Some(found) = self.find("on_failure")? else { return Ok(OnFailure::Quit) };
        match found.text.trim() {
            "quit" => Ok(OnFailure::Quit),
            "next" => Ok(OnFailure::Next),
            _ => Err(found.complaint("bad value", "quit or next")),
        }
    }

    fn providers(&self) -> Result<(Option<BrokerSettings>, Option<AppSettings>), Failure> {
        let source = self.find("source")?;
        let choice = source.as_ref().map_or("auto", |found| found.text.trim());
        let (broker, app) = match (choice, &source) {
            ("broker", _) => (self.broker()?.ok_or_else(broker::missing)?.into(), None),
            ("app", _) => (None, Some(self.app(true)?.ok_or_else(no_source)?)),
            ("auto", _) => {
                let broker = self.broker()?;
                // A workspace may name an App without holding its key: then the broker serves alone.
                let app = self.app(broker.is_none())?;
                (broker, app)
            }
            (_, Some(found)) => return Err(found.complaint("bad value", "broker, app or auto")),
            (_, None) => (None, None),
        };
        if broker.is_none() && app.is_none() {
            return Err(no_source());
        }
        Ok((broker, app))
    }

    fn cache_dir(&self) -> Result<Option<PathBuf>, Failure> {
        if let Some(found) = self.find("cache_dir")? {
            return Ok(Some(found.text.into()));
        }
        Ok(dirs::cache_dir())
    }
}

fn api_url(found: &Found) -> Result<String, Failure> {
    let expected =
        "a URL such as https://api.github.com or https://ghe.example.com/api/v3 (http for loopback only)";
    let text = found.text.trim();
    let uri = hosts::check_url(text).map_err(|wrong| found.complaint(wrong, expected))?;
    if uri.scheme_str() == Some("http") && !hosts::is_loopback(uri.host().unwrap_or_default()) {
        return Err(
            found.complaint("plain http would show the App JWT and the tokens to the network", expected)
        );
    }
    if uri.query().is_some() {
        return Err(found.complaint("a query makes no sense here", expected));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn no_source() -> Failure {
    Failure::new(Kind::Settings, "no token source is configured")
        .hint("in a workspace of a platform, set PLATFORM_URL and WORKSPACE_ID (or GITHUB_APP_BROKER_URL)")
        .hint("with an App key of your own, set GITHUB_APP_CLIENT_ID and GITHUB_APP_PRIVATE_KEY_FILE")
        .hint("or write them to the settings file; see git help credential-github-app")
}

/// The settings of a file's text alone, without options.
#[cfg(any(test, feature = "internals"))]
pub fn of_text(text: &str) -> Result<Settings, Failure> {
    Sources { options: &Options::default(), file: File::of_text(PathBuf::from("config.toml"), text) }
        .settings()
}

/// Whether `NO_COLOR` asks for plain messages.
pub fn no_color() -> bool {
    environment("NO_COLOR").is_ok_and(|found| found.is_some())
}

/// A duration that a command's own option gives; zero where it does not.
pub fn option_duration(name: &str, text: Option<&str>) -> Result<Duration, Failure> {
    let found = |text: &str| Found { text: text.to_owned(), origin: Origin::Option(name.to_owned()) };
    text.map_or(Ok(Duration::ZERO), |text| values::duration(&found(text)))
}
