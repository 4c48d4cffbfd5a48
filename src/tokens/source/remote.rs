//! Fetches a token from a platform's endpoint: one GET with a bearer, lenient about the JSON, strict about the token.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::platform::clock::{self, Deadline};
use crate::tokens::ask::{Ask, TokenProvider};
use crate::tokens::config::{BearerSource, BrokerConfig, Config};
use crate::tokens::error::{Failure, Kind};
use crate::tokens::http::{Answer, Call, Client};
use crate::tokens::notes::Notes;
use crate::tokens::scope::Scope;
use crate::tokens::secret::Secret;
use crate::tokens::source::bearer;
use crate::tokens::token::{self, Facts, Source, Token};

const WHO: &str = "the broker";

/// The client of one broker.
pub struct RemoteBroker<'a> {
    /// URL and bearer.
    pub settings: &'a BrokerConfig,
    /// Whether the settings name an owner: only then does the query.
    pub names_owner: bool,
    /// Sends.
    pub client: Client<'a>,
    /// Asks the issuer of the bearer, over the network even if the broker is at a Unix socket.
    pub issuer: Client<'a>,
}

/// The outcome of a request to revoke a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The broker accepted the request; it decides whether to revoke the token.
    Asked,
    /// The broker has no such route.
    NoRoute,
}

#[derive(Deserialize)]
struct TokenBody {
    token: Zeroizing<String>,
    /// Anything but text counts as missing.
    #[serde(default)]
    expires_at: serde_json::Value,
}

impl TokenProvider for RemoteBroker<'_> {
    fn token(&self, ask: &Ask) -> Result<Token> {
        let url = self.url(&ask.scope);
        self.fetch(ask, &url).with_context(|| format!("fetch a token from {}", self.settings.name()))
    }
}

impl<'a> RemoteBroker<'a> {
    /// The client of the configured broker.
    pub fn new(settings: &'a Config, broker: &'a BrokerConfig, deadline: Deadline, notes: Notes) -> Self {
        let issuer = Client::new(&settings.network, deadline, notes);
        let client = Client::new(&settings.network, deadline, notes);
        let client = match &broker.socket {
            Some(path) => client.over_socket(path),
            None => client,
        };
        Self { settings: broker, names_owner: settings.names_owner(), client, issuer }
    }

    /// The same, limited to `attempts` within `limit`.
    #[must_use]
    pub fn with_attempts(self, attempts: u32, limit: Duration) -> Self {
        let (client, issuer) = (&self.client, &self.issuer);
        let (client, issuer) = (client.with_attempts(attempts, limit), issuer.with_attempts(attempts, limit));
        Self { client, issuer, ..self }
    }

    /// The same with one attempt: for diagnostics, which want the first failure.
    #[must_use]
    pub fn once(self) -> Self {
        let (client, issuer) = (self.client.once(), self.issuer.once());
        Self { client, issuer, ..self }
    }
}

