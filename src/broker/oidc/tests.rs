//! Tokens and keys made by another implementation than the one that checks them (`PyJWT` 2 with cryptography's
//! OpenSSL), and what is refused. `vectors.json` holds both; its time is a moment in 2027.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::jwks::Jwks;
use super::presented::{Invalid, LONGEST, Presented};
use super::*;
use crate::broker::log::{Log, LogFormat};
use crate::broker::trust::issuer::{ALGORITHMS, Issuer, KeysFrom};
use crate::platform::clock;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::signatures;

const NOW: i64 = 1_800_000_000;

fn vectors() -> Value {
    serde_json::from_str(include_str!("tests/vectors.json")).unwrap()
}

fn token(name: &str) -> String {
    vectors()["tokens"][name].as_str().unwrap_or_else(|| panic!("no token {name}")).to_owned()
}

fn jwks() -> Jwks {
    signatures::install();
    Jwks::parse(vectors()["jwks"].to_string().as_bytes()).unwrap()
}

fn issuer() -> Issuer {
    Issuer {
        name: "i".into(),
        url: "https://issuer.example".into(),
        audience: "broker".into(),
        algorithms: ALGORITHMS.map(|(_, algorithm)| algorithm).to_vec(),
        max_age: None,
        keys: KeysFrom::File("keys.json".into()),
    }
}

fn check(token: &str, issuer: &Issuer, keys: &Jwks) -> Result<i64, Invalid> {
    let presented = Presented::read(token.as_bytes())?;
    let issuer = presented.issuer([issuer].into_iter())?;
    let algorithm = presented.algorithm(issuer)?;
    let until = presented.until(issuer.max_age, NOW)?;
    keys.check(&presented, algorithm).map(|()| until)
}

#[test]
fn tokens_of_every_algorithm_are_accepted_and_others_are_not() {
    for (name, outcome) in [
        ("RS256", Ok(NOW + 3660)),
        ("PS256", Ok(NOW + 3660)),
        ("ES256", Ok(NOW + 3660)),
        ("ES384", Ok(NOW + 3660)),
        ("EdDSA", Ok(NOW + 3660)),
        ("without kid", Ok(NOW + 3660)),
        ("RS384", Err(Invalid::Algorithm)),
        ("HS256", Err(Invalid::Algorithm)),
        ("none", Err(Invalid::Algorithm)),
        ("unknown kid", Err(Invalid::UnknownKey)),
        ("ES256 by another", Err(Invalid::Signature)),
        ("small", Err(Invalid::Signature)),
        ("crit", Err(Invalid::Critical)),
        ("own jwk", Err(Invalid::UnknownKey)),
    ] {
        assert_eq!(check(&token(name), &issuer(), &jwks()), outcome, "{name}");
    }
    let only = Issuer { algorithms: vec![jsonwebtoken::Algorithm::RS256], ..issuer() };
    assert_eq!(check(&token("ES256"), &only, &jwks()), Err(Invalid::Algorithm));
}

#[test]
fn a_token_that_was_changed_anywhere_is_refused() {
    let good = token("ES256");
    for at in 0..good.len() {
        for replacement in ["A", "x", "."] {
            let mut changed = good.clone();
            changed.replace_range(at..=at, replacement);
            if changed != good {
                assert!(check(&changed, &issuer(), &jwks()).is_err(), "byte {at} is {replacement}");
            }
        }
    }
    let last = good.len() - 1;
    for odd in ["", ".", "..", "a.b", "a.b.c.d", &good[..last], &format!("{good}A"), &format!("{good}=")] {
        assert!(check(odd, &issuer(), &jwks()).is_err(), "{odd}");
    }
    let long = format!("{good}{}", "A".repeat(LONGEST));
    assert_eq!(check(&long, &issuer(), &jwks()), Err(Invalid::TooLong));
}

/// A token with these claims, unsigned.
fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.AAAA", part(&json!({ "alg": "ES256", "kid": "p256" })), part(claims))
}

