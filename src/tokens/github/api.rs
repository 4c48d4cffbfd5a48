//! Whether an answer comes from GitHub's API at all. Only GitHub's own answer proves that something is absent, refused or
//! gone: a proxy, a login page, or an API URL with an extra path segment answers 404 to everything.

use crate::tokens::config::Config;
use crate::tokens::error::{Failure, Kind, escape};
use crate::tokens::host::Host;
use crate::tokens::http::{Answer, Call};
use crate::tokens::secret::Secret;

/// The call that revokes the token it is made with
/// (<https://docs.github.com/rest/apps/installations#revoke-an-installation-access-token>).
pub fn revocation(api_url: &str, token: &Secret) -> Call {
    Call::to_github("DELETE", format!("{api_url}/installation/token"), token)
}

/// The API that was asked.
#[derive(Clone, Copy)]
pub struct Api<'a> {
    /// The git host that it belongs to.
    pub host: &'a Host,
    /// Its base URL.
    pub url: &'a str,
}

impl<'a> From<&'a Config> for Api<'a> {
    fn from(settings: &'a Config) -> Self {
        Self { host: &settings.host, url: &settings.api_url }
    }
}

impl Api<'_> {
    /// Whether its URL follows from the host; else somebody has chosen it.
    pub fn is_default(self) -> bool {
        self.url == self.host.api_url()
    }

    /// Whether it may be that of Enterprise Server, as opposed to github.com and data residency.
    pub fn may_be_server(self) -> bool {
        !self.host.is_cloud() || !self.url.starts_with(&self.host.api_url())
    }

    /// Complains about an answer that the API never gives. Server errors may come from anything on the way, and pass.
    ///
    /// # Errors
    /// [`Kind::Settings`]: a web page, a redirect elsewhere, a 404 that is not in GitHub's form, or another refusal of
    /// which nothing is.
    pub fn check(self, answer: &Answer) -> Result<(), Failure> {
        let status = answer.status;
        let own = match status {
            300..400 => return Err(self.wrong("redirects elsewhere, as login pages do")),
            200..500 if answer.is_page() => {
                return Err(self.wrong(&format!("answered {status} with a web page")));
            }
            404 => answer.is_githubs_refusal(),
            400..500 => answer.is_githubs_refusal() || !answer.message().is_empty(),
            _ => true,
        };
        if own { Ok(()) } else { Err(self.wrong(&format!("answered {status}, but not in GitHub's form"))) }
    }

    /// The failure where something else stands at the URL.
    pub fn wrong(self, cause: &str) -> Failure {
        let failure =
            Failure::new(Kind::Settings, format!("this is not the API: {} {cause}", escape(self.url)));
        let host = &self.host.name;
        if self.is_default() {
            let place = if self.host.is_cloud() {
                "check".to_owned()
            } else {
                format!("check that {host} is GitHub Enterprise Server, and")
            };
            return failure.hint(format!("{place} that no proxy or login page answers in its place"));
        }
        let failure = failure.hint(format!(
            "the API of {host} is {}, which is the default: check --api-url or GITHUB_APP_API_URL",
            self.host.api_url()
        ));
        if self.may_be_server() { failure.hint(SERVER_URL) } else { failure }
    }

    /// What to do about an answer that makes no sense.
    pub fn hint(self) -> &'static str {
        if self.may_be_server() { SERVER_URL } else { "check --api-url or GITHUB_APP_API_URL" }
    }
}

const SERVER_URL: &str = "the API URL of Enterprise Server ends in /api/v3";
