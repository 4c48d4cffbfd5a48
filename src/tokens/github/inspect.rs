//! What GitHub says of the App and its installations, for people who look for what is wrong. Mints nothing.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::tokens::ask::Ask;
use crate::tokens::cache::looked_up::Installation;
use crate::tokens::github::as_app::App;

/// The App, as its own JWT sees it.
#[derive(Deserialize)]
pub struct AppIdentity {
    /// The name in URLs; its bot is `SLUG[bot]`.
    pub slug: String,
}

/// An installation, with what it grants.
#[derive(Deserialize)]
pub struct Details {
    /// GitHub's number.
    pub id: u64,
    account: Option<DetailsOwner>,
    /// Granted, by name.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    suspended_at: Option<String>,
    html_url: Option<String>,
}

#[derive(Deserialize)]
struct DetailsOwner {
    login: Option<String>,
    slug: Option<String>,
}

impl Details {
    /// The account's login, or an enterprise's slug.
    pub fn owner(&self) -> Option<&str> {
        let account = self.account.as_ref()?;
        account.login.as_deref().or(account.slug.as_deref())
    }

    /// Whether an owner has suspended it.
    pub fn is_suspended(&self) -> bool {
        self.suspended_at.is_some()
    }

    /// The page where an owner manages it.
    pub fn page(&self) -> &str {
        self.html_url.as_deref().unwrap_or("the installation's page")
    }
}

impl App<'_> {
    /// `GET /app`: the best single check of key, issuer and clock.
    pub fn identity(&self) -> Result<AppIdentity> {
        self.get(&format!("{}/app", self.api_url()))
    }

    /// The installation for an ask.
    pub fn inspect(&self, ask: &Ask) -> Result<Details> {
        let Installation { id, .. } = self.installation(ask)?.installation;
        let url = format!("{}/app/installations/{id}", self.api_url());
        self.get(&url).with_context(|| format!("look at installation {id}"))
    }

    /// The first hundred installations.
    pub fn installations(&self) -> Result<Vec<Details>> {
        self.get(&format!("{}/app/installations?per_page=100", self.api_url()))
    }
}
