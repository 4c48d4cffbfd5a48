//! TLS with a certificate that is read again when its file changes, so that renewing it needs no restart.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, crypto};
use tokio_rustls::TlsAcceptor;

use super::log::Log;
use crate::error::{Failure, Kind};

/// Certificate and key, and what was made of them.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    log: Log,
    state: Mutex<(Seen, TlsAcceptor)>,
}

type Seen = [Option<(u64, i64, i64)>; 2];

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// They cannot be read, or do not belong together.
    pub fn open(certificate: PathBuf, key: PathBuf, log: Log) -> Result<Self> {
        let seen = [seen(&certificate), seen(&key)];
        let acceptor = read(&certificate, &key)?;
        Ok(Self { certificate, key, log, state: Mutex::new((seen, acceptor)) })
    }

    /// For a new connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = [seen(&self.certificate), seen(&self.key)];
        if now != state.0 {
            state.0 = now;
            match read(&self.certificate, &self.key) {
                Ok(acceptor) => {
                    self.log.event("read the TLS certificate again");
                    state.1 = acceptor;
                }
                Err(error) => self.log.event(&format!("{error:#}; going on with the certificate as it was")),
            }
        }
        state.1.clone()
    }
}

fn seen(path: &Path) -> Option<(u64, i64, i64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.mtime(), metadata.mtime_nsec()))
}

fn read(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let wrong = |what: String| {
        Failure::new(Kind::Settings, what)
            .hint("--tls-cert takes the chain and --tls-key the key, both as PEM")
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(error.to_string()))
        .with_context(|| format!("read the TLS certificate {}", certificate.display()))?;
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| wrong(error.to_string()))
        .with_context(|| format!("read the TLS key {}", key.display()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| wrong(error.to_string()))
        .context("use the TLS certificate and its key")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
