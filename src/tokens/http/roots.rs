//! The CAs that servers' certificates must come from: those of `--ca-file`, else of OpenSSL's variables, else the
//! system's. Read when the first connection with TLS is made.
//!
//! On Linux the system's list is read here and not by the platform's verifier: that one takes an empty variable for the
//! name of a file, and says of a file that is missing only that there are no certificates.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts};

use crate::tokens::error::{Failure, Kind};
use crate::tokens::http::network::{CAS_IN_FILES, Roots};
use crate::tokens::origin::Named;

/// The certificates to trust.
///
/// # Errors
/// [`Kind::Settings`]: what a setting names cannot be read or holds no certificate, or the system has none.
pub fn load(roots: &Roots) -> Result<RootCerts, Failure> {
    let mut found = Vec::new();
    if let Some(Named { value, origin }) = &roots.file {
        found = of_file(value).map_err(|cause| complaint(format!("{origin}: {cause}")))?;
    }
    if let Some(Named { value, origin }) = &roots.directories {
        found.extend(value.iter().flat_map(|directory| of_directory(directory)));
        if !found.iter().any(is_usable) {
            let names = value.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(":");
            return Err(complaint(format!("{origin}: there is no certificate in {names}")));
        }
    }
    if roots.file.is_none() && roots.directories.is_none() {
        if !CAS_IN_FILES {
            return Ok(RootCerts::PlatformVerifier);
        }
        found = of_system();
        if found.is_empty() {
            let message = "this system has no CA certificates to verify servers with";
            return Err(Failure::new(Kind::Settings, message).hint(
                "install them (in most distributions the package ca-certificates), or name a PEM file with --ca-file or GITHUB_APP_CA_FILE",
            ));
        }
    }
    found.sort_unstable_by(|one, other| one.as_ref().cmp(other.as_ref()));
    found.dedup();
    let found = found.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    Ok(RootCerts::Specific(Arc::new(found)))
}

fn complaint(message: String) -> Failure {
    Failure::new(Kind::Settings, message)
        .hint("name a PEM file of CA certificates that this user may read, with --ca-file or GITHUB_APP_CA_FILE")
        .hint("or remove the setting to use the system's CA certificates")
}

/// A file that a setting names must be there and be what it should be.
fn of_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = path.display();
    let bytes = fs::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let found = certificates(&bytes);
    if found.iter().any(is_usable) {
        return Ok(found);
    }
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    Err(match () {
        () if bytes.is_empty() => format!("{shown} is empty"),
        () if holds("PRIVATE KEY-----") => format!("{shown} holds a private key, not a CA's certificate"),
        () if holds("BEGIN CERTIFICATE-----") => format!("the certificate in {shown} is damaged"),
        () => format!("there is no PEM certificate in {shown}"),
    })
}

/// All files of a directory, each once, whatever else lies there: `openssl rehash` fills it with links.
fn of_directory(directory: &Path) -> Vec<CertificateDer<'static>> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let paths: HashSet<PathBuf> = entries.filter_map(|entry| fs::canonicalize(entry.path()).ok()).collect();
    let files = paths.into_iter().filter(|path| path.is_file());
    files.filter_map(|path| fs::read(path).ok()).flat_map(|bytes| certificates(&bytes)).collect()
}

fn of_system() -> Vec<CertificateDer<'static>> {
    let places = openssl_probe::probe();
    let files = places.cert_file.iter().filter_map(|path| fs::read(path).ok());
    let mut found: Vec<_> = files.flat_map(|bytes| certificates(&bytes)).collect();
    found.extend(places.cert_dir.iter().flat_map(|directory| of_directory(directory)));
    found
}

/// The certificates of a PEM text; what else there is in it is left out, as OpenSSL does.
fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect()
}

/// Whether it can serve as a root. Of many certificates those that cannot are left out without a word.
fn is_usable(certificate: &CertificateDer) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}
