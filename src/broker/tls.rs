//! TLS with a certificate that is read again when its file changes, so that a renewal needs no restart.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, crypto};
use tokio_rustls::TlsAcceptor;

use crate::broker::log::Log;
use crate::platform::clock;
use crate::platform::private_files::{self, Readers};
use crate::platform::watched::{Content, Watched};
use crate::tokens::error::Failure;

/// Certificate and key, and the acceptor made from them.
pub struct Tls(Watched<TlsAcceptor>);

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// They cannot be read or do not match, or others may read the key.
    pub fn open(certificate: PathBuf, key: PathBuf, log: Log) -> Result<Self, Failure> {
        let files = vec![("TLS certificate", certificate), ("TLS key", key)];
        let of_load = log.clone();
        let load = move |contents: &[Content]| {
            read(&contents[0], &contents[1], &of_load)
                .map(|acceptor| (acceptor, "new connections use them".to_owned()))
        };
        let tls = Watched::open(files, "the certificate stays as it was", log.into_teller(), Box::new(load));
        tls.map(Self)
            .map_err(|failure| failure.hint("--tls-cert takes the chain and --tls-key the key, both as PEM"))
    }

    /// The acceptor for a new connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.0.current(clock::instant())
    }

    /// Reads both files now, whether or not they have changed.
    pub fn read_again(&self) {
        self.0.read_now();
    }
}

fn read(certificate: &Content, key: &Content, log: &Log) -> Result<TlsAcceptor, Failure> {
    check_mode(key, log)?;
    let chain = CertificateDer::pem_slice_iter(&certificate.bytes)
        .collect::<Result<Vec<_>, _>>()
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or_else(|| certificate.failure("it holds no certificates in PEM"))?;
    let private = PrivateKeyDer::from_pem_slice(&key.bytes)
        .map_err(|_| key.failure("it holds no private key in PEM"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| certificate.failure(format!("use it with its key: {error}")))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Refuses a key that everybody may read, and warns about one that its group may read.
fn check_mode(key: &Content, log: &Log) -> Result<(), Failure> {
    match private_files::readers(&key.path, &key.metadata) {
        Readers::Everyone(rights) if key.metadata.is_file() => Err(key
            .failure(format!("everybody may read it ({rights})"))
            .hint(private_files::remedy(&key.path.display().to_string()))
            .hint("on Kubernetes, set the volume's defaultMode to 0440 and the pod's fsGroup")),
        Readers::Group(rights) if key.metadata.is_file() => {
            log.event(&format!("warning: {}: its group may read it ({rights})", key.name));
            Ok(())
        }
        _ => Ok(()),
    }
}
