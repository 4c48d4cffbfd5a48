//! An OIDC issuer on loopback: discovery, keys that rotate, and tokens signed with them. Its RSA signatures are made by another
//! implementation than the one that the product checks them with; those with a curve are ring's.

use std::sync::{Arc, Mutex};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use rsa::pkcs1v15::SigningKey;
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding, Signer};
use rsa::traits::PublicKeyParts;
use rsa::{Generate, PrivateKey};
use serde_json::{Value, json};

use super::http_server::{HttpServer, Recorded, Request, Response, lock};
use super::tls::TestCa;

/// What tokens are for, unless they say otherwise.
pub const AUDIENCE: &str = "github-app-broker";

/// A key that an issuer signs with.
#[derive(Clone)]
pub struct SigningIssuerKey {
    id: String,
    pair: Arc<Pair>,
}

enum Pair {
    Rsa(Box<PrivateKey>),
    P256(Box<EcdsaKeyPair>),
}

fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl SigningIssuerKey {
    /// For RS256.
    pub fn rsa(id: &str) -> Self {
        let key = PrivateKey::try_generate_from_rng(&mut getrandom::SysRng).expect("system random numbers");
        Self { id: id.to_owned(), pair: Arc::new(Pair::Rsa(Box::new(key))) }
    }

    /// For ES256.
    pub fn p256(id: &str) -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("random numbers");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key");
        Self { id: id.to_owned(), pair: Arc::new(Pair::P256(Box::new(pair))) }
    }

    /// The public half.
    pub fn jwk(&self) -> Value {
        match &*self.pair {
            Pair::Rsa(key) => json!({
                "kty": "RSA", "kid": self.id, "use": "sig",
                "n": part(key.n().to_be_bytes_trimmed_vartime()),
                "e": part(key.e().to_be_bytes_trimmed_vartime()),
            }),
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                json!({
                    "kty": "EC", "crv": "P-256", "kid": self.id,
                    "x": part(&point[1..33]), "y": part(&point[33..]),
                })
            }
        }
    }

    /// A token with these claims, whatever they are.
    pub fn sign(&self, claims: &Value) -> String {
        let algorithm = if matches!(*self.pair, Pair::Rsa(_)) { "RS256" } else { "ES256" };
        let header = json!({ "alg": algorithm, "kid": self.id, "typ": "JWT" });
        let message = format!("{}.{}", part(header.to_string()), part(claims.to_string()));
        let signature = match &*self.pair {
            Pair::Rsa(key) => SigningKey::<Sha256>::new((**key).clone()).sign(message.as_bytes()).to_vec(),
            Pair::P256(pair) => {
                pair.sign(&SystemRandom::new(), message.as_bytes()).expect("a signature").as_ref().to_vec()
            }
        };
        format!("{message}.{}", part(signature))
    }
}

/// What an issuer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaves {
    Well,
    /// Whatever is asked, it answers 503.
    Down,
    /// It never answers.
    Hanging,
    /// Its discovery names another issuer.
    Lying,
    /// Its keys are elsewhere.
    Redirecting,
    /// Its keys are 300 KiB.
    Huge,
    /// Its keys are no JSON.
    Garbled,
}

struct IssuerState {
    keys: Vec<SigningIssuerKey>,
    behaves: Behaves,
    /// What `Authorization` has to be, if anything.
    bearer: Option<String>,
}

/// A running issuer; it stops when dropped.
pub struct LoopbackIssuer {
    server: HttpServer,
    state: Arc<Mutex<IssuerState>>,
}

impl LoopbackIssuer {
    /// With this key.
    pub fn start(key: SigningIssuerKey) -> Self {
        Self::launch(key, |handler| HttpServer::start(handler))
    }

    /// The same over TLS.
    pub fn start_tls(ca: &TestCa, key: SigningIssuerKey) -> Self {
        Self::launch(key, |handler| HttpServer::start_tls(ca, handler))
    }

    fn launch(
        key: SigningIssuerKey,
        start: impl FnOnce(Box<dyn Fn(&Request) -> Response + Send + Sync>) -> HttpServer,
    ) -> Self {
        let state =
            Arc::new(Mutex::new(IssuerState { keys: vec![key], behaves: Behaves::Well, bearer: None }));
        let of_server = Arc::clone(&state);
        Self { server: start(Box::new(move |request| answer(&lock(&of_server), request))), state }
    }

    /// What `iss` is.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Behaves otherwise from now on.
    pub fn behave(&self, behaves: Behaves) {
        lock(&self.state).behaves = behaves;
    }

    /// Signs with another key from now on, and no longer shows the old one.
    pub fn rotate(&self, key: SigningIssuerKey) {
        lock(&self.state).keys = vec![key];
    }

    /// Signs with another key from now on, and shows the old one as well, for the tokens that are under way.
    pub fn rotate_gently(&self, key: SigningIssuerKey) {
        lock(&self.state).keys.insert(0, key);
    }

    /// Shows its keys to none but who has this bearer.
    pub fn guard(&self, bearer: &str) {
        lock(&self.state).bearer = Some(bearer.to_owned());
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.server.requests()
    }

    /// The claims of a good token, for an hour.
    pub fn claims(&self, subject: &str) -> Value {
        let now = jiff::Timestamp::now().as_second();
        json!({ "iss": self.url(), "aud": AUDIENCE, "sub": subject, "iat": now, "nbf": now, "exp": now + 3600 })
    }

    /// A token with these claims beside those of a good one.
    pub fn token(&self, subject: &str, more: &Value) -> String {
        let mut claims = self.claims(subject);
        for (name, value) in more.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        let key = lock(&self.state).keys[0].clone();
        key.sign(&claims)
    }

    /// The issuer's table in a trust file.
    pub fn table(&self, name: &str) -> String {
        format!("[issuer.{name}]\nurl = \"{}\"\naudience = \"{AUDIENCE}\"\n", self.url())
    }
}

fn answer(state: &IssuerState, request: &Request) -> Response {
    if let Some(bearer) = &state.bearer
        && request.header("authorization") != Some(&format!("Bearer {bearer}"))
    {
        return Response::text(401, "Unauthorized");
    }
    let base = request.base_url.as_str();
    let keys = || json!({ "keys": state.keys.iter().map(SigningIssuerKey::jwk).collect::<Vec<_>>() });
    match (request.path.as_str(), state.behaves) {
        (_, Behaves::Down) => Response::text(503, "down"),
        (_, Behaves::Hanging) => Response::hang(),
        ("/.well-known/openid-configuration", behaves) => {
            let issuer = if behaves == Behaves::Lying { "https://other.example" } else { base };
            Response::json(200, json!({ "issuer": issuer, "jwks_uri": format!("{base}/keys") }))
        }
        ("/keys", Behaves::Redirecting) => Response::empty(302).with_header("Location", "/elsewhere"),
        ("/keys", Behaves::Huge) => Response::json(200, json!({ "keys": [], "x": "x".repeat(300 << 10) })),
        ("/keys", Behaves::Garbled) => Response::text(200, "<html>"),
        ("/keys" | "/elsewhere", _) => Response::json(200, keys()),
        _ => Response::text(404, "not found"),
    }
}
