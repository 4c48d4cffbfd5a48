//! Mints a token with the App's private key: App JWT, installation, one POST
//! (<https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app>).

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::installation::{Installation, Memory};
use super::{Ask, TokenProvider, refusal, signer, verify};
use crate::app_jwt::{self, Signer};
use crate::clock;
use crate::error::Failure;
use crate::http::{Answer, Call, Client, github_headers};
use crate::report::Report;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::settings::{AppSettings, Settings};
use crate::token::{self, Facts, Source, Token};

/// One App at one API URL.
pub struct App<'a> {
    settings: &'a Settings,
    pub(super) identity: &'a AppSettings,
    pub(super) client: Client,
    pub(super) memory: Memory,
    report: Report,
    signer: OnceCell<Box<dyn Signer>>,
    jwt: RefCell<Option<Secret>>,
    /// What GitHub's clock is ahead of ours, once it has complained.
    offset: Cell<i64>,
}

#[derive(Serialize)]
struct Narrowing<'a> {
    /// Left out where empty: an empty list is refused, or means something else.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    repositories: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    permissions: &'a BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Minted {
    token: Zeroizing<String>,
    #[serde(default)]
    expires_at: serde_json::Value,
    permissions: Option<BTreeMap<String, String>>,
    repositories: Option<Vec<MintedRepository>>,
}

#[derive(Deserialize)]
struct MintedRepository {
    name: String,
}

impl TokenProvider for App<'_> {
    fn token(&self, ask: &Ask) -> Result<Token> {
        let installation = self.installation(ask.scope.owner.as_deref())?;
        let token = match self.mint(&installation, &ask.scope) {
            Err(error) if installation.remembered && is_gone(&error) => {
                // Re-installed: the account has a new installation ID.
                self.forget(ask.scope.owner.as_deref());
                let installation = self.installation(ask.scope.owner.as_deref())?;
                self.mint(&installation, &ask.scope)?
            }
            outcome => outcome?,
        };
        if self.settings.verify {
            let place = verify::Place { host_url: &self.host_url(), api_url: &self.settings.api_url };
            verify::wait_until_known(
                &self.client,
                place,
                ask.repository.as_ref(),
                &token.secret,
                self.report,
            );
        }
        Ok(token)
    }
}

/// Minting answered 404; told by its message, which `refusal` begins with the status.
fn is_gone(error: &anyhow::Error) -> bool {
    Failure::of(error).message.starts_with("GitHub answered 404")
}

impl<'a> App<'a> {
    /// An App that has read no key and opened no connection yet.
    pub fn new(settings: &'a Settings, app: &'a AppSettings, client: Client, report: Report) -> Self {
        Self {
            settings,
            identity: app,
            client,
            memory: Memory { dir: settings.cache_dir.clone() },
            report,
            signer: OnceCell::new(),
            jwt: RefCell::new(None),
            offset: Cell::new(0),
        }
    }

    /// The REST base URL.
    pub(super) fn api_url(&self) -> &str {
        &self.settings.api_url
    }

    /// The git host's URL.
    pub(super) fn host_url(&self) -> String {
        self.settings.host.url()
    }

    fn mint(&self, installation: &Installation, scope: &Scope) -> Result<Token> {
        let url = format!("{}/app/installations/{}/access_tokens", self.api_url(), installation.id);
        let narrowing = Narrowing { repositories: &scope.repositories, permissions: &scope.permissions };
        let context = || format!("mint a token for installation {}", installation.id);
        let answer =
            self.as_app("POST", &url, Some(serde_json::to_string(&narrowing)?)).with_context(context)?;
        if answer.status != 201 {
            return Err(refusal::explain(&answer, &self.identity.issuer)).with_context(context);
        }
        let minted: Minted = refusal::parse(&answer).with_context(context)?;
        token::check_text(&minted.token).with_context(context)?;
        self.report.note(|| format!("minted a token for installation {}", installation.id));
        let facts = Facts {
            expiry: token::local_expiry(minted.expires_at.as_str(), answer.date(), clock::now()),
            source: Source::App,
            installation_id: Some(installation.id),
            account: installation.account.clone().or_else(|| self.settings.owner.clone()),
            permissions: minted.permissions,
            repositories: minted
                .repositories
                .map(|list| list.into_iter().map(|repository| repository.name).collect()),
        };
        Ok(Token::fresh(Secret::new(minted.token.to_string()), facts))
    }

    /// Sends a call as the App; on one of GitHub's clock messages once more with GitHub's own time.
    pub(super) fn as_app(&self, method: &'static str, url: &str, body: Option<String>) -> Result<Answer> {
        let answer = self.client.send(&self.call(method, url, body.clone())?)?;
        if answer.status != 401 || !app_jwt::is_clock_message(&answer.message()) || self.offset.get() != 0 {
            return Ok(answer);
        }
        let Some(date) = answer.date() else { return Ok(answer) };
        self.offset.set(date - clock::now());
        self.jwt.take();
        self.report.note(|| format!("the local clock is off by {} s; using GitHub's", -self.offset.get()));
        self.client.send(&self.call(method, url, body)?)
    }

    fn call(&self, method: &'static str, url: &str, body: Option<String>) -> Result<Call> {
        let authorization = Some(Secret::new(format!("Bearer {}", self.jwt()?.expose())));
        Ok(Call {
            method,
            url: url.to_owned(),
            authorization,
            headers: github_headers(),
            body,
            who: "GitHub",
        })
    }

    /// One JWT serves all calls of a command.
    fn jwt(&self) -> Result<Secret> {
        if let Some(jwt) = self.jwt.borrow().as_ref() {
            return Ok(jwt.clone());
        }
        let signer = if let Some(signer) = self.signer.get() {
            signer
        } else {
            let signer = signer::load(&self.identity.key, self.client.deadline, self.report)?;
            self.signer.get_or_init(|| signer)
        };
        let jwt = app_jwt::encode(&self.identity.issuer, clock::now() + self.offset.get(), signer.as_ref())?;
        *self.jwt.borrow_mut() = Some(jwt.clone());
        Ok(jwt)
    }
}
