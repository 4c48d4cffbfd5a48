//! Ten thousand random interleavings of gets, requests for new tokens, DELETEs and changes of the trust file, beside a
//! model: nobody ever gets a token that somebody else has had, or one that was revoked.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use super::*;
use crate::broker::bearer_file::BearerFile;
use crate::broker::trust_file::TrustFile;
use crate::tokens::http::network;

/// An asker: its credential, its route, and whether it stays known under the second version of the rules.
struct Presenter {
    presented: String,
    route: String,
    stays: bool,
}

/// What each may ask for.
const QUERIES: [&str; 3] = ["", "?repository=docs", "?repository=docs&permission=contents=read"];

fn rules(teams: &str) -> String {
    format!(
        "[issuer.i]\nurl = \"https://i\"\naudience = \"b\"\njwks_file = \"keys.json\"\n\
         [[rule]]\nissuer = \"i\"\nmatch = {{ team = [{teams}] }}\nworkspace = \"${{sub}}\"\nname = \"${{sub}}\"\nowner = \"acme\"\n"
    )
}

/// Signs tokens as an issuer with its own key, and returns that key.
fn issuer() -> (impl Fn(&str, &str) -> String, Value) {
    let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let point = pair.public_key().as_ref();
    let key =
        json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": part(&point[1..33]), "y": part(&point[33..]) });
    let sign = move |subject: &str, team: &str| {
        let claims = json!({ "iss": "https://i", "aud": "b", "sub": subject, "team": team, "exp": clock::now() + 3600 });
        let header = json!({ "alg": "ES256", "kid": "k" });
        let message =
            format!("{}.{}", part(header.to_string().as_bytes()), part(claims.to_string().as_bytes()));
        let signature = pair.sign(&random, message.as_bytes()).unwrap();
        format!("{message}.{}", part(signature.as_ref()))
    };
    (sign, json!({ "keys": [key] }))
}

struct OneBroker {
    broker: Arc<Server>,
    service: TowerToHyperService<axum::Router>,
    runtime: tokio::runtime::Runtime,
    /// The tokens revoked at GitHub since the last call.
    ended: Arc<std::sync::Mutex<Vec<String>>>,
    dir: tempfile::TempDir,
}

impl OneBroker {
    fn new(keys: &Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(dir.path().join(name), text).unwrap();
        write("keys.json", keys.to_string());
        write("trust.toml", rules("\"one\", \"two\""));
        let lines = [("w", "workspace=w owner=acme"), ("all", "owner=acme")];
        let lines =
            lines.map(|(name, limits)| format!("{} {limits}\n", bearers::line(name, name.as_bytes())));
        write("bearers", lines.concat());
        let (log, _) = Log::start_with(LogFormat::Plain, 1 << 16, |_| Ok(())).unwrap();
        let (count, ended) = (AtomicUsize::new(0), Arc::<std::sync::Mutex<Vec<String>>>::default());
        let mint = move |_: &Scope| {
            let facts = Facts::new(Source::App, Some(clock::now() + 3600));
            let text = format!("ghs_{}", count.fetch_add(1, SeqCst));
            Ok(Ready::new(Token::fresh(Secret::new(text), facts, clock::moment())))
        };
        let of_end = Arc::clone(&ended);
        let end = move |token: &Token| {
            of_end.lock().unwrap().push(token.secret.expose().to_owned());
            Ok(())
        };
        let minter =
            Minter { mint: Box::new(mint), end: Box::new(end), app: "app".into(), one_installation: false };
        let limits = Limits { requests: u32::MAX, failures: u32::MAX, ..Limits::default() };
        let fetcher = Arc::new(KeyFetcher::new(
            network::DIRECT.clone(),
            Notes { verbose: false, quiet: true, write: |_| () },
        ));
        let identities = Identities {
            bearers: Some(BearerFile::open(&dir.path().join("bearers"), log.clone(), false).unwrap()),
            trust: Some(TrustFile::open(&dir.path().join("trust.toml"), &log, &fetcher).unwrap()),
        };
        let broker = Arc::new(start::without_settings(identities, minter, Scope::default(), &limits, &log));
        let service = TowerToHyperService::new(handle::router(Arc::clone(&broker)));
        Self { broker, service, runtime: runtime().unwrap(), ended, dir }
    }