#[test]
fn issuer_and_audience_are_compared_to_the_letter() {
    for (claims, expected) in [
        (json!({ "iss": "https://issuer.example", "aud": "broker" }), Ok(())),
        (json!({ "iss": "https://issuer.example", "aud": ["x", "broker"] }), Ok(())),
        (json!({ "iss": "https://issuer.example/", "aud": "broker" }), Err(Invalid::Issuer)),
        (json!({ "iss": "HTTPS://issuer.example", "aud": "broker" }), Err(Invalid::Issuer)),
        (json!({ "iss": ["https://issuer.example"], "aud": "broker" }), Err(Invalid::Issuer)),
        (json!({ "iss": null, "aud": "broker" }), Err(Invalid::Issuer)),
        (json!({ "aud": "broker" }), Err(Invalid::Issuer)),
        (json!({ "iss": "https://issuer.example" }), Err(Invalid::Audience)),
        (json!({ "iss": "https://issuer.example", "aud": "Broker" }), Err(Invalid::Audience)),
        (json!({ "iss": "https://issuer.example", "aud": [] }), Err(Invalid::Audience)),
        (json!({ "iss": "https://issuer.example", "aud": [["broker"]] }), Err(Invalid::Audience)),
        (json!({ "iss": "https://issuer.example", "aud": { "broker": "broker" } }), Err(Invalid::Audience)),
    ] {
        let token = unsigned(&claims);
        let found = Presented::read(token.as_bytes()).unwrap().issuer([&issuer()].into_iter()).map(drop);
        assert_eq!(found, expected, "{claims}");
    }
    for claims in [json!([]), json!("x"), json!(null)] {
        assert!(Presented::read(unsigned(&claims).as_bytes()).is_err(), "{claims}");
    }
}

#[test]
fn times_are_checked_with_a_minute_of_leeway() {
    let day = Some(Duration::from_hours(24));
    let max = 253_402_300_799_i64;
    for (claims, max_age, expected) in [
        (json!({ "exp": NOW + 10 }), None, Ok(NOW + 70)),
        (json!({ "exp": NOW - 59 }), None, Ok(NOW + 1)),
        (json!({ "exp": NOW - 60 }), None, Err(Invalid::Expired)),
        (json!({ "exp": 1_799_999_999.5 }), None, Ok(NOW + 59)),
        (json!({}), None, Err(Invalid::NoExpiry)),
        (json!({ "exp": null }), None, Err(Invalid::NoExpiry)),
        (json!({ "exp": "1800000010" }), None, Err(Invalid::NoExpiry)),
        (json!({ "exp": -1 }), None, Err(Invalid::NoExpiry)),
        (json!({ "exp": 1e300 }), None, Err(Invalid::NoExpiry)),
        (json!({ "exp": u64::MAX }), None, Err(Invalid::NoExpiry)),
        (json!({ "exp": max }), None, Ok(max + 60)),
        (json!({ "exp": NOW + 10, "nbf": NOW + 60 }), None, Ok(NOW + 70)),
        (json!({ "exp": NOW + 10, "nbf": NOW + 61 }), None, Err(Invalid::NotYet)),
        (json!({ "exp": NOW + 10, "nbf": null }), None, Err(Invalid::NotYet)),
        (json!({ "exp": NOW + 10, "iat": NOW + 60 }), None, Ok(NOW + 70)),
        (json!({ "exp": NOW + 10, "iat": NOW + 61 }), None, Err(Invalid::IssuedLater)),
        (json!({ "exp": NOW + 10, "iat": "x" }), None, Err(Invalid::IssuedLater)),
        (json!({ "exp": NOW + 10 }), day, Err(Invalid::TooOld)),
        (json!({ "exp": NOW + 10, "iat": NOW - 86_400 - 59 }), day, Ok(NOW + 1)),
        (json!({ "exp": NOW + 10, "iat": NOW - 86_400 - 60 }), day, Err(Invalid::TooOld)),
    ] {
        let token = unsigned(&claims);
        let until = Presented::read(token.as_bytes()).unwrap().until(max_age, NOW);
        assert_eq!(until, expected, "{claims}");
    }
}

