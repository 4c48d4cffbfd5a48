//! Which installation: configured, that of an owner, or the only one. What was looked up is remembered for a day.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::app::App;
use super::refusal;
use crate::cache::{self, Cache};
use crate::clock;
use crate::error::{Failure, Kind, escape};

/// How long a looked-up installation is believed, in seconds.
const MEMORY: i64 = 24 * 3600;
/// More pages of 100 than any App could sensibly be asked to choose from.
const MAX_PAGES: usize = 50;
/// How many owners a hint names.
const NAMED: usize = 8;

/// An App's installation on one account.
#[derive(Clone, Debug)]
pub struct Installation {
    /// GitHub's number.
    pub id: u64,
    /// The account's login, where known.
    pub account: Option<String>,
    /// From our memory, so it may be gone.
    pub remembered: bool,
}

#[derive(Deserialize)]
struct Body {
    id: u64,
    account: Option<Account>,
}

/// A user, an organisation, or an enterprise, which has a slug instead of a login.
#[derive(Deserialize)]
struct Account {
    login: Option<String>,
    slug: Option<String>,
}

impl From<Body> for Installation {
    fn from(body: Body) -> Self {
        let account = body.account.and_then(|account| account.login.or(account.slug));
        Self { id: body.id, account, remembered: false }
    }
}

impl App<'_> {
    /// The installation to mint for.
    ///
    /// # Errors
    /// [`Kind::NotInstalled`] where the owner does not have the App, [`Kind::Settings`] where there are several to
    /// choose from and nothing chooses.
    pub(super) fn installation(&self, owner: Option<&str>) -> Result<Installation> {
        if let Some(id) = self.identity.installation_id {
            return Ok(Installation { id, account: None, remembered: false });
        }
        if let Some(installation) = self.memory.recall(&self.memory_key(owner)) {
            return Ok(installation);
        }
        let installation = match owner {
            Some(owner) => self
                .of_owner(owner)
                .with_context(|| format!("look up the App's installation for {}", escape(owner)))?,
            None => self.only_one().context("look up the App's installations")?,
        };
        self.memory.remember(&self.memory_key(owner), &installation);
        Ok(installation)
    }

    /// Forgets what was looked up for an owner.
    pub(super) fn forget(&self, owner: Option<&str>) {
        self.memory.store(&self.memory_key(owner), b"");
    }

    fn memory_key(&self, owner: Option<&str>) -> String {
        cache::key(&["installation", self.api_url(), &self.identity.issuer, owner.unwrap_or_default()])
    }

    /// `GET /users/{owner}/installation` answers for users and organisations alike.
    fn of_owner(&self, owner: &str) -> Result<Installation> {
        // An owner is letters, digits, `-` and `_`, from the path as from the settings: nothing to encode.
        let answer = self.as_app("GET", &format!("{}/users/{owner}/installation", self.api_url()), None)?;
        match answer.status {
            200 => Ok(refusal::parse::<Body>(&answer)?.into()),
            404 => Err(Failure::new(
                Kind::NotInstalled,
                format!("the App is not installed for {}", escape(owner)),
            )
            .hint("an owner of that account can install it from the App's public page")
            .into()),
            _ => Err(refusal::explain(&answer, &self.identity.issuer).into()),
        }
    }

    fn only_one(&self) -> Result<Installation> {
        let mut found: Vec<Installation> = Vec::new();
        let mut url = format!("{}/app/installations?per_page=100", self.api_url());
        for _ in 0..MAX_PAGES {
            let answer = self.as_app("GET", &url, None)?;
            if answer.status != 200 {
                return Err(refusal::explain(&answer, &self.identity.issuer).into());
            }
            found.extend(refusal::parse::<Vec<Body>>(&answer)?.into_iter().map(Installation::from));
            match next_page(answer.header("link")) {
                // The App JWT goes nowhere but to the API.
                Some(next) if next.starts_with(&format!("{}/", self.api_url())) => next.clone_into(&mut url),
                _ => break,
            }
        }
        match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(Failure::new(Kind::Refused, "the App is not installed anywhere")
                .hint("install it on an account from the App's settings page, Install App")
                .into()),
            several => Err(choose(several, &self.host_url()).into()),
        }
    }
}

fn choose(several: &[Installation], host_url: &str) -> Failure {
    let mut names: Vec<String> = several
        .iter()
        .take(NAMED)
        .filter_map(|installation| installation.account.as_deref().map(escape))
        .collect();
    if several.len() > NAMED {
        names.push("...".into());
    }
    Failure::new(
        Kind::Settings,
        format!("the App is installed for {} owners, and nothing says which one is meant", several.len()),
    )
    .hint(format!("owners: {}", names.join(", ")))
    .hint(format!("let git say it: git config --global credential.{host_url}.useHttpPath true"))
    .hint("or choose one with --owner or GITHUB_APP_OWNER")
}

/// The URL of the next page (RFC 8288), as `GitHub` builds it.
fn next_page(link: Option<&str>) -> Option<&str> {
    link?.split(',').find_map(|part| {
        let (url, parameters) = part.trim().strip_prefix('<')?.split_once('>')?;
        parameters.contains("rel=\"next\"").then_some(url)
    })
}

/// Looked-up installations on disk; without a usable cache directory nothing is remembered.
pub struct Memory {
    /// The cache directory.
    pub dir: Option<PathBuf>,
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    id: u64,
    account: Option<String>,
    until: i64,
}

impl Memory {
    fn recall(&self, key: &str) -> Option<Installation> {
        let bytes = Cache::open(self.dir.as_deref()?).ok()?.read(key).ok()??;
        let Remembered { id, account, until } = serde_json::from_slice(&bytes).ok()?;
        let left = until - clock::now();
        (left > 0 && left <= MEMORY).then_some(Installation { id, account, remembered: true })
    }

    fn remember(&self, key: &str, installation: &Installation) {
        let Installation { id, account, remembered: _ } = installation.clone();
        let entry = Remembered { id, account, until: clock::now() + MEMORY };
        self.store(key, &serde_json::to_vec(&entry).unwrap_or_default());
    }

    /// A failure costs one more look-up the next time, and whoever holds the lock writes the same.
    fn store(&self, key: &str, bytes: &[u8]) {
        let Some(Ok(cache)) = self.dir.as_deref().map(Cache::open) else { return };
        if let Ok(Some(lock)) = cache.try_lock(key) {
            let _ = lock.write(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_read_from_the_link_header() {
        let link = "<https://api/x?page=1>; rel=\"prev\", <https://api/x?page=3>; rel=\"next\"";
        assert_eq!(next_page(Some(link)), Some("https://api/x?page=3"));
        assert_eq!(next_page(Some("<https://api/x?page=1>; rel=\"last\"")), None);
        assert_eq!(next_page(None), None);
    }
}
