//! A private certificate authority for loopback servers, made by each test that wants TLS.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What the certificate is for; a proxy can lead GitHub's names to a loopback server.
const NAMES: [&str; 8] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "github.com",
    "api.github.com",
    "acme.ghe.com",
    "api.acme.ghe.com",
    "ghe.test",
];

/// A CA and the certificate that it has given to `localhost`, both loopback addresses and GitHub's names.
pub struct TestCa {
    pem: String,
    certificate_pem: String,
    key_pem: String,
    config: Arc<ServerConfig>,
}

impl TestCa {
    /// Makes the CA, a key and a certificate.
    pub fn new() -> Self {
        Self::issuing(&NAMES, -2..30)
    }

    /// The same with a certificate for only these names, valid on these days, counted from today.
    pub fn issuing(names: &[&str], days: Range<i64>) -> Self {
        let mut params = parameters(&[], "loopback test CA", -60..60);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_key = KeyPair::generate().expect("system random numbers");
        let ca = CertifiedIssuer::self_signed(params, ca_key).expect("a valid CA certificate");

        let mut params = parameters(names, "localhost", days);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().expect("system random numbers");
        let certificate = params.signed_by(&key, &ca).expect("a valid server certificate");
        Self::serving(ca.pem(), &certificate, &key)
    }

    /// A CA whose own certificate is the server's, as `openssl req -x509` makes them.
    pub fn serving_itself() -> Self {
        let mut params = parameters(&NAMES, "localhost", -2..30);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("system random numbers");
        let certificate = params.self_signed(&key).expect("a valid CA certificate");
        Self::serving(certificate.pem(), &certificate, &key)
    }

    fn serving(pem: String, certificate: &Certificate, key: &KeyPair) -> Self {
        let key_pem = key.serialize_pem();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("key and certificate that fit");
        let (certificate_pem, key_pem) = (certificate.pem(), key_pem);
        Self { pem, certificate_pem, key_pem, config: Arc::new(config) }
    }

    /// The CA's certificate.
    pub fn ca_pem(&self) -> &str {
        &self.pem
    }

    /// The server's certificate.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The server's key.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// Writes the CA's certificate into a directory, for `SSL_CERT_FILE` and `GIT_SSL_CAINFO`.
    pub fn ca_pem_path(&self, dir: &Path) -> PathBuf {
        let path = dir.join("ca.pem");
        std::fs::write(&path, &self.pem).expect("a writable directory");
        path
    }

    /// What a server of this CA needs.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

/// A short validity, as some platforms refuse certificates that live for years.
fn parameters(names: &[&str], common_name: &str, days: Range<i64>) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("valid names");
    params.distinguished_name.push(DnType::CommonName, common_name);
    let (year, month, day) = date(days.start);
    params.not_before = date_time_ymd(year, month, day);
    let (year, month, day) = date(days.end);
    params.not_after = date_time_ymd(year, month, day);
    params
}

/// Year, month and day in UTC, some days from now.
fn date(days: i64) -> (i32, u8, u8) {
    let then = Timestamp::now() + SignedDuration::from_hours(24 * days);
    let date = TimeZone::UTC.to_datetime(then).date();
    (date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
}