impl RemoteBroker<'_> {
    fn fetch(&self, ask: &Ask, url: &str) -> Result<Token> {
        let bearer = self.bearer()?;
        let mut answer = self.client.send(&self.call(ask, url, bearer.as_ref()))?;
        if answer.status == 401 && bearer::may_have_rotated(&self.settings.bearer) {
            // The same one again would be refused again.
            let rotated = self.bearer()?;
            let changed = match (&rotated, &bearer) {
                (Some(new), Some(old)) => !new.matches(old.expose().as_bytes()),
                _ => false,
            };
            if changed {
                answer = self.client.send(&self.call(ask, url, rotated.as_ref()))?;
            }
        }
        if answer.status != 200 {
            return Err(self.refusal(&answer).into());
        }
        read(&answer)
    }

    /// Asks the broker to revoke the token of a scope; only it knows who else holds that token.
    ///
    /// # Errors
    /// As for a fetch.
    pub fn revoke(&self, scope: &Scope) -> Result<Revoked> {
        let url = self.url(scope);
        let bearer = self.bearer()?;
        let call = Call { method: "DELETE", ..self.call(&Ask::default(), &url, bearer.as_ref()) };
        let answer = self.client.send(&call).with_context(|| format!("ask {}", self.settings.name()))?;
        match answer.status {
            200..300 => Ok(Revoked::Asked),
            404 | 405 | 501 => Ok(Revoked::NoRoute),
            _ => Err(self.refusal(&answer).hint("--local evicts it without asking the broker"))
                .with_context(|| format!("ask {}", self.settings.name())),
        }
    }

    fn call(&self, ask: &Ask, url: &str, bearer: Option<&Secret>) -> Call {
        let mut headers = vec![("accept", "application/json".to_owned())];
        if let Some(organisation) = &self.settings.organisation {
            headers.push(("x-molecule-org-id", organisation.clone()));
        }
        if ask.new {
            headers.push(("cache-control", "no-cache".to_owned()));
        } else if ask.min_life > 0 {
            headers.push(("cache-control", format!("min-fresh={}", ask.min_life)));
        }
        let authorization = bearer.map(|bearer| Secret::new(format!("Bearer {}", bearer.expose())));
        Call { method: "GET", url: url.to_owned(), authorization, headers, body: None, who: WHO }
    }

    fn url(&self, scope: &Scope) -> String {
        // Names and levels are checked to be of characters that a query may hold as they are.
        let mut query = Vec::new();
        if let Some(owner) = scope.owner.as_ref().filter(|_| self.names_owner) {
            query.push(format!("owner={owner}"));
        }
        query.extend(scope.repositories.iter().map(|name| format!("repository={name}")));
        let permissions = scope.permissions.iter();
        query.extend(permissions.map(|(name, level)| format!("permission={name}={level}")));
        if query.is_empty() {
            return self.settings.url.clone();
        }
        let separator = if self.settings.url.contains('?') { '&' } else { '?' };
        format!("{}{separator}{}", self.settings.url, query.join("&"))
    }

    fn bearer(&self) -> Result<Option<Secret>> {
        bearer::read(&self.settings.bearer, &self.issuer)
    }

    /// Explains a status; the body is never shown, only whether it is the endpoint's own JSON.
    fn refusal(&self, answer: &Answer) -> Failure {
        let own = serde_json::from_slice::<serde_json::Value>(&answer.body)
            .is_ok_and(|body| body.get("error").is_some_and(serde_json::Value::is_string));
        let refused = |message: &str| {
            Failure::new(Kind::Refused, format!("the broker answered {}: {message}", answer.status))
        };
        let key = "or use an App key of your own: GITHUB_APP_CLIENT_ID and GITHUB_APP_PRIVATE_KEY_FILE";
        let issued = matches!(self.settings.bearer, BearerSource::Command(_) | BearerSource::IdToken(_));
        match answer.status {
            401 if matches!(self.settings.bearer, BearerSource::None) => refused(
                "it asks for a bearer, and none is configured",
            )
            .hint("set GITHUB_APP_BROKER_TOKEN_FILE (or --broker-token-file) to the file that holds it"),
            401 if issued => refused("it does not accept the bearer")
                .hint("the broker's log says why: a token needs an issuer and an audience that its trust file names"),
            401 => refused("it does not accept the bearer")
                .hint("check that the bearer belongs to this workspace and has not been revoked"),
            403 if matches!(self.settings.bearer, BearerSource::None) => refused("it refuses a request without a bearer")
                .hint("on a Unix socket it may serve only root and its own user: run as that user, or ask for a bearer")
                .hint("set GITHUB_APP_BROKER_TOKEN_FILE (or --broker-token-file) to the file that holds it"),
            403 => refused("the bearer may not have this token")
                .hint("ask for less (--repository, --permission, --owner) or for another bearer"),
            404 if own => refused("it has no GitHub App configured")
                .hint("ask the platform's operator to configure the App")
                .hint(key),
            404 => refused("there is no such endpoint, or it serves another tenant")
                .hint("check the broker URL, WORKSPACE_ID and, on a guarded tenant, MOLECULE_ORG_ID"),
            501 => refused("it has no GitHub App configured, and trying again does not help").hint(key),
            500.. => refused("it cannot get this token, and trying again does not help")
                .hint("the cause is in the broker's log: ask the platform's operator"),
            200..300 => {
                Failure::new(Kind::Other, format!("the broker answered {} instead of a token", answer.status))
                    .hint("check the broker URL")
            }
            _ => refused("the request was refused").hint("check the broker URL and the broker's version"),
        }
    }
}

/// The token in an answer with status 200.
pub fn read(answer: &Answer) -> Result<Token> {
    let body: TokenBody = serde_json::from_slice(&answer.body).map_err(|_| {
        Failure::new(Kind::Other, "the answer is not the JSON object with a token that a broker sends")
            .hint("check that the broker URL leads to the endpoint, not to a web page")
    })?;
    token::check_text(&body.token)?;
    let at = clock::moment();
    let expiry = token::local_expiry(body.expires_at.as_str(), answer.date(), at.wall);
    let secret = Secret::new(body.token.to_string());
    Ok(Token::fresh(secret, Facts::new(Source::Broker, expiry), at))
}
