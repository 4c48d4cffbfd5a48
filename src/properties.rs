//! Properties that hold for all values: scopes and cache keys, expiries on any clock, git's protocol in both
//! directions, and back-off within the deadline.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use crate::platform::clock;
use crate::settings;
use crate::tokens::cache::key;
use crate::tokens::http::retry::{Advice, pause};
use crate::tokens::protocol::{self, Reply};
use crate::tokens::scope::Scope;
use crate::tokens::secret::Secret;
use crate::tokens::{error, token};

const APP: &str = "app_id = \"1\"\nprivate_key_file = \"/k\"\n";

type Parts = (Option<String>, Vec<String>, BTreeMap<String, String>);

fn parts() -> impl Strategy<Value = Parts> {
    let level = prop_oneof![Just("read"), Just("write"), Just("admin")].prop_map(str::to_owned);
    (proptest::option::of("[a-c]{1,2}"), vec("[a-c.-]{1,2}", 0..4), btree_map("[a-c_]{1,2}", level, 0..3))
}

fn scope((owner, repositories, permissions): &Parts) -> Scope {
    Scope::new(owner.as_deref(), repositories, permissions)
}

/// The same parts in another spelling and order.
fn respelled((owner, repositories, permissions): &Parts) -> Parts {
    let mut repositories: Vec<String> = repositories.iter().map(|name| name.to_uppercase()).collect();
    repositories.extend(repositories.first().cloned());
    repositories.reverse();
    let upper = |(name, level): (&String, &String)| (name.to_uppercase(), level.to_uppercase());
    (owner.as_ref().map(|owner| owner.to_uppercase()), repositories, permissions.iter().map(upper).collect())
}

