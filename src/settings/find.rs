//! Looks a setting up in the places that were read: option, then environment, then settings file.

use crate::settings::{Sources, values};
use crate::settings::sources::{File, Found, Origin, environment};
use crate::cli::Options;
use crate::tokens::error::Failure;

/// Which environment variables stand for a setting, in their order.
pub(super) const ENVIRONMENT: [(&str, &[&str]); 20] = [
    ("allow_http", &["GITHUB_APP_ALLOW_HTTP"]),
    ("host", &["GITHUB_APP_HOST"]),
    ("api_url", &["GITHUB_APP_API_URL"]),
    ("app_id", &["GITHUB_APP_CLIENT_ID", "GITHUB_APP_ID"]),
    ("installation_id", &["GITHUB_APP_INSTALLATION_ID"]),
    ("owner", &["GITHUB_APP_OWNER"]),
    ("private_key_file", &["GITHUB_APP_PRIVATE_KEY_FILE"]),
    ("private_key_command", &["GITHUB_APP_PRIVATE_KEY_COMMAND"]),
    ("sign_command", &["GITHUB_APP_SIGN_COMMAND"]),
    ("broker_url", &["GITHUB_APP_BROKER_URL"]),
    ("broker_token_file", &["GITHUB_APP_BROKER_TOKEN_FILE"]),
    ("source", &["GITHUB_APP_SOURCE"]),
    ("per_repository", &["GITHUB_APP_PER_REPOSITORY"]),
    ("margin", &["GITHUB_APP_MARGIN"]),
    ("timeout", &["GITHUB_APP_TIMEOUT"]),
    ("cache_dir", &["GITHUB_APP_CACHE_DIR"]),
    ("on_failure", &["GITHUB_APP_ON_FAILURE"]),
    ("verify", &["GITHUB_APP_VERIFY"]),
    ("ca_file", &["GITHUB_APP_CA_FILE"]),
    ("proxy", &["GITHUB_APP_PROXY"]),
];

pub(super) fn option<'a>(options: &'a Options, key: &str) -> Option<&'a String> {
    let value = match key {
        "host" => &options.host,
        "api_url" => &options.api_url,
        "app_id" => &options.app_id,
        "installation_id" => &options.installation_id,
        "owner" => &options.owner,
        "private_key_file" => &options.private_key_file,
        "private_key_command" => &options.private_key_command,
        "sign_command" => &options.sign_command,
        "broker_url" => &options.broker_url,
        "broker_token_file" => &options.broker_token_file,
        "source" => &options.source,
        "per_repository" => &options.per_repository,
        "margin" => &options.margin,
        "timeout" => &options.timeout,
        "cache_dir" => &options.cache_dir,
        "on_failure" => &options.on_failure,
        "allow_http" => &options.allow_http,
        "ca_file" => &options.ca_file,
        "proxy" => &options.proxy,
        _ => &None,
    };
    value.as_ref()
}

impl Sources<'_> {
    pub(super) fn flag(&self, key: &'static str, option: bool) -> Result<bool, Failure> {
        Ok(option || self.find(key)?.map_or(Ok(false), |found| values::boolean(&found))?)
    }

    pub(super) fn list(&self, key: &'static str, options: &[String]) -> Result<Vec<Found>, Failure> {
        if options.is_empty() {
            return self.file()?.values(key);
        }
        let found = |text: &String| Found { text: text.clone(), origin: Origin::Option(format!("--{key}")) };
        Ok(options.iter().map(found).collect())
    }

    pub(super) fn file(&self) -> Result<&File, Failure> {
        self.file.as_ref().map_err(Clone::clone)
    }

    pub(super) fn find(&self, key: &'static str) -> Result<Option<Found>, Failure> {
        match self.given(key)? {
            Some(found) => Ok(Some(found)),
            None => Ok(self.file()?.values(key)?.into_iter().next()),
        }
    }

    /// A value from the option or the environment.
    pub(super) fn given(&self, key: &'static str) -> Result<Option<Found>, Failure> {
        if let Some(text) = option(self.options, key) {
            let origin = Origin::Option(format!("--{}", key.replace('_', "-")));
            return Ok(Some(Found { text: text.clone(), origin }));
        }
        let names = ENVIRONMENT.iter().find(|(known, _)| *known == key).map_or(&[][..], |(_, names)| names);
        for name in names {
            if let Some(found) = environment(name)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
