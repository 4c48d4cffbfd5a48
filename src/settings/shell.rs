//! What only this process's environment holds and a timer's would lack: `setup` writes it where the timer finds it, or
//! says what is missing. Secrets are never written.

use std::path::{Path, PathBuf};

use ureq::http::Uri;

use crate::platform::users;
use crate::settings::environment::variable;
use crate::settings::schema::Key;
use crate::settings::to_file::{self, FileValue, Pair};
use crate::settings::{Profile, dirs};
use crate::tokens::config::{BearerSource, Config, KeySource};
use crate::tokens::error::Failure;
use crate::tokens::http::proxies::{NO_PROXY, VARIABLES};
use crate::tokens::secret::{BEARER_VARIABLE, ID_TOKEN_VARIABLE, KEY_VARIABLE};

/// Set by a platform in its workspaces; they have no key in the settings file.
const PLATFORM: [&str; 4] = ["PLATFORM_URL", "WORKSPACE_ID", "CONFIGS_DIR", "MOLECULE_ORG_ID"];
/// In each of these groups, an option overrides all variables of the group.
const ALTERNATIVES: [[Key; 3]; 2] = [
    [Key::PrivateKeyFile, Key::PrivateKeyCommand, Key::SignCommand],
    [Key::BrokerTokenFile, Key::BrokerTokenCommand, Key::BrokerAudience],
];
/// The locations of settings and tokens.
const DIRECTORIES: [&str; 2] = ["XDG_CONFIG_HOME", "XDG_CACHE_HOME"];

/// What this process takes from its environment.
#[derive(Debug, Default)]
pub struct Shell {
    /// Settings with a key in the settings file.
    pub settings: Vec<Pair>,
    /// Variables without one that are not secret.
    pub variables: Vec<(&'static str, String)>,
    /// Secrets that tokens depend on, and what to do about them.
    pub missing: Vec<(&'static str, String)>,
}

/// Variables of this process that are set.
pub fn variables(names: &[&'static str]) -> Vec<(&'static str, String)> {
    let set = |name: &&'static str| Some((*name, variable(name).ok()??));
    names.iter().filter_map(set).collect()
}

impl Profile<'_> {
    /// The parts of the environment that the settings depend on. `gh`: gh is run, too.
    pub fn shell(&self, settings: &Config, gh: bool) -> Result<Shell, Failure> {
        let given = self.sources.given;
        let mut shell = Shell { settings: to_file::given_by_environment(given)?, ..Shell::default() };
        for ways in ALTERNATIVES.iter().filter(|ways| ways.iter().any(|key| given.has(*key))) {
            shell.settings.retain(|(name, _)| ways.iter().all(|key| key.row().key() != *name));
        }
        shell.take_home();
        shell.take(&DIRECTORIES);
        if gh {
            shell.take(&["GH_CONFIG_DIR"]);
        }
        if let Some(broker) = &settings.broker {
            shell.take(&PLATFORM);
            if matches!(broker.bearer, BearerSource::Text(_)) {
                let cure = "write the bearer to a file with mode 600, and give setup --broker-token-file";
                shell.missing.push((BEARER_VARIABLE, cure.to_owned()));
            }
            if matches!(broker.bearer, BearerSource::IdToken(_)) {
                let cure =
                    "a job's secret ends with the job, and no timer has it: run refresh within the job";
                shell.missing.push((ID_TOKEN_VARIABLE, cure.to_owned()));
            }
        }
        if settings.app.as_ref().is_some_and(|app| matches!(app.key, KeySource::Text(_))) {
            let cure = "write the key to a file with mode 600, and give setup --private-key-file";
            shell.missing.push((KEY_VARIABLE, cure.to_owned()));
        }
        if self.find(Key::Proxy)?.is_none() {
            shell.take_proxies(&ways(settings));
        }
        if self.find(Key::CaFile)?.is_none() {
            shell.take_roots()?;
        }
        Ok(shell)
    }
}

/// The home directory that cron and systemd use: the one in the user database, whatever `HOME` says.
pub fn home() -> Option<PathBuf> {
    users::home().or_else(dirs::home)
}

impl Shell {
    /// If the shell has another `HOME`, as in many containers, the settings are there.
    fn take_home(&mut self) {
        let own = variables(&["HOME"]).pop();
        if own.is_some_and(|(_, own)| home().is_some_and(|home| home != Path::new(&own))) {
            self.take(&["HOME"]);
        }
    }

    fn take(&mut self, names: &[&'static str]) {
        for (name, value) in variables(names) {
            if value.chars().any(char::is_control) {
                let cure = "it has control characters, which neither cron nor systemd takes".to_owned();
                self.missing.push((name, cure));
            } else {
                self.variables.push((name, value));
            }
        }
    }

    /// One proxy for all servers is a setting; only the variables can describe several.
    fn take_proxies(&mut self, ways: &[bool]) {
        if !ways.contains(&true) {
            return;
        }
        let names = [VARIABLES.as_flattened(), &NO_PROXY].concat();
        let set = variables(&names);
        let secret: Vec<&str> =
            set.iter().filter(|(_, value)| value.contains('@')).map(|(name, _)| *name).collect();
        if !secret.is_empty() {
            let cure = "it holds a password, which setup writes nowhere: set it for the timer by hand";
            self.missing.extend(
                set.iter()
                    .filter(|(name, _)| secret.contains(name))
                    .map(|(name, _)| (*name, cure.to_owned())),
            );
            return;
        }
        let is_setting = !ways.contains(&false);
        if let Some((_, value)) = set.first().filter(|_| is_setting) {
            self.settings.push(("proxy", FileValue::Text(value.clone())));
        }
        if !is_setting {
            self.take(&names);
        }
    }

    fn take_roots(&mut self) -> Result<(), Failure> {
        let is_setting = variables(&["SSL_CERT_DIR"]).is_empty();
        let file = variables(&["SSL_CERT_FILE"]).pop();
        if let Some((_, path)) = file.filter(|_| is_setting) {
            self.settings.push(("ca_file", FileValue::Text(to_file::absolute(Path::new(&path))?)));
        }
        if !is_setting {
            self.take(&["SSL_CERT_FILE", "SSL_CERT_DIR"]);
        }
        Ok(())
    }
}

/// Whether each server that is asked is reached through a proxy.
fn ways(settings: &Config) -> Vec<bool> {
    let broker = settings.broker.as_ref().filter(|broker| broker.socket.is_none());
    let app = settings.app.as_ref().map(|_| settings.api_url.clone());
    let urls = [Some(settings.host.url()), app, broker.map(|broker| broker.url.clone())];
    let through = |url: String| {
        let uri: Uri = url.parse().ok()?;
        Some(settings.network.proxies.of(uri.scheme_str()?, uri.host()?).is_some())
    };
    urls.into_iter().flatten().filter_map(through).collect()
}
