//! GitHub's API as an App calls it: each call is signed by its JWT
//! (<https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app>),
//! and a local clock that is wrong is repaired by GitHub's own.

use std::sync::Arc;

use anyhow::Result;
use serde::Deserialize;

use crate::platform::clock;
use crate::tokens::cache::store::Store;
use crate::tokens::cache::store::on_disk::OnDisk;
use crate::tokens::config::{AppConfig, Config};
use crate::tokens::error::Failure;
use crate::tokens::github::api::Api;
use crate::tokens::github::shared::Session;
use crate::tokens::github::{jwt, refusals};
use crate::tokens::http::{Answer, Call, Client};
use crate::tokens::notes::Notes;

/// One App at one API URL.
pub struct App<'a> {
    pub(crate) settings: &'a Config,
    pub(crate) identity: &'a AppConfig,
    pub(crate) client: Client<'a>,
    pub(crate) installations: Arc<dyn Store>,
    pub(crate) notes: Notes,
    session: Arc<Session>,
}

impl<'a> App<'a> {
    /// An App that has read no key and opened no connection yet.
    pub fn new(settings: &'a Config, app: &'a AppConfig, client: Client<'a>, notes: Notes) -> Self {
        let installations = Arc::new(OnDisk::new(settings.cache_dir.clone()));
        Self { settings, identity: app, installations, client, notes, session: Arc::default() }
    }

    /// The same for one of many mints of one process: key, JWT and looked-up installations are shared, not on disk.
    pub fn sharing(self, session: &Arc<Session>) -> Self {
        let installations = Arc::clone(&session.installations);
        Self { installations, session: Arc::clone(session), ..self }
    }

    /// The API that is asked.
    pub(crate) fn api(&self) -> Api<'_> {
        self.settings.into()
    }

    /// The REST base URL.
    pub(crate) fn api_url(&self) -> &str {
        &self.settings.api_url
    }

    /// The git host's URL.
    pub(crate) fn host_url(&self) -> String {
        self.settings.host.url()
    }

    /// Sends a call as the App; on one of GitHub's clock messages once more with GitHub's own time.
    pub(crate) fn as_app(&self, method: &'static str, url: &str, body: Option<String>) -> Result<Answer> {
        let answer = self.client.send(&self.call(method, url, body.clone())?)?;
        if refusals::is_undecoded(&answer) {
            self.session.suspect_key();
        }
        if answer.status != 401 || !jwt::is_clock_message(&answer.message()) {
            return Ok(answer);
        }
        let Some(offset) = answer.date().map(|date| date - clock::now()) else { return Ok(answer) };
        if !jwt::is_plausible_offset(offset) || !self.session.repair_clock(offset) {
            return Ok(answer);
        }
        self.notes.note(|| format!("the local clock is off by {} s; using GitHub's", -offset));
        self.client.send(&self.call(method, url, body)?)
    }

    /// A call with the App JWT.
    pub(crate) fn call(&self, method: &'static str, url: &str, body: Option<String>) -> Result<Call> {
        let jwt = self.session.jwt(self.identity, self.client.deadline, self.notes)?;
        Ok(Call { body, ..Call::to_github(method, url.to_owned(), &jwt) })
    }

    /// Reads something as the App.
    pub(crate) fn get<T: for<'de> Deserialize<'de>>(&self, url: &str) -> Result<T> {
        let answer = self.as_app("GET", url, None)?;
        if answer.status != 200 {
            return Err(self.explain(&answer).into());
        }
        Ok(refusals::parse(&answer, self.api())?)
    }

    /// Makes sure that a 404 is GitHub's own: in its form, and where somebody has chosen the API URL, from a place
    /// that knows the route which every API has. With an extra segment in the URL GitHub itself answers 404 to all.
    ///
    /// # Errors
    /// [`Kind::Settings`]: it is not the API.
    pub(crate) fn check_absence(&self, answer: &Answer) -> Result<()> {
        let api = self.api();
        api.check(answer)?;
        let known_to_all = format!("{}/app", api.url);
        if api.is_default() || answer.url == known_to_all {
            return Ok(());
        }
        let own = self.as_app("GET", &known_to_all, None)?;
        api.check(&own)?;
        if own.status == 404 { Err(api.wrong("has no API below it").into()) } else { Ok(()) }
    }

    /// The failure for an answer to a call of the App's.
    pub(crate) fn explain(&self, answer: &Answer) -> Failure {
        if answer.status == 404
            && let Err(error) = self.check_absence(answer)
        {
            return Failure::of(&error);
        }
        let failure = refusals::explain(answer, &self.identity.issuer, self.api());
        match self.session.fingerprint() {
            Some(print) if refusals::is_undecoded(answer) => failure
                .hint(format!("the key in use has the fingerprint {print}, as that page shows its keys")),
            _ => failure,
        }
    }
}
