//! The life of tokens in the broker: one mint for many askers, renewal, GitHub that is away, and the end of the process.

use std::io::BufReader;
use std::io::Write as _;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{ADMIN, Server};
use crate::support::at_once::at_once;
use crate::support::http_client::{connect, get, read};
use crate::support::http_server::Response;
use crate::support::inherited::connections;

#[test]
fn two_hundred_cold_requests_at_once_are_one_mint() {
    let server = Server::start();
    let port = server.port;
    let bodies: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> =
            (0..connections(200)).map(|_| scope.spawn(move || get(port, ADMIN, "admin", ""))).collect();
        all.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert!(bodies.iter().all(|answer| answer.status == 200 && answer.body == bodies[0].body));
    assert_eq!(server.github.mints(), 1);
    let look_ups =
        server.github.api_requests().iter().filter(|seen| seen.target.ends_with("/installation")).count();
    assert_eq!(look_ups, 1);
}

#[test]
fn scopes_have_tokens_of_their_own_and_one_connection_serves_all() {
    let server = Server::start();
    for level in ["read", "write"] {
        let target = format!("{ADMIN}?owner=octo-org&permission=contents={level}");
        let first = get(server.port, &target, "admin", "");
        assert_eq!(first.status, 200, "{}", first.body);
        assert_eq!(get(server.port, &target, "admin", "").body, first.body);
    }
    assert_eq!(server.github.mints(), 2);
    assert_eq!(server.github.server().connections(), 1);
    let jwts: Vec<_> = server
        .github
        .api_requests()
        .iter()
        .filter(|seen| seen.method == "POST")
        .filter_map(|seen| seen.header("authorization").map(str::to_owned))
        .collect();
    assert!(jwts.len() == 2 && jwts[0] == jwts[1], "the App JWT is used for its life");
}

#[test]
fn no_cache_gets_a_new_token_at_most_every_ten_seconds() {
    let server = Server::start();
    let first = get(server.port, ADMIN, "admin", "");
    let again = get(server.port, ADMIN, "admin", "Cache-Control: no-cache\r\n");
    assert_eq!(again.body, first.body, "too soon: the token in hand");
    let more = get(server.port, ADMIN, "admin", "Cache-Control: min-fresh=99999\r\n");
    assert_eq!((more.body, server.github.mints()), (first.body, 1));
}

#[test]
fn while_github_is_away_the_token_in_hand_is_served_and_afterwards_a_new_one() {
    let mut server = Server::start_with(&[("admin", "")], &["--timeout=1s"]);
    server.github.set_token_life(3);
    let first = get(server.port, ADMIN, "admin", "");
    assert_eq!(first.status, 200);
    server.github.script_mint((0..200).map(|_| Response::drop_connection()).collect());
    let lives = Instant::now() + Duration::from_secs(1);
    while Instant::now() < lives {
        let started = Instant::now();
        assert_eq!(get(server.port, ADMIN, "admin", "").body, first.body, "clients do not notice");
        assert!(started.elapsed() < Duration::from_secs(3), "no client waits for an unreachable GitHub");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let dead = loop {
        let answer = get(server.port, ADMIN, "admin", "");
        if answer.body != first.body {
            break answer;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    };
    assert_eq!((dead.status, dead.body.as_str()), (500, "{\"error\":\"token refresh failed\"}"));
    server.running.wait_for_stderr("cannot reach GitHub");
    server.github.clear_scripted_mints();
    server.github.set_token_life(3600);
    assert_eq!(get(server.port, ADMIN, "admin", "").status, 200, "it recovers by itself");
}

#[test]
fn a_token_about_to_die_is_renewed_without_anybody_asking() {
    let server = Server::start();
    server.github.set_token_life(301);
    let first = get(server.port, ADMIN, "admin", "");
    server.github.set_token_life(3600);
    let latest = Instant::now() + Duration::from_secs(20);
    while server.github.mints() == 1 {
        assert!(Instant::now() < latest, "renewed in the background");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    // It is tried before it takes the other's place.
    while get(server.port, ADMIN, "admin", "").body == first.body {
        assert!(Instant::now() < latest, "the new one takes the old one's place");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    assert_eq!(server.github.mints(), 2);
}

#[test]
fn a_key_that_was_replaced_is_read_again() {
    let server = Server::start();
    let key = server.sandbox.path().join("app.pem");
    let good = std::fs::read(&key).expect("the key");
    std::fs::write(&key, crate::support::keys::other_key_pem()).expect("a file of ours");
    assert_eq!(get(server.port, ADMIN, "admin", "").status, 500);
    std::fs::write(&key, good).expect("a file of ours");
    let narrow = format!("{ADMIN}?owner=octo-org&permission=contents=read");
    assert_eq!(get(server.port, &narrow, "admin", "").status, 200);
}

#[test]
fn six_hundred_requests_a_minute_are_the_most_for_each_bearer() {
    let server = Server::start_with(&[("busy", ""), ("calm", "")], &[]);
    let mut connection = BufReader::new(connect(server.port));
    let request = format!("GET {ADMIN} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer busy\r\n\r\n");
    let mut ask = || {
        connection.get_mut().write_all(request.as_bytes()).expect("a connection that is kept");
        read(&mut connection)
    };
    for _ in 0..600 {
        assert_eq!(ask().status, 200);
    }
    let answer = ask();
    assert_eq!(answer.status, 429);
    let seconds = answer.header("retry-after").expect("how long to wait");
    assert!((1..=60).contains(&seconds.parse::<u32>().expect("a number")));
    assert_eq!(answer.body, format!("{{\"error\":\"rate limit exceeded\",\"retry_after\":{seconds}}}"));
    assert_eq!(get(server.port, ADMIN, "calm", "").status, 200);
    let metrics = get(server.port, "/metrics", "", "").body;
    assert!(metrics.contains("github_app_rate_limited_total 1\n"), "{metrics}");
}

#[test]
fn told_to_stop_it_finishes_what_is_open_and_drops_what_is_idle() {
    at_once([Signal::TERM, Signal::INT], |signal| {
        let mut server = Server::start();
        let idle = connect(server.port);
        server.github.script_mint(vec![Response::text(500, "later").after(Duration::from_millis(700))]);
        let port = server.port;
        let open = std::thread::spawn(move || get(port, ADMIN, "admin", ""));
        while server.github.mint_requests() == 0 {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        let started = Instant::now();
        server.running.signal(signal);
        assert_eq!(open.join().expect("an answer").status, 200, "the open request is answered");
        server.running.wait_for_stderr("stopped");
        assert_eq!(server.running.wait().status, 0);
        assert!(started.elapsed() < Duration::from_secs(10));
        drop(idle);
    });
}
