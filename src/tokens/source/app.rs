//! Mints a token with the App's private key: App JWT, installation, one POST
//! (<https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app>).

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::platform::clock;
use crate::report::Report;
use crate::tokens::cache::installations::{Kept, Memory};
use crate::tokens::config::{AppConfig, Config};
use crate::tokens::error::{Failure, Kind, escape};
use crate::tokens::github::api::Api;
use crate::tokens::github::granted::Grant;
use crate::tokens::github::installations::{Found, Installation};
use crate::tokens::github::session::Session;
use crate::tokens::github::{jwt, propagation, refusals};
use crate::tokens::http::{Answer, Call, Client};
use crate::tokens::secret::Secret;
use crate::tokens::source::{Ask, TokenProvider};
use crate::tokens::token::{self, Facts, Source, Token};

/// One App at one API URL.
pub struct App<'a> {
    pub(crate) settings: &'a Config,
    pub(crate) identity: &'a AppConfig,
    pub(crate) client: Client<'a>,
    pub(crate) memory: Memory,
    pub(crate) report: Report,
    session: Arc<Session>,
}

/// What to mint for, and the body that says so.
#[derive(Serialize)]
pub(crate) struct Target<'a> {
    #[serde(skip)]
    pub installation: Installation,
    /// Left out where empty: an empty list is refused, or means something else.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub repositories: Vec<String>,
    /// In place of a name that is out of date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_ids: Option<[u64; 1]>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub permissions: &'a BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Minted {
    token: Zeroizing<String>,
    #[serde(default)]
    expires_at: serde_json::Value,
    #[serde(flatten)]
    grant: Grant,
}

impl Target<'_> {
    /// Whether it is for less than all repositories.
    pub fn names_repositories(&self) -> bool {
        !self.repositories.is_empty() || self.repository_ids.is_some()
    }
}

impl TokenProvider for App<'_> {
    fn token(&self, ask: &Ask) -> Result<Token> {
        let (target, answer) = self.mint(ask)?;
        let context = || format!("mint a token for installation {}", target.installation.id);
        let mut token = self.read(&target, &answer).with_context(context)?;
        if self.settings.verify {
            let owner = propagation::wait_until_known(self, ask.repository.as_ref(), &token);
            token.facts.account = token.facts.account.or(owner);
        }
        Ok(token)
    }
}

impl<'a> App<'a> {
    /// An App that has read no key and opened no connection yet.
    pub fn new(settings: &'a Config, app: &'a AppConfig, client: Client<'a>, report: Report) -> Self {
        let kept = Kept::OnDisk(settings.cache_dir.clone());
        let memory = Memory { kept, deadline: client.deadline };
        Self { settings, identity: app, memory, client, report, session: Arc::default() }
    }

    /// The same for one of many mints of one process: key, JWT and looked-up installations are shared, not on disk.
    pub fn sharing(self, session: &Arc<Session>) -> Self {
        let memory = Memory { kept: Kept::InProcess(Arc::clone(session)), ..self.memory };
        Self { memory, session: Arc::clone(session), ..self }
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

    /// Asks for a token; where what we know of installation or repository is out of date, once more with what is true.
    fn mint<'b>(&self, ask: &'b Ask) -> Result<(Target<'b>, Answer)> {
        let target = |installation| Target {
            installation,
            repositories: ask.scope.repositories.clone(),
            repository_ids: None,
            permissions: &ask.scope.permissions,
        };
        let found = match self.installation(ask) {
            Err(error) if Failure::of(&error).kind == Kind::NotInstalled => {
                return match self.moved_target(ask)? {
                    Some(moved) => self.post(&moved).map(|answer| (moved, answer)),
                    None => Err(error),
                };
            }
            outcome => outcome?,
        };
        let Found { installation, remembered } = found;
        let first = target(installation);
        let answer = self.post(&first)?;
        match answer.status {
            404 if remembered => {
                self.check_absence(&answer)?;
                // Re-installed: the account has a new installation ID.
                self.forget(ask.scope.owner.as_deref());
                let second = target(self.installation(ask)?.installation);
                self.post(&second).map(|answer| (second, answer))
            }
            422 if refusals::is_unknown_repository(&answer) => match self.moved_target(ask)? {
                Some(second) => self.post(&second).map(|answer| (second, answer)),
                None => Ok((first, answer)),
            },
            _ => Ok((first, answer)),
        }
    }

    /// The target for a repository that has moved, where the token is for that repository alone: one for all of an
    /// owner's repositories would otherwise be kept for the owner of yesterday.
    fn moved_target<'b>(&self, ask: &'b Ask) -> Result<Option<Target<'b>>> {
        let Some(repository) = ask.repository.as_ref().filter(|_| self.settings.per_repository) else {
            return Ok(None);
        };
        let Some(moved) = self.moved(repository)? else { return Ok(None) };
        self.report.note(|| {
            let owner = moved.installation.account.as_deref().unwrap_or("another owner");
            let (old, owner) = (format!("{}/{}", repository.owner, repository.name), escape(owner));
            format!("{old} has moved within GitHub (owner: {owner}); git remote set-url spares the detour")
        });
        let repositories = match (moved.id, moved.name) {
            (Some(_), _) => Vec::new(),
            (None, name) => vec![name.unwrap_or_else(|| repository.name.clone())],
        };
        Ok(Some(Target {
            installation: moved.installation,
            repositories,
            repository_ids: moved.id.map(|id| [id]),
            permissions: &ask.scope.permissions,
        }))
    }

    fn post(&self, target: &Target) -> Result<Answer> {
        let id = target.installation.id;
        let url = format!("{}/app/installations/{id}/access_tokens", self.api_url());
        self.as_app("POST", &url, Some(serde_json::to_string(target)?))
            .with_context(|| format!("mint a token for installation {id}"))
    }

    fn read(&self, target: &Target, answer: &Answer) -> Result<Token> {
        if answer.status != 201 {
            return Err(self.explain_mint(target, answer).into());
        }
        let minted: Minted = refusals::parse(answer, self.api())?;
        token::check_text(&minted.token)?;
        let Installation { id, account } = &target.installation;
        self.report.note(|| format!("minted a token for installation {id}"));
        let at = clock::moment();
        let facts = Facts {
            expiry: token::local_expiry(minted.expires_at.as_str(), answer.date(), at.wall),
            source: Source::App,
            installation_id: Some(*id),
            account: account.clone().or_else(|| self.settings.owner.clone()),
            permissions: minted.grant.permissions.clone(),
            repositories: minted.grant.repositories(),
        };
        let token = Token::fresh(Secret::new(minted.token.to_string()), facts, at);
        self.check_grant(target, &minted.grant, &token)?;
        Ok(token)
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
        if !jwt::is_believable(offset) || !self.session.repair_clock(offset) {
            return Ok(answer);
        }
        self.report.note(|| format!("the local clock is off by {} s; using GitHub's", -offset));
        self.client.send(&self.call(method, url, body)?)
    }

    /// A call with the App JWT.
    pub(crate) fn call(&self, method: &'static str, url: &str, body: Option<String>) -> Result<Call> {
        let jwt = self.session.jwt(self.identity, self.client.deadline, self.report)?;
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

    /// Makes sure that a 404 is GitHub's own word: in its form, and where somebody has chosen the API URL, from a place
    /// that knows the route which every API has. With a word too many in the URL GitHub itself has a 404 for all.
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