proptest! {
    #[test]
    fn equal_scopes_have_equal_keys_and_others_have_others(one in parts(), other in parts()) {
        let settings = settings::of_text(APP).expect("settings");
        prop_assert_eq!(key::of(&settings, &scope(&one)), key::of(&settings, &scope(&respelled(&one))));
        let differ = scope(&one) != scope(&other);
        prop_assert_eq!(differ, key::of(&settings, &scope(&one)) != key::of(&settings, &scope(&other)));
    }

    #[test]
    fn settings_that_change_the_token_change_the_key(words in vec("[a-z]{1,6}", 7)) {
        let [id, key, command, host, api, url, bearer] = &words[..] else { unreachable!("seven words") };
        let texts = [
            format!("app_id = \"{id}\"\nprivate_key_file = \"/{key}\"\n"),
            format!("app_id = \"{id}0\"\nprivate_key_file = \"/{key}\"\n"),
            format!("app_id = \"{id}\"\nprivate_key_file = \"/{key}0\"\n"),
            format!("app_id = \"{id}\"\nprivate_key_command = \"/{key}\"\n"),
            format!("app_id = \"{id}\"\nsign_command = \"/{key}\"\n"),
            format!("app_id = \"{id}\"\nsign_command = \"/{key} {command}\"\n"),
            format!("app_id = \"{id}\"\ninstallation_id = 7\nprivate_key_file = \"/{key}\"\n"),
            format!("app_id = \"{id}\"\nhost = \"{host}.test\"\nprivate_key_file = \"/{key}\"\n"),
            format!("app_id = \"{id}\"\napi_url = \"https://{api}.test\"\nprivate_key_file = \"/{key}\"\n"),
            format!("broker_url = \"https://b.test/{url}\"\nbroker_token_file = \"/{bearer}\"\n"),
            format!("broker_url = \"https://b.test/{url}0\"\nbroker_token_file = \"/{bearer}\"\n"),
            format!("broker_url = \"https://b.test/{url}\"\nbroker_token_command = \"/{bearer}\"\n"),
            format!("broker_url = \"https://b.test/{url}\"\nbroker_token_command = \"/{bearer}0\"\n"),
            format!("broker_url = \"https://b.test/{url}\"\nbroker_audience = \"{bearer}\"\n"),
            format!("broker_url = \"https://b.test/{url}\"\nbroker_audience = \"{bearer}0\"\n"),
        ];
        let keys: BTreeSet<String> = texts
            .iter()
            .map(|text| key::of(&settings::of_text(text).expect("settings"), &Scope::default()))
            .collect();
        prop_assert_eq!(keys.len(), texts.len());
    }

    #[test]
    fn a_token_lives_as_long_by_the_local_clock_as_by_the_servers(
        server in 1_000_000_000..4_000_000_000_i64,
        life in 1..86_400_i64,
        offset in -1_000_000_000..1_000_000_000_i64,
    ) {
        let now = server + offset;
        let expiry = token::local_expiry(Some(&clock::rfc3339(server + life)), Some(server), now);
        let left = expiry.map(|expiry| expiry - now);
        if offset.abs() > token::SKEW_TOLERANCE {
            prop_assert_eq!(left, Some(life.min(token::LONGEST_LIFE)));
        } else {
            // A clock that is nearly right is left uncorrected: the answer took time to travel.
            prop_assert_eq!(left, Some(life - offset).filter(|left| *left > 0).map(|left| left.min(token::LONGEST_LIFE)));
        }
    }

    #[test]
    fn without_the_servers_clock_no_token_outlives_its_expiry(at in any::<i64>(), now in 0..4_000_000_000_i64) {
        let at = at.rem_euclid(8_000_000_000);
        let expiry = token::local_expiry(Some(&clock::rfc3339(at)), None, now);
        let known = Some(at).filter(|at| *at > now && *at >= 978_307_200);
        prop_assert_eq!(expiry, known.map(|at| at.min(now + token::LONGEST_LIFE)));
    }

    #[test]
    fn what_git_writes_is_read_as_it_is(
        host in "[a-z0-9.:-]{1,20}",
        path in proptest::option::of("[ -~]{1,40}"),
        password in proptest::option::of("[ -~]{0,60}"),
        authtype in any::<bool>(),
        crlf in any::<bool>(),
    ) {
        let mut lines = vec!["protocol=https".to_owned(), format!("host={host}")];
        lines.extend(path.iter().map(|path| format!("path={path}")));
        lines.extend(password.iter().map(|password| format!("password={password}")));
        lines.extend(authtype.then(|| "capability[]=authtype".to_owned()));
        lines.extend(["later=attribute".to_owned(), "wwwauth[]=Basic realm=x".to_owned()]);
        let text = lines.join(if crlf { "\r\n" } else { "\n" }) + "\n";
        let request = protocol::parse(text.as_bytes()).expect("a request");
        prop_assert_eq!(request.host, host.into_bytes());
        prop_assert_eq!(request.path, path.map(String::into_bytes));
        prop_assert_eq!(request.password.map(|secret| secret.expose().to_owned()), password);
        prop_assert_eq!(request.authtype, authtype);
    }

    #[test]
    fn git_reads_the_token_as_it_is_or_there_is_no_answer(token in any::<String>(), expiry in any::<Option<i64>>()) {
        prop_assume!(token::check_text(&token).is_ok());
        let password = &Secret::new(token.clone());
        let user = "x-access-token";
        let reply = Reply { user, password, expiry, authtype: true, state: Some("id"), again: true }.to_secret();
        let read = protocol::parse(reply.expose().as_bytes()).expect("git's protocol");
        let password = read.password.expect("a password");
        prop_assert_eq!(password.expose(), token);
        prop_assert_eq!(read.username.as_deref(), Some(&b"x-access-token"[..]));
        prop_assert_eq!(read.our_state.as_deref(), Some("id"));
    }

    #[test]
    fn pauses_grow_and_are_many_within_the_time(jitters in vec(0.0..1.0_f64, 64)) {
        let pauses: Vec<Duration> =
            (1..).zip(&jitters).map(|(failures, jitter)| pause(Advice::BackOff, failures, *jitter)).collect();
        prop_assert!(pauses.iter().all(|pause| *pause >= Duration::from_millis(125)), "no storm");
        prop_assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(8)), "no pause without end");
        let mut spent = Duration::ZERO;
        let tries = pauses.iter().take_while(|pause| { spent += **pause; spent < Duration::from_secs(30) }).count();
        prop_assert!((5..=14).contains(&tries), "{} tries in 30 s", tries);
    }

    #[test]
    fn escaped_text_has_no_control_characters(text in any::<String>()) {
        prop_assert!(!error::escape(&text).chars().any(char::is_control));
    }
}
