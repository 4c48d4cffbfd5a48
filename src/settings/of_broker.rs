//! Settings of the broker: its URL with the platform's defaults, and the source of its bearer.

use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::platform::unix_socket;
use crate::settings::schema::Key;
use crate::settings::sources::{Found, JOB_VARIABLES};
use crate::settings::{Profile, values};
use crate::tokens::config::{BearerSource, BrokerConfig, IdTokenSource, JobIdentity};
use crate::tokens::error::{Failure, Kind};
use crate::tokens::host;
use crate::tokens::secret::Secret;
use crate::tokens::source::id_token;

/// Characters that need no encoding in a path segment (RFC 3986, section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The complaint if a broker is asked for and none is configured.
pub fn missing() -> Failure {
    Failure::new(Kind::Settings, "the source is broker, but no broker is configured")
        .hint("set GITHUB_APP_BROKER_URL (or --broker-url), or PLATFORM_URL in a workspace of a platform")
}

impl Profile<'_> {
    pub(super) fn broker(&self) -> Result<Option<BrokerConfig>, Failure> {
        let platform = match self.find(Key::BrokerUrl)? {
            Some(found) => (found, false),
            None => match self.find(Key::PlatformUrl)? {
                Some(found) => (found, true),
                None => return Ok(None),
            },
        };
        let (found, from_platform) = platform;
        let (url, socket) = match found.text().strip_prefix("unix:") {
            Some(_) if !unix_socket::SUPPORTED => {
                return Err(
                    found.complaint("there are no Unix sockets on this system", "an http or https URL")
                );
            }
            Some(path) if Path::new(path).is_absolute() => {
                (self.with_route("http://localhost")?, Some(PathBuf::from(path)))
            }
            Some(_) => return Err(found.complaint("the socket's path is not absolute", "unix:/PATH")),
            None => (self.broker_url(&found, from_platform)?, None),
        };
        let organisation = if from_platform {
            self.find(Key::OrganisationId)?
                .map(|found| values::word(&found, "organisation ID"))
                .transpose()?
        } else {
            None
        };
        Ok(Some(BrokerConfig { url, socket, bearer: self.bearer(from_platform)?, organisation }))
    }

    fn broker_url(&self, found: &Found, from_platform: bool) -> Result<String, Failure> {
        let expected = "a URL such as https://platform.example.com";
        let text = found.text();
        let uri = host::check_url(text).map_err(|wrong| found.complaint(wrong, expected))?;
        let host = uri.host().unwrap_or_default();
        let allow_http = self.flag(Key::AllowHttp)?;
        if uri.scheme_str() == Some("http") && !allow_http && !is_local(host) {
            return Err(found
                .complaint("plain http would show the bearer and the tokens to the network", "an https URL")
                .hint("on a network that you trust, set --allow-http or GITHUB_APP_ALLOW_HTTP=1"));
        }
        let base = text.trim_end_matches('/');
        // PLATFORM_URL is a base that the routes are appended to, even where it has a path, as the legacy helper did.
        let whole =
            if from_platform { base.ends_with("/github-installation-token") } else { uri.path() != "/" };
        if whole || uri.query().is_some() {
            return Ok(text.to_owned());
        }
        self.with_route(base)
    }

    /// Appends the workspace's route, or the admin's.
    fn with_route(&self, base: &str) -> Result<String, Failure> {
        let Some(workspace) = self.find(Key::WorkspaceId)? else {
            return Ok(format!("{base}/admin/github-installation-token"));
        };
        let id = values::word(&workspace, "workspace ID")?;
        if matches!(id.as_str(), "." | "..") {
            return Err(workspace.complaint("this would be another path", "the workspace's ID"));
        }
        Ok(format!("{base}/workspaces/{}/github-installation-token", utf8_percent_encode(&id, SEGMENT)))
    }

    /// The bearer from the highest-priority source; within one source, one made for each fetch wins over a stored one.
    fn bearer(&self, from_platform: bool) -> Result<BearerSource, Failure> {
        let mut found = Vec::new();
        for key in [Key::BrokerTokenCommand, Key::BrokerAudience, Key::BrokerToken, Key::BrokerTokenFile] {
            found.extend(self.find(key)?.map(|found| (key, found)));
        }
        if let Some((key, found)) = found.into_iter().min_by_key(|(_, found)| found.origin.rank()) {
            return Ok(match key {
                Key::BrokerTokenCommand => BearerSource::Command(Secret::new(found.text().to_owned())),
                Key::BrokerAudience => {
                    let audience = values::word(&found, "audience")?;
                    BearerSource::IdToken(IdTokenSource { audience, job: self.job() })
                }
                Key::BrokerToken => BearerSource::Text(Secret::new(values::word(&found, "bearer")?)),
                _ => BearerSource::File(found.path()?),
            });
        }
        if !from_platform {
            return Ok(BearerSource::None);
        }
        let dir = self.find(Key::ConfigsDir)?.map_or_else(|| Ok("/configs".into()), |found| found.path())?;
        Ok(BearerSource::File(dir.join(".auth_token")))
    }

    /// What the runner gave a GitHub Actions job to request id-tokens with. Messages never show it.
    fn job(&self) -> Result<JobIdentity, Failure> {
        let [url, bearer] = JOB_VARIABLES;
        let text = |name: &'static str| {
            let text = self.sources.environment.text(name)?;
            text.map(str::trim).ok_or_else(|| {
                Failure::new(Kind::Settings, format!("environment variable {name} is not set"))
                    .hint(format!("in GitHub Actions {}", id_token::PERMISSION))
                    .hint("elsewhere use --broker-token-command or --broker-token-file in place of --broker-audience")
            })
        };
        let (url, bearer) = ((url, text(url)?), (bearer, text(bearer)?));
        let wrong = |name: &str, cause: &str| {
            Failure::new(Kind::Settings, format!("environment variable {name}: {cause}"))
                .hint("leave it as the runner of GitHub Actions sets it")
        };
        let uri = host::check_url(url.1).map_err(|cause| wrong(url.0, cause))?;
        if uri.scheme_str() == Some("http")
            && !self.flag(Key::AllowHttp)?
            && !is_local(uri.host().unwrap_or_default())
        {
            return Err(wrong(url.0, "plain http would show the job's secret to the network"));
        }
        let bearer = Secret::of_bearer(bearer.1)
            .ok_or_else(|| wrong(bearer.0, "the value is not one line of printable characters"))?;
        Ok(JobIdentity { url: url.1.to_owned(), bearer })
    }
}

/// Loopback, the container host, or a one-label name that only a private network resolves.
fn is_local(host: &str) -> bool {
    host::is_loopback(host)
        || host.eq_ignore_ascii_case("host.docker.internal")
        || host::is_one_label_name(host)
}
