//! The only user of ureq: one agent with limits, redirects within one origin, retries within the deadline.
//!
//! A bearer never follows a redirect to another scheme, host or port. Bodies are never shown; of GitHub's only
//! the JSON `message`, escaped. Statuses not worth a retry are returned for the caller to explain.

use std::time::Duration;

use anyhow::Result;
use ureq::http::{HeaderValue, Request, Uri};
use zeroize::Zeroizing;

use crate::platform::bounds;
use crate::platform::clock::{self, Deadline};
use crate::tokens::error::{Failure, Kind, MORE_TIME, escape};
use crate::tokens::http::network::Network;
use crate::tokens::notes::Notes;
use crate::tokens::secret::Secret;

mod answer;
mod connections;
pub mod network;
pub mod proxies;
mod proxy;
mod resolve;
pub mod retry;
mod roots;
mod trouble;
mod unix;

pub use answer::Answer;
pub use connections::Connections;
use trouble::Trouble;

const MAX_REDIRECTS: usize = 3;
const ATTEMPT: Duration = Duration::from_secs(10);

/// One request.
pub struct Call {
    /// `GET`, `HEAD`, `POST`, `DELETE`.
    pub method: &'static str,
    /// Without user, password or secret.
    pub url: String,
    /// The whole `Authorization` value.
    pub authorization: Option<Secret>,
    /// Further headers; no secrets.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: Option<String>,
    /// Whom messages name: `GitHub` or `the broker`.
    pub who: &'static str,
}

impl Call {
    /// A call of GitHub's REST API with a token or an App JWT, and with the headers that GitHub wants on every call; the
    /// version is the one that every Enterprise Server knows
    /// (<https://docs.github.com/rest/about-the-rest-api/api-versions>).
    pub fn to_github(method: &'static str, url: String, bearer: &Secret) -> Self {
        let headers = vec![
            ("accept", "application/vnd.github+json".to_owned()),
            ("x-github-api-version", "2022-11-28".to_owned()),
        ];
        let authorization = Some(Secret::new(format!("Bearer {}", bearer.expose())));
        Self { method, url, authorization, headers, body: None, who: "GitHub" }
    }
}

/// Sends calls until the deadline.
pub struct Client<'a> {
    connections: Connections,
    network: &'a Network,
    /// Nothing starts after it, and nothing outlasts it.
    pub deadline: Deadline,
    attempts: u32,
    /// Whether it waits as long as the server asks.
    waits: bool,
    notes: Notes,
}

impl<'a> Client<'a> {
    /// A client that has opened nothing yet: a cache hit costs no TLS set-up.
    pub fn new(network: &'a Network, deadline: Deadline, notes: Notes) -> Self {
        Self {
            connections: Connections::default(),
            network,
            deadline,
            attempts: u32::MAX,
            waits: true,
            notes,
        }
    }

    /// The same over connections that are open already.
    pub fn sharing(self, connections: &Connections) -> Self {
        Self { connections: connections.clone(), ..self }
    }

    /// The same to a Unix socket.
    pub fn over_socket(self, path: &std::path::Path) -> Self {
        let connections = Connections::to_socket(path);
        Self { connections, network: &network::DIRECT, ..self }
    }

    /// The same without waits for rate limits: a caller that sends many calls waits once for all of them.
    pub fn without_waits(self) -> Self {
        Self { waits: false, ..self }
    }

    /// The same, limited to `attempts` within `limit`.
    pub fn with_attempts(&self, attempts: u32, limit: Duration) -> Self {
        let deadline = self.deadline.at_most(limit);
        Self { connections: self.connections.clone(), deadline, attempts, ..*self }
    }

    /// The same with one attempt: for diagnostics, which want the first failure.
    pub fn once(&self) -> Self {
        self.with_attempts(1, ATTEMPT)
    }

    /// Sends a call; retries what is temporary; follows redirects within the origin.
    ///
    /// # Errors
    /// [`Kind::Temporary`] once time or attempts are used up, [`Kind::Other`] for an answer that makes no sense.
    pub fn send(&self, call: &Call) -> Result<Answer> {
        let mut failures = 0;
        loop {
            let (pause, Trouble { failure, lasting }) = match self.follow(call) {
                Ok(answer) => match retry::advice(&answer, clock::now()) {
                    None => return Ok(answer),
                    Some(advice) => (advice, Trouble::of_status(call, &answer, advice)),
                },
                Err(trouble) => (retry::Advice::BackOff, trouble),
            };
            failures += 1;
            let pause = retry::pause(pause, failures, fastrand::f64());
            if lasting || failures >= self.attempts || (failure.wait.is_some() && !self.waits) {
                return Err(failure.into());
            }
            self.notes.note(|| format!("{failure}; trying again in {} ms", pause.as_millis()));
            if !self.deadline.wait(pause) {
                return Err(failure.into());
            }
        }
    }

