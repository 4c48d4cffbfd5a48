//! The library's configuration: plain data, validated by the caller. Nothing here reads an environment or a file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::tokens::error::Failure;
use crate::tokens::host::Host;
use crate::tokens::http::network::Network;
use crate::tokens::secret::Secret;

/// All settings, validated.
#[derive(Debug)]
pub struct Config {
    /// The git host answered for.
    pub host: Host,
    /// REST base URL without a trailing slash.
    pub api_url: String,
    /// Asked first if both are configured.
    pub broker: Option<BrokerConfig>,
    /// Mints, if it is the only source or the broker cannot serve.
    pub app: Option<AppConfig>,
    /// The owner whose installation to use if git sends no path.
    pub owner: Option<String>,
    /// Narrow to these.
    pub repositories: Vec<String>,
    /// Narrow to these.
    pub permissions: BTreeMap<String, String>,
    /// Narrow to the repository that git asks for.
    pub per_repository: bool,
    /// A cached token with less time left is renewed.
    pub margin: Duration,
    /// How long one command may wait for the network and for locks.
    pub timeout: Duration,
    /// `None`: keep nothing on disk.
    pub cache_dir: Option<PathBuf>,
    /// `--no-cache` was asked for, as opposed to no directory being found.
    pub no_cache: bool,
    /// Try a new token before it is handed out.
    pub verify: bool,
    /// How servers are reached.
    pub network: Network,
}

impl Config {
    /// Whether the settings distinguish owners: only then does a broker get one.
    pub fn names_owner(&self) -> bool {
        self.owner.is_some() || self.per_repository
    }
}

/// Where the App's signature comes from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A PEM file.
    File(PathBuf),
    /// PEM text from the environment.
    Text(Secret),
    /// A command that prints the PEM text; the line may hold a secret.
    Command(Secret),
    /// A command that signs; the line may hold a secret.
    SignCommand(Secret),
}

/// What minting needs.
#[derive(Clone, Debug)]
pub struct AppConfig {
    /// Client ID or App ID.
    pub issuer: String,
    /// Looked up if it is not configured.
    pub installation_id: Option<u64>,
    /// The private key.
    pub key: KeySource,
}

/// Where the bearer comes from.
#[derive(Clone, Debug)]
pub enum BearerSource {
    /// None configured: some brokers on loopback need none.
    None,
    /// From the environment.
    Text(Secret),
    /// Read at each fetch, as platforms rotate it.
    File(PathBuf),
    /// A command that prints it, run for each fetch; the line may hold a secret.
    Command(Secret),
    /// Asked for at each fetch, in a job of GitHub Actions.
    IdToken(IdTokenSource),
}

/// How to request the id-token of a GitHub Actions job.
#[derive(Clone, Debug)]
pub struct IdTokenSource {
    /// Whom the id-token is for.
    pub audience: String,
    /// The job's credentials for that, or why it has none. An App key or a cached token may still be used.
    pub job: Result<JobIdentity, Failure>,
}

/// What a runner sets in a job's environment if the workflow has `id-token: write`.
#[derive(Clone, Debug)]
pub struct JobIdentity {
    /// Where to request id-tokens; each job has its own URL.
    pub url: String,
    /// Proves the job; a secret like the id-token itself.
    pub bearer: Secret,
}

/// What fetching needs.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// The whole URL, with its path.
    pub url: String,
    /// Connect to this Unix socket, whatever host the URL names.
    pub socket: Option<PathBuf>,
    /// Proves us to the broker.
    pub bearer: BearerSource,
    /// Sent as `X-Molecule-Org-Id`, only to a broker that `PLATFORM_URL` named.
    pub organisation: Option<String>,
}

impl BrokerConfig {
    /// What messages call it.
    pub fn name(&self) -> String {
        match &self.socket {
            Some(path) => format!("unix:{}", path.display()),
            None => self.url.clone(),
        }
    }
}
