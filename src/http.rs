//! The only user of ureq: one agent with limits, redirects within one origin, retries within the deadline.
//!
//! A bearer never follows a redirect to another scheme, host or port. Bodies are never shown; of GitHub's only
//! the JSON `message`, escaped. Statuses that are worth no retry are handed back for the caller to explain.

use std::cell::OnceCell;
use std::time::Duration;

use anyhow::Result;
use ureq::http::{HeaderMap, HeaderValue, Request, Uri};
use zeroize::Zeroizing;

use crate::clock::{self, Deadline};
use crate::error::{Failure, Kind, escape};
use crate::report::Report;
use crate::secret::Secret;

pub mod retry;

const USER_AGENT: &str = concat!("git-credential-github-app/", env!("CARGO_PKG_VERSION"));
const MAX_BODY: u64 = 4 << 20;
const MAX_REDIRECTS: usize = 3;
const CONNECT: Duration = Duration::from_secs(5);
const ATTEMPT: Duration = Duration::from_secs(10);

/// One request.
pub struct Call {
    /// `GET`, `POST`.
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

/// The headers that GitHub wants on every REST call; the version is the one that every Enterprise Server knows
/// (<https://docs.github.com/rest/about-the-rest-api/api-versions>).
pub fn github_headers() -> Vec<(&'static str, String)> {
    vec![
        ("accept", "application/vnd.github+json".to_owned()),
        ("x-github-api-version", "2022-11-28".to_owned()),
    ]
}

/// A response with its whole body.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    headers: HeaderMap,
    /// May hold a token.
    pub body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The server's clock, in seconds since 1970.
    pub fn date(&self) -> Option<i64> {
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(self.header("date")?).ok()?;
        Some(date.as_second())
    }

    /// The `message` of GitHub's JSON errors, not yet escaped; empty where there is none.
    pub fn message(&self) -> String {
        #[derive(serde::Deserialize)]
        struct Body {
            message: String,
        }
        serde_json::from_slice::<Body>(&self.body).map(|body| body.message).unwrap_or_default()
    }
}

/// Sends calls until the deadline.
pub struct Client {
    agent: OnceCell<ureq::Agent>,
    /// Nothing starts after it, and nothing outlasts it.
    pub deadline: Deadline,
    attempts: u32,
    report: Report,
}

impl Client {
    /// A client that has opened nothing yet: a cache hit costs no TLS set-up.
    pub fn new(deadline: Deadline, report: Report) -> Self {
        Self { agent: OnceCell::new(), deadline, attempts: u32::MAX, report }
    }

    /// The same with two attempts and a third of the time, for a first choice that has a second one behind it.
    pub fn hurried(&self) -> Self {
        let deadline = self.deadline.at_most(self.deadline.left() / 3);
        Self { agent: self.agent.clone(), deadline, attempts: 2, report: self.report }
    }

    /// Sends a call; retries what is temporary; follows redirects within the origin.
    ///
    /// # Errors
    /// [`Kind::Temporary`] once time or attempts are used up, [`Kind::Other`] for an answer that makes no sense.
    pub fn send(&self, call: &Call) -> Result<Answer> {
        let mut failures = 0;
        loop {
            let (pause, failure) = match self.follow(call) {
                Ok(answer) => match retry::advice(&answer, clock::now()) {
                    None => return Ok(answer),
                    Some(advice) => (advice, status_failure(call, &answer, advice)),
                },
                Err(failure) if failure.kind == Kind::Temporary => (retry::Advice::BackOff, failure),
                Err(failure) => return Err(failure.into()),
            };
            failures += 1;
            let pause = retry::pause(pause, failures, fastrand::f64());
            if failures >= self.attempts || is_permanent(&failure) {
                return Err(failure.into());
            }
            self.report.note(|| format!("{failure}; trying again in {} ms", pause.as_millis()));
            if !self.deadline.wait(pause) {
                return Err(failure.into());
            }
        }
    }

