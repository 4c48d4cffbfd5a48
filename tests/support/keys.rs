//! RSA keys for the App, made once per process and never written into the repository.

use std::sync::OnceLock;

use rsa::pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::{Generate, PrivateKey};

fn app_key() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| {
        PrivateKey::try_generate_from_rng(&mut getrandom::SysRng).expect("system random numbers")
    })
}

/// The App's private key as GitHub gives it out: PKCS#1 PEM.
pub fn app_key_pem() -> &'static str {
    static PEM: OnceLock<String> = OnceLock::new();
    PEM.get_or_init(|| app_key().to_pkcs1_pem(LineEnding::LF).expect("an encodable key").to_string())
}

/// A key that the App does not know.
pub fn other_key_pem() -> &'static str {
    static PEM: OnceLock<String> = OnceLock::new();
    PEM.get_or_init(|| {
        let key = PrivateKey::try_generate_from_rng(&mut getrandom::SysRng).expect("system random numbers");
        key.to_pkcs1_pem(LineEnding::LF).expect("an encodable key").to_string()
    })
}

/// The App's private key as PKCS#8 PEM.
pub fn pkcs8_pem() -> String {
    app_key().to_pkcs8_pem(LineEnding::LF).expect("an encodable key").to_string()
}

/// The App's public key as SPKI PEM.
pub fn public_key_pem() -> String {
    app_key().to_public_key().to_public_key_pem(LineEnding::LF).expect("an encodable key")
}

/// The App's public key as `SubjectPublicKeyInfo`: what fingerprints are made of.
pub fn public_key_spki_der() -> Vec<u8> {
    app_key().to_public_key().to_public_key_der().expect("an encodable key").into_vec()
}

/// The App's public key as `RSAPublicKey`: the form that ring takes.
pub fn public_key_pkcs1_der() -> Vec<u8> {
    app_key().to_public_key().to_pkcs1_der().expect("an encodable key").into_vec()
}
