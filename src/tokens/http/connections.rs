//! ureq's agents: open connections with our limits, our way of looking hosts up, and the CAs that the settings name.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ureq::tls::RootCerts;

use crate::tokens::error::Failure;
use crate::tokens::http::network::Network;
use crate::tokens::http::{resolve, roots, unix};

const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
const CONNECT: Duration = Duration::from_secs(5);

/// Open connections that the clients of one process share, with and without TLS. Nothing is set up before it is needed:
/// to read the CAs takes longer than a request on this machine.
#[derive(Clone, Default)]
pub struct Connections(Arc<[OnceLock<ureq::Agent>; 2]>);

impl Connections {
    /// Those to one Unix socket, whatever the URL.
    pub fn to_socket(path: &Path) -> Self {
        let config = config(RootCerts::PlatformVerifier);
        let agent = ureq::Agent::with_parts(config, unix::UnixConnector(path.to_owned()), unix::NoResolver);
        Self(Arc::new([OnceLock::from(agent), OnceLock::new()]))
    }

    /// ureq's side of them.
    ///
    /// # Errors
    /// A setting names CAs that cannot be used.
    pub fn agent(&self, network: &Network, with_tls: bool) -> Result<&ureq::Agent, Failure> {
        let made = &self.0[usize::from(with_tls)];
        if let Some(agent) = made.get() {
            return Ok(agent);
        }
        let roots = if with_tls { roots::load(&network.roots)? } else { RootCerts::PlatformVerifier };
        Ok(made.get_or_init(|| agent(roots)))
    }
}

fn agent(roots: RootCerts) -> ureq::Agent {
    let connector = ureq::unversioned::transport::DefaultConnector::default();
    ureq::Agent::with_parts(config(roots), connector, resolve::SystemResolver)
}

fn config(roots: RootCerts) -> ureq::config::Config {
    let tls = ureq::tls::TlsConfig::builder()
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        // Chosen for each call: ureq's own reading of the environment mixes the schemes up.
        .proxy(None)
        .user_agent(USER_AGENT)
        .timeout_connect(Some(CONNECT))
        .tls_config(tls)
        .build()
}
