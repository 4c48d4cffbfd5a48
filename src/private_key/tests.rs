//! Good keys in every form people paste, and a message for each wrong kind.

use std::sync::OnceLock;

use rsa::Generate;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};

use super::*;

fn key() -> &'static RsaKey {
    static KEY: OnceLock<RsaKey> = OnceLock::new();
    KEY.get_or_init(|| RsaKey::try_generate().expect("system random numbers"))
}

fn pkcs1() -> String {
    key().to_pkcs1_pem(LineEnding::LF).unwrap().to_string()
}

#[test]
fn every_form_that_people_paste_is_the_same_key() {
    let pem = pkcs1();
    let signature = Arc::new(PrivateKey::from_text(&pem).unwrap()).sign(b"input").unwrap();
    for (form, text) in [
        ("PKCS#8", key().to_pkcs8_pem(LineEnding::LF).unwrap().to_string()),
        ("CRLF", pem.replace('\n', "\r\n")),
        ("escaped line ends", pem.replace('\n', "\\n")),
        ("quoted", format!("\"{}\"", pem.replace('\n', "\\n"))),
        ("single quotes and blanks", format!("  '{pem}'\n\n")),
        ("no final line end", pem.trim_end().to_owned()),
        ("base64", STANDARD.encode(&pem)),
        (
            "base64 in lines",
            STANDARD.encode(&pem).as_bytes().chunks(76).map(|c| String::from_utf8_lossy(c) + "\n").collect(),
        ),
        ("byte order mark", format!("\u{feff}{pem}")),
        ("indented", pem.replace('\n', "\n    ")),
    ] {
        let key = PrivateKey::from_text(&text).unwrap_or_else(|failure| panic!("{form}: {failure}"));
        assert_eq!(Arc::new(key).sign(b"input").unwrap(), signature, "{form}");
    }
}

#[test]
fn each_wrong_kind_of_key_has_its_own_message() {
    let pem = pkcs1();
    let first_line = pem.lines().next().unwrap().to_owned();
    let cut = pem[..pem.len() / 2].to_owned();
    let public = key().to_public_key().to_public_key_pem(LineEnding::LF).unwrap();
    for (text, message) in [
        (String::new(), "the private key is empty"),
        ("hunter2".into(), "this is no PEM private key"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nYQ==\n-----END OPENSSH PRIVATE KEY-----".into(),
            "this is an OpenSSH key, not a PEM key",
        ),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nYQ==\n-----END ENCRYPTED PRIVATE KEY-----".into(),
            "the private key is encrypted with a passphrase",
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nYQ==\n-----END RSA PRIVATE KEY-----"
                .into(),
            "the private key is encrypted with a passphrase",
        ),
        (public, "this is a public key; the App's private key is needed"),
        (
            "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----".into(),
            "this is a certificate; the App's private key is needed",
        ),
        (
            "-----BEGIN EC PRIVATE KEY-----\nYQ==\n-----END EC PRIVATE KEY-----".into(),
            "this is no RSA key; GitHub Apps sign with RSA (RS256)",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nYQ==\n-----END PRIVATE KEY-----".into(),
            "this is no RSA key; GitHub Apps sign with RSA (RS256)",
        ),
        (first_line, "only the first line of the private key is here"),
        (cut, "the private key is cut short or damaged"),
    ] {
        let failure = PrivateKey::from_text(&text).err().unwrap_or_else(|| panic!("{message}"));
        assert_eq!((failure.message.as_str(), failure.kind), (message, Kind::Settings));
        assert!(!failure.hints.is_empty(), "{message}: no hint");
    }
}