    /// The status, and the token if there is one.
    fn ask(&self, method: &str, asker: &Presenter, query: &str, new: bool) -> (u16, Option<String>) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{query}", asker.route))
            .header(header::AUTHORIZATION, format!("Bearer {}", asker.presented));
        if new {
            request = request.header(header::CACHE_CONTROL, "no-cache");
        }
        self.runtime.block_on(async {
            let answer = self.service.call(request.body(Body::empty()).unwrap()).await.unwrap();
            let status = answer.status().as_u16();
            let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            let token = serde_json::from_slice::<Value>(&body)
                .ok()
                .and_then(|body| Some(body["token"].as_str()?.to_owned()));
            (status, token)
        })
    }

    fn change(&self, teams: &str) {
        std::fs::write(self.dir.path().join("trust.toml"), rules(teams)).unwrap();
        self.broker.identities.as_ref().unwrap().read_again();
    }
}

fn askers(sign: impl Fn(&str, &str) -> String) -> Vec<Presenter> {
    let route = |id: &str| format!("/workspaces/{id}/github-installation-token");
    let oidc = |subject: &str, team: &str| Presenter {
        presented: sign(subject, team),
        route: route(subject),
        stays: team == "one",
    };
    let bearer =
        |presented: &str, route: String| Presenter { presented: presented.into(), route, stays: true };
    vec![
        bearer("w", route("w")),
        bearer("all", "/admin/github-installation-token".to_owned()),
        // Has the name of the bearer's workspace, but is another identity.
        oidc("w", "one"),
        oidc("a", "one"),
        oidc("b", "two"),
    ]
}

#[test]
fn ten_thousand_interleavings_hand_nobody_a_token_of_anybody_elses() {
    let (sign, keys) = issuer();
    let (world, askers) = (OneBroker::new(&keys), askers(sign));
    let mut random = fastrand::Rng::with_seed(15);
    let (mut owners, mut over) = (HashMap::<String, usize>::new(), HashSet::<String>::new());
    let mut current = HashMap::<(usize, usize), String>::new();
    let mut all_are_known = true;
    for interleaving in 0..10_000 {
        for step in 0..random.usize(2..8) {
            let (who, what) = (random.usize(..askers.len()), random.usize(..QUERIES.len()));
            let (asker, at) = (&askers[who], format!("interleaving {interleaving}, step {step}"));
            let is_known = all_are_known || asker.stays;
            match random.u8(..20) {
                0 => {
                    all_are_known = !all_are_known;
                    world.change(if all_are_known { "\"one\", \"two\"" } else { "\"one\"" });
                }
                1..5 => {
                    let (status, _) = world.ask("DELETE", asker, QUERIES[what], false);
                    assert_eq!(status, if is_known { 204 } else { 403 }, "{at}");
                    let ended = std::mem::take(&mut *world.ended.lock().unwrap());
                    // The admin bearer has no workspace, so its tokens are not revoked.
                    let own = (is_known && who != 1).then(|| current.remove(&(who, what))).flatten();
                    assert_eq!(ended, own.clone().into_iter().collect::<Vec<_>>(), "{at}");
                    over.extend(own);
                }
                step => {
                    let new = step < 8;
                    let (status, token) = world.ask("GET", asker, QUERIES[what], new);
                    assert_eq!(
                        (status, token.is_some()),
                        (if is_known { 200 } else { 403 }, is_known),
                        "{at}"
                    );
                    let Some(token) = token else { continue };
                    assert_eq!(*owners.entry(token.clone()).or_insert(who), who, "{at}: {token}");
                    assert!(!over.contains(&token), "{at}: {token} has ended");
                    let before = current.insert((who, what), token.clone());
                    assert!(
                        new || before.is_none_or(|before| before == token),
                        "{at}: another token than before"
                    );
                }
            }
        }
    }
    assert!(owners.len() > 100 && over.len() > 100, "{} tokens, {} ended", owners.len(), over.len());
}
