//! Finds the installation: the configured one, the owner's, or the only one. Look-ups are cached: see `store`.

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::tokens::ask::Ask;
use crate::tokens::cache::key;
use crate::tokens::cache::looked_up::{Installation, Known};
use crate::tokens::cache::store;
use crate::tokens::error::{Failure, Kind, escape};
use crate::tokens::github::as_app::App;
use crate::tokens::github::refusals;
use crate::tokens::scope::Repository;

/// More pages of 100 than anyone could sensibly choose from.
const MAX_PAGES: usize = 50;
/// The most owners that a hint names.
const NAMED: usize = 8;

/// An installation that was found, and how.
pub struct FoundInstallation {
    /// Mint for this one.
    pub installation: Installation,
    /// From the cache, so it may be gone.
    pub remembered: bool,
}

/// The installation of a repository that was renamed or transferred.
pub struct Moved {
    /// The installation of its current owner.
    pub installation: Installation,
    /// GitHub's ID of the repository, if the redirect gave it.
    pub id: Option<u64>,
    /// Its current name, if the redirect gave it.
    pub name: Option<String>,
}

#[derive(Deserialize)]
struct InstallationBody {
    id: u64,
    account: Option<Account>,
}

/// A user, an organisation, or an enterprise, which has a slug instead of a login.
#[derive(Deserialize)]
struct Account {
    login: Option<String>,
    slug: Option<String>,
}

impl InstallationBody {
    fn is_on_an_enterprise(&self) -> bool {
        self.account.as_ref().is_some_and(|account| account.login.is_none() && account.slug.is_some())
    }
}

impl From<InstallationBody> for Installation {
    fn from(body: InstallationBody) -> Self {
        let account = body.account.and_then(|account| account.login.or(account.slug));
        Self { id: body.id, account }
    }
}

impl App<'_> {
    /// The installation to mint for.
    ///
    /// # Errors
    /// [`Kind::NotInstalled`] if the owner does not have the App, [`Kind::Settings`] if there are several installations
    /// and no setting chooses one.
    pub(crate) fn installation(&self, ask: &Ask) -> Result<FoundInstallation> {
        if let Some(id) = self.identity.installation_id {
            return Ok(FoundInstallation {
                installation: Installation { id, account: None },
                remembered: false,
            });
        }
        let owner = ask.scope.owner.as_deref();
        let (store, deadline) = (&*self.installations, self.client.deadline);
        let look_up = || match owner {
            Some(owner) => self.by_route("users", owner),
            None => self
                .only_one(ask.no_enterprise)
                .context("look up the App's installations")
                .map(Known::Installed),
        };
        let (mut found, mut remembered) =
            store::recall(store, &self.store_key("users", owner), deadline, look_up)?;
        // Enterprises have no repositories, so only settings can name one, not a path or a request.
        if let (Known::Absent, Some(slug), None, false) =
            (&found.known, owner, &ask.repository, ask.no_enterprise)
        {
            let look_up = || self.by_route("enterprises", slug);
            (found, remembered) =
                store::recall(store, &self.store_key("enterprises", owner), deadline, look_up)?;
        }
        match found.known {
            Known::Installed(installation) => Ok(FoundInstallation { installation, remembered }),
            Known::Absent => {
                let owner = owner.unwrap_or_default();
                let message = format!("the App is not installed for {}", escape(owner));
                let failure = Failure::new(Kind::NotInstalled, message)
                    .hint("an owner of that account can install it from the App's public page");
                Err(Failure { since: Some(found.since), ..failure }).with_context(|| looking_up(owner))
            }
        }
    }

    /// Forgets what was looked up for an owner.
    pub(crate) fn forget(&self, owner: Option<&str>) {
        for route in ["users", "enterprises"] {
            self.installations.forget(&self.store_key(route, owner), self.client.deadline);
        }
    }

    fn store_key(&self, route: &str, owner: Option<&str>) -> String {
        let owner = owner.unwrap_or_default();
        key::hash(&["installation", self.api_url(), &self.identity.issuer, route, owner])
    }

    /// `GET /users/{owner}/installation` answers for users and organisations alike.
    fn by_route(&self, route: &str, name: &str) -> Result<Known> {
        // A name from a path or from the settings has only letters, digits, `-` and `_`: nothing to encode.
        let url = format!("{}/{route}/{name}/installation", self.api_url());
        let answer = self.as_app("GET", &url, None).with_context(|| looking_up(name))?;
        match answer.status {
            200 => {
                let body: InstallationBody =
                    refusals::parse(&answer, self.api()).with_context(|| looking_up(name))?;
                Ok(Known::Installed(body.into()))
            }
            404 => {
                self.check_absence(&answer).with_context(|| looking_up(name))?;
                Ok(Known::Absent)
            }
            // Not every GitHub server has this route.
            _ if route == "enterprises" => Ok(Known::Absent),
            _ => Err(self.explain(&answer)).with_context(|| looking_up(name)),
        }
    }

    /// Follows a repository that was renamed or transferred: GitHub redirects its old name within the API
    /// (<https://docs.github.com/rest/apps/apps#get-a-repository-installation-for-the-authenticated-app>). `None`: it
    /// was neither, or its new owner does not have the App.
    pub(crate) fn moved(&self, repository: &Repository) -> Result<Option<Moved>> {
        let Repository { owner, name } = repository;
        let url = format!("{}/repos/{owner}/{name}/installation", self.api_url());
        let answer = self.as_app("GET", &url, None)?;
        if answer.status != 200 || answer.url == url {
            return Ok(None);
        }
        let installation = refusals::parse::<InstallationBody>(&answer, self.api())?.into();
        let path = answer.url.strip_prefix(self.api_url()).unwrap_or_default();
        let (id, name) = match path.trim_start_matches('/').split('/').collect::<Vec<_>>()[..] {
            ["repositories", id, ..] => (id.parse().ok(), None),
            ["repos", _, name, ..] => (None, Some(name.to_owned())),
            _ => (None, None),
        };
        Ok(Some(Moved { installation, id, name }))
    }

    fn only_one(&self, no_enterprise: bool) -> Result<Installation> {
        let mut found: Vec<Installation> = Vec::new();
        let mut url = format!("{}/app/installations?per_page=100", self.api_url());
        for _ in 0..MAX_PAGES {
            let answer = self.as_app("GET", &url, None)?;
            if answer.status != 200 {
                return Err(self.explain(&answer).into());
            }
            let mut listed = refusals::parse::<Vec<InstallationBody>>(&answer, self.api())?;
            listed.retain(|body| !(no_enterprise && body.is_on_an_enterprise()));
            found.extend(listed.into_iter().map(Installation::from));
            match next_page(answer.header("link")) {
                // The App JWT is sent only to the API.
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

fn looking_up(owner: &str) -> String {
    format!("look up the App's installation for {}", escape(owner))
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
