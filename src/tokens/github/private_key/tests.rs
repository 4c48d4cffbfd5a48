//! Good keys in every form that they take on their way, and a message for each wrong kind.

use std::sync::OnceLock;

use getrandom::SysRng;
use rsa::Generate;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};

use super::*;

fn key() -> &'static RsaKey {
    static KEY: OnceLock<RsaKey> = OnceLock::new();
    KEY.get_or_init(|| RsaKey::try_generate_from_rng(&mut SysRng).expect("system random numbers"))
}

fn pkcs1() -> String {
    key().to_pkcs1_pem(LineEnding::LF).unwrap().to_string()
}

fn pkcs8() -> String {
    key().to_pkcs8_pem(LineEnding::LF).unwrap().to_string()
}

fn in_lines(text: &str) -> String {
    text.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line) + "\r\n").collect()
}

fn utf_16(text: &str, big: bool) -> Vec<u8> {
    let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect()
}

/// What becomes of line ends and of all else that is white.
fn flattened(pem: &str) -> Vec<(&'static str, String)> {
    let ends = [
        ("as it is", "\n"),
        ("CRLF", "\r\n"),
        ("old Mac", "\r"),
        ("blanks", " "),
        ("tabs", "\t"),
        ("nothing", ""),
        ("doubled", "\n\n"),
        ("indented", "\n    "),
        ("escaped", "\\n"),
        ("escaped twice", "\\\\n"),
        ("escaped four times", "\\\\\\\\n"),
        ("escaped CRLF", "\\r\\n"),
        ("escaped and broken", "\\n\n"),
        ("continued lines", "\\\n"),
        ("lines of JSON", "\",\n  \""),
        ("not to be seen", "\u{200b}\u{a0}"),
    ];
    let mut forms: Vec<_> = ends.map(|(name, end)| (name, pem.replace('\n', end))).to_vec();
    forms.push(("no blank anywhere", pem.split_whitespace().collect()));
    forms.push(("a word in a line", pem.replace(' ', "\n")));
    forms.push(("no final line end", pem.trim_end().to_owned()));
    forms
}

/// What is put around it.
fn dressed(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let base64 = STANDARD.encode(text);
    let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let texts = [
        ("bare", text.to_owned()),
        ("double quotes", format!("\"{text}\"")),
        ("single quotes and blanks", format!("  '{text}'\n\n")),
        ("escaped quotes", format!("\\\"{text}\\\"")),
        ("byte order mark", format!("\u{feff}{text}")),
        ("a line of .env", format!("GITHUB_APP_PRIVATE_KEY=\"{text}\"\n")),
        ("base64", base64.clone()),
        ("base64 in lines", in_lines(&base64)),
        ("quoted base64 with a line end", format!("\"{base64}\\n\"")),
        ("base64 for URLs", url_safe),
        ("base64 twice", in_lines(&STANDARD.encode(in_lines(&base64)))),
        ("base64 of the quoted text", STANDARD.encode(format!("'{text}'\n"))),
    ];
    let mut forms: Vec<_> = texts.map(|(name, text)| (name, text.into_bytes())).to_vec();
    forms.push(("UTF-16 of Windows", utf_16(text, false)));
    forms.push(("UTF-16, big end first", utf_16(text, true)));
    forms
}

#[test]
fn a_key_is_the_same_in_every_form_that_it_takes_on_its_way() {
    let expected = key().to_pkcs1_der().unwrap();
    for (kind, pem) in [("PKCS#1", pkcs1()), ("PKCS#8", pkcs8())] {
        for (line_ends, text) in flattened(&pem) {
            for (dress, bytes) in dressed(&text) {
                let key =
                    parse(&bytes).unwrap_or_else(|wrong| panic!("{kind}, {line_ends}, {dress}: {wrong}"));
                assert_eq!(key.to_pkcs1_der().unwrap().as_bytes(), expected.as_bytes());
            }
        }
    }
}