    /// Sends a call once, without retries or redirects: for probes whose every answer is an answer.
    pub fn probe(&self, call: &Call) -> Result<Answer> {
        self.attempt(call, &call.url).map_err(|trouble| trouble.failure.into())
    }

    fn follow(&self, call: &Call) -> Result<Answer, Trouble> {
        let mut url = call.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.attempt(call, &url)?;
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            url = match redirect(call, &url, answer.header("location")) {
                Ok(url) => url,
                // The caller knows what GitHub's API never does.
                Err(_) if call.who == "GitHub" => return Ok(answer),
                Err(failure) => return Err(Trouble::lasting(failure)),
            };
        }
        Err(Trouble::lasting(Failure::new(Kind::Other, format!("too many redirects by {}", call.who))))
    }

    fn attempt(&self, call: &Call, url: &str) -> Result<Answer, Trouble> {
        let started = self.deadline.left();
        if started.is_zero() {
            let failure = Failure::new(Kind::Temporary, format!("no time left to ask {}", call.who));
            return Err(Trouble::lasting(failure.hint(MORE_TIME)));
        }
        let (proxy, with_tls) = proxy::choose(&self.network.proxies, url).map_err(Trouble::lasting)?;
        let agent = self.connections.agent(self.network, with_tls).map_err(Trouble::lasting)?;
        let result = exchange(agent, call, url, proxy.as_ref(), ATTEMPT.min(started));
        self.notes.note(|| {
            let spent = started.saturating_sub(self.deadline.left()).as_millis();
            let outcome = match &result {
                Ok(answer) => {
                    // A broker that sends one may have written anything into it.
                    let id = answer.header("x-github-request-id").filter(|_| call.who == "GitHub");
                    let id = id.map(|id| format!(", request {}", escape(id)));
                    format!("{}{}", answer.status, id.unwrap_or_default())
                }
                Err(error) => escape(&error.to_string()),
            };
            format!("{} {}: {outcome} ({spent} ms)", call.method, escape(url))
        });
        result.map_err(|error| Trouble::of_transport(call, url, proxy.as_ref(), &error))
    }
}

fn exchange(
    agent: &ureq::Agent,
    call: &Call,
    url: &str,
    proxy: Option<&ureq::Proxy>,
    limit: Duration,
) -> Result<Answer, ureq::Error> {
    let mut request = Request::builder().method(call.method).uri(url);
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    if let Some(authorization) = &call.authorization {
        let mut value = HeaderValue::from_str(authorization.expose()).map_err(ureq::http::Error::from)?;
        value.set_sensitive(true);
        request = request.header("authorization", value);
    }
    let response = if let Some(body) = &call.body {
        let request = request.header("content-type", "application/json").body(body.clone())?;
        let request = agent.configure_request(request).timeout_global(Some(limit));
        agent.run(request.proxy(proxy.cloned()).build())?
    } else {
        let request = agent.configure_request(request.body(())?).timeout_global(Some(limit));
        agent.run(request.proxy(proxy.cloned()).build())?
    };
    let (parts, body) = response.into_parts();
    let body = Zeroizing::new(body.into_with_config().limit(bounds::MOST as u64).read_to_vec()?);
    Ok(Answer { status: parts.status.as_u16(), url: url.to_owned(), headers: parts.headers, body })
}

/// Where a redirect leads, if that is within the same scheme, host and port.
fn redirect(call: &Call, from: &str, location: Option<&str>) -> Result<String, Failure> {
    let origin = |url: &str| {
        let uri: Uri = url.parse().ok()?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
        let bare = !uri.authority()?.as_str().contains('@');
        bare.then_some((scheme, uri.host()?.to_ascii_lowercase(), port))
    };
    let location = location.unwrap_or_default();
    let base = from.split('/').take(3).collect::<Vec<_>>().join("/");
    let target = if location.starts_with('/') && !location.starts_with("//") {
        format!("{base}{location}")
    } else {
        location.to_owned()
    };
    if origin(&target).is_some() && origin(&target) == origin(from) {
        return Ok(target);
    }
    Err(Failure::new(
        Kind::Other,
        format!("{} redirects to another place; not followed, as the credential would go with it", call.who),
    )
    .hint("set the URL to the address that it redirects to, if you trust it"))
}