#[test]
fn what_cannot_check_a_token_is_left_out_of_the_keys() {
    let ec = vectors()["jwks"]["keys"][1].clone();
    let with = |changes: Value| {
        let mut key = ec.clone();
        for (name, value) in changes.as_object().unwrap() {
            key[name] = value.clone();
        }
        key
    };
    let usable = |key: Value| Jwks::parse(json!({ "keys": [key] }).to_string().as_bytes()).is_ok();
    for (changes, is_usable) in [
        (json!({}), true),
        (json!({ "alg": "ES256" }), true),
        (json!({ "alg": "ES384" }), false),
        (json!({ "alg": "HS256" }), false),
        (json!({ "alg": "odd" }), false),
        (json!({ "use": "enc" }), false),
        (json!({ "key_ops": ["verify"], "x5t": "x" }), true),
        (json!({ "key_ops": ["sign"] }), false),
        (json!({ "crv": "secp256k1" }), false),
        (json!({ "crv": "P-521" }), false),
        (json!({ "kty": "oct", "k": "AAAA" }), false),
        (json!({ "kid": 7 }), false),
        (json!({ "x": "?" }), false),
    ] {
        assert_eq!(usable(with(changes.clone())), is_usable, "{changes}");
    }
    for (text, wrong) in [
        ("", "this is not JSON"),
        ("[]", "there is no list of keys in it"),
        ("{\"keys\": {}}", "there is no list of keys in it"),
        ("{\"keys\": []}", "there is no key in it that can check a token"),
    ] {
        assert_eq!(Jwks::parse(text.as_bytes()).map(|keys| keys.count()), Err(wrong));
    }
    let many = json!({ "keys": vec![ec; 101] }).to_string();
    assert_eq!(
        Jwks::parse(many.as_bytes()).map(|keys| keys.count()),
        Err("there are more than 100 keys in it")
    );
}

/// Keys whose fetches the test controls: each waits for an outcome and signals that it has begun.
fn keys() -> (Arc<IssuerKeys>, std::sync::mpsc::Sender<bool>, Receiver<()>) {
    let (log, _) = Log::start_with(LogFormat::Plain, 1 << 16, |_| Ok(())).unwrap();
    let (start, begun) = channel();
    let (outcomes, next) = channel();
    let next = std::sync::Mutex::new(next);
    let fetch = move || {
        start.send(()).unwrap();
        let good: bool = next.lock().unwrap().recv().unwrap();
        let failure = || Failure::new(Kind::Temporary, "away");
        good.then(|| Fetched { keys: jwks(), life: Some(Duration::from_mins(10)) }).ok_or_else(failure)
    };
    (IssuerKeys::new("i", Box::new(fetch), log), outcomes, begun)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn keys_are_fetched_before_they_are_too_old_and_serve_for_a_day_without_their_issuer() {
    let (keys, outcomes, begun) = keys();
    let start = clock::instant();
    let at = |minutes: u64| start + Duration::from_mins(minutes);
    let fetch = |now: Instant, good: bool| {
        outcomes.send(good).unwrap();
        run(keys.wait_for_first(now));
        begun.try_iter().count()
    };
    assert_eq!((fetch(start, false), keys.current(start).is_some()), (1, false));
    assert!(outcomes.send(true).is_ok());
    let soon = start + Duration::from_secs(4);
    run(keys.wait_for_first(soon));
    assert_eq!(begun.try_iter().count(), 0, "not again within five seconds");
    run(keys.wait_for_first(start + Duration::from_secs(5)));
    assert_eq!((begun.try_iter().count(), keys.current(at(1)).is_some()), (1, true));
    keys.maintain(at(9));
    assert_eq!(begun.try_iter().count(), 0, "they are good for ten minutes");
    assert_eq!(fetch(at(11), false), 1);
    let day = 24 * 60;
    assert!(keys.current(at(day + 9)).is_some(), "while the issuer is away");
    assert!(keys.current(at(day + 11)).is_none(), "but not for ever");
    assert_eq!((fetch(at(day + 12), true), keys.current(at(day + 12)).is_some()), (1, true));
}

#[test]
fn an_unknown_key_is_looked_for_once_in_thirty_seconds_and_all_who_wait_share_it() {
    let (keys, outcomes, begun) = keys();
    let start = clock::instant();
    let look = |seconds| keys.look_for_unknown(start + Duration::from_secs(seconds));
    outcomes.send(true).unwrap();
    assert!(run(look(0)));
    assert!(!run(look(29)), "a moment ago");
    assert_eq!(begun.try_iter().count(), 1);
    outcomes.send(false).unwrap();
    let both = run(async { tokio::join!(look(30), look(30)) });
    assert_eq!((both, begun.try_iter().count()), ((true, true), 1), "both wait for one");
    assert!(keys.current(start).is_some(), "what there was is kept");
}