#[test]
fn a_key_is_found_beside_other_things_and_under_a_wrong_name() {
    let expected = PrivateKey::from_bytes(pkcs1().as_bytes()).unwrap().fingerprint();
    let public = key().to_public_key().to_public_key_pem(LineEnding::LF).unwrap();
    for text in [
        format!("Bag Attributes\n    friendlyName: app\n{}", pkcs8()),
        format!("{public}{}", pkcs1()),
        format!("{}{public}", pkcs1()),
        pkcs1().replace("RSA PRIVATE", "PRIVATE"),
        pkcs8().replace("PRIVATE", "RSA PRIVATE"),
        // All of the key is there.
        pkcs1().replace("-----END RSA PRIVATE KEY-----\n", ""),
    ] {
        let key = PrivateKey::from_bytes(text.as_bytes()).unwrap_or_else(|wrong| panic!("{wrong}: {text}"));
        assert_eq!(key.fingerprint(), expected);
    }
}

#[test]
fn each_wrong_kind_of_key_has_its_own_message_in_every_form() {
    let pem = pkcs1();
    let elliptic = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let public = key().to_public_key().to_public_key_pem(LineEnding::LF).unwrap();
    let of_kind = |kind: &str, body: &str| format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n");
    for (text, message) in [
        (of_kind("OPENSSH PRIVATE KEY", "YQ=="), "this is an OpenSSH key, not a PEM key"),
        (of_kind("ENCRYPTED PRIVATE KEY", "YQ=="), "the private key is encrypted with a passphrase"),
        (
            of_kind("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nYQ=="),
            "the private key is encrypted with a passphrase",
        ),
        (public, "this is a public key; the App's private key is needed"),
        (of_kind("CERTIFICATE", "YQ=="), "this is a certificate; the App's private key is needed"),
        (
            of_kind("CERTIFICATE", "YQ==") + &of_kind("ENCRYPTED PRIVATE KEY", "YQ=="),
            "the private key is encrypted with a passphrase",
        ),
        (of_kind("EC PRIVATE KEY", "YQ=="), "this is not an RSA key; GitHub Apps sign with RSA (RS256)"),
        (elliptic, "this is not an RSA key; GitHub Apps sign with RSA (RS256)"),
        (of_kind("PRIVATE KEY", "YQ=="), "the private key is cut short or damaged"),
        (of_kind("RSA PRIVATE KEY", "***"), "the private key is cut short or damaged"),
        (of_kind("RSA PRIVATE KEY", ""), "the private key is cut short or damaged"),
        (of_kind("PGP PRIVATE KEY BLOCK", "YQ=="), "this is not a PEM private key"),
        (pem.lines().next().unwrap().to_owned(), "only the first line of the private key is here"),
        (pem[..pem.len() / 2].to_owned(), "the private key is cut short or damaged"),
        (pem.lines().take(2).collect::<Vec<_>>().join("\n"), "the private key is cut short or damaged"),
        (pem.replacen("MII", "", 1), "the private key is cut short or damaged"),
    ] {
        for (line_ends, text) in flattened(&text) {
            for (dress, bytes) in dressed(&text) {
                let Err(failure) = PrivateKey::from_bytes(&bytes) else { panic!("{message}") };
                assert_eq!(failure.message, message, "{line_ends}, {dress}");
            }
        }
    }
}

#[test]
fn a_text_without_armour_is_told_from_a_key_that_was_cut() {
    let pem = pkcs1();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let tail: String = pem.lines().skip(5).flat_map(|line| [line, "\n"]).collect();
    let der = key().to_pkcs1_der().unwrap().as_bytes().to_vec();
    for (bytes, message) in [
        (Vec::new(), "the private key is empty"),
        (b" \"\" \n".to_vec(), "the private key is empty"),
        (b"hunter2".to_vec(), "this is not a PEM private key"),
        (vec![0xff; 300], "this is not a PEM private key"),
        (b"-----BEGIN".to_vec(), "only the first line of the private key is here"),
        (b"-----BEGIN RSA".to_vec(), "only the first line of the private key is here"),
        (body.clone().into_bytes(), "the private key lacks its first and last line, BEGIN and END"),
        (STANDARD.encode(&body).into_bytes(), "the private key lacks its first and last line, BEGIN and END"),
        (tail.into_bytes(), "the private key is cut short or damaged"),
        (der, "this is a key or a certificate in DER; PEM is needed"),
    ] {
        let failure = PrivateKey::from_bytes(&bytes).err().unwrap_or_else(|| panic!("{message}"));
        assert_eq!((failure.message.as_str(), failure.kind), (message, Kind::Settings));
        assert!(!failure.hints.is_empty(), "{message}: no hint");
        assert!(!failure.hints.concat().contains(&body[..20]), "{message}: shown");
    }
}