    /// Sends a call once, without retries or redirects: for probes whose every answer is an answer.
    pub fn probe(&self, call: &Call) -> Result<Answer> {
        Ok(self.attempt(call, &call.url)?)
    }

    fn follow(&self, call: &Call) -> Result<Answer, Failure> {
        let mut url = call.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.attempt(call, &url)?;
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            url = redirect(call, &url, answer.header("location"))?;
        }
        Err(Failure::new(Kind::Other, format!("{} redirects in a circle", call.who)))
    }

    fn attempt(&self, call: &Call, url: &str) -> Result<Answer, Failure> {
        let started = self.deadline.left();
        if started.is_zero() {
            return Err(Failure::new(Kind::Temporary, format!("no time left to ask {}", call.who))
                .hint("try again, or raise --timeout"));
        }
        let result = self.exchange(call, url, ATTEMPT.min(started));
        self.report.note(|| {
            let spent = started.saturating_sub(self.deadline.left()).as_millis();
            let outcome = match &result {
                Ok(answer) => {
                    let id =
                        answer.header("x-github-request-id").map(|id| format!(", request {}", escape(id)));
                    format!("{}{}", answer.status, id.unwrap_or_default())
                }
                Err(error) => escape(&error.to_string()),
            };
            format!("{} {}: {outcome} ({spent} ms)", call.method, escape(url))
        });
        result.map_err(|error| transport_failure(call, url, &error))
    }

    fn exchange(&self, call: &Call, url: &str, limit: Duration) -> Result<Answer, ureq::Error> {
        let agent = self.agent.get_or_init(agent);
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
            agent.run(agent.configure_request(request).timeout_global(Some(limit)).build())?
        } else {
            let request = request.body(())?;
            agent.run(agent.configure_request(request).timeout_global(Some(limit)).build())?
        };
        let (parts, body) = response.into_parts();
        let body = Zeroizing::new(body.into_with_config().limit(MAX_BODY).read_to_vec()?);
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(USER_AGENT)
        .timeout_connect(Some(CONNECT))
        .tls_config(
            ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build(),
        )
        .build()
        .new_agent()
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
    .hint("set the URL to the place that really answers"))
}

fn status_failure(call: &Call, answer: &Answer, advice: retry::Advice) -> Failure {
    let message = if call.who == "GitHub" { escape(&answer.message()) } else { String::new() };
    let message = if message.is_empty() { message } else { format!(": {message}") };
    let failure = Failure::new(Kind::Temporary, format!("{} answered {}{message}", call.who, answer.status));
    match advice {
        retry::Advice::BackOff => failure.hint("try again later"),
        retry::Advice::Wait(seconds) => {
            failure.hint(format!("wait until {}", clock::rfc3339(clock::now() + seconds)))
        }
    }
}

fn transport_failure(call: &Call, url: &str, error: &ureq::Error) -> Failure {
    let place = escape(&url.split('/').take(3).collect::<Vec<_>>().join("/"));
    let cause = escape(&error.to_string());
    if matches!(error, ureq::Error::BodyExceedsLimit(_)) {
        return Failure::new(Kind::Other, format!("the answer of {} is larger than 4 MiB", call.who));
    }
    if matches!(error, ureq::Error::Http(_) | ureq::Error::BadUri(_) | ureq::Error::Protocol(_)) {
        return Failure::new(
            Kind::Other,
            format!("{} at {place} does not speak HTTP as expected: {cause}", call.who),
        );
    }
    let failure = Failure::new(Kind::Temporary, format!("cannot reach {} at {place}: {cause}", call.who));
    if is_permanent(&failure) {
        return failure.hint("if the server's certificate comes from a private CA, add that CA to the system's, or name its PEM file in SSL_CERT_FILE (Linux)");
    }
    failure.hint("check the network, the proxy settings (HTTPS_PROXY, NO_PROXY) and the URL, then try again")
}

/// A certificate that is not trusted now will not be in a second.
fn is_permanent(failure: &Failure) -> bool {
    failure.message.contains("certificate")
}
