//! The pool with the test's clock and GitHub: nothing here waits for time to pass.

use std::sync::mpsc::channel;

use super::*;
use crate::broker::ready::Outcome;
use crate::broker::tests::wait_until;
use crate::broker::turns::who;
use crate::platform::clock;

mod model;
mod world;

use world::{World, limited, minter, ready, scope};

const NOW: i64 = 1_800_000_000;
/// More than any test takes.
const LONG: Duration = Duration::from_mins(1);
const ANY: Freshness = Freshness { new: false, min_fresh: 0 };
const NEW: Freshness = Freshness { new: true, min_fresh: 0 };

fn wait(outcome: &Outcome) -> Option<i64> {
    outcome.as_ref().err().expect("no token").wait
}

#[test]
fn four_hundred_scopes_of_one_identity_do_not_delay_anothers_first_token() {
    let world = World::new();
    let greedy: Vec<_> =
        (0..400).map(|number| world.start(&who("greedy"), &scope("o", number), ANY)).collect();
    let mut first = [world.next(), world.next()];
    first.sort_by(|one, other| one.repositories.cmp(&other.repositories));
    assert_eq!(first, [scope("o", 0), scope("o", 1)]);
    let calm = world.start(&who("calm"), &scope("o", 1000), ANY);
    assert_eq!(world.next(), scope("o", 1000), "at once, while two of the other's are being minted");
    assert_eq!(world.pool.gauges().waiting, 398);
    // Each has its own token for the same scope.
    let both = world.start(&who("calm"), &scope("o", 300), ANY);
    assert_eq!(world.next(), scope("o", 300));
    (0..402).for_each(|_| world.results.send(Ok(NOW + 3600)).unwrap());
    for asking in greedy.into_iter().chain([calm, both]) {
        assert!(world.end(asking).is_ok());
    }
    assert_eq!(world.begun.try_iter().count(), 398, "each was minted once");
}

#[test]
fn a_hundred_requests_during_a_limit_of_githubs_are_one_mint() {
    let mut world = World::new();
    world.results.send(Err(limited(1000))).unwrap();
    for number in 0..100 {
        let outcome = world.ask(&who("a"), &scope("o", number), ANY);
        assert_eq!(wait(&outcome), Some(1000), "{number}");
    }
    assert_eq!((world.begun.try_iter().count(), world.pool.gauges().paused, world.scopes()), (1, 1, 0));
    world.mint(&scope("another", 0), 3600);
    world.pass(400);
    assert_eq!(wait(&world.ask(&who("b"), &scope("o", 5), NEW)), Some(600));
    world.pass(599);
    assert_eq!(wait(&world.ask(&who("a"), &scope("o", 0), ANY)), Some(1));
    world.pass(1);
    world.mint(&scope("o", 0), 3600);
    assert_eq!(world.pool.gauges().paused, 0);
    let log = world.log();
    let told = "no token for [owner=o repository=r0]: GitHub answered 403; nothing is minted for o until 2027-01-15T08:16:40Z\n";
    assert!(log.ends_with(told) && log.lines().count() == 1, "{log}");
}

#[test]
fn during_a_limit_what_is_valid_is_handed_out_and_what_waits_is_not_kept_waiting() {
    let world = World::with(Limits { mints_each: 1, turn: LONG, patience: LONG, ..Limits::default() });
    world.mint(&scope("o", 0), 3600);
    let waiting: Vec<_> = (1..20).map(|number| world.start(&who("a"), &scope("o", number), ANY)).collect();
    world.results.send(Err(limited(30))).unwrap();
    for asking in waiting {
        assert_eq!(wait(&world.end(asking)), Some(30));
    }
    assert_eq!(world.begun.try_iter().count(), 1);
    world.pass(20);
    for wish in [ANY, NEW, Freshness { new: false, min_fresh: 99_999 }] {
        assert!(world.ask(&who("a"), &scope("o", 0), wish).is_ok());
    }
    // Not even in the background.
    world.pass(3600 - 20 - 100);
    world.results.send(Err(limited(500))).unwrap();
    assert!(world.ask(&who("a"), &scope("o", 0), ANY).is_ok(), "it is still valid");
    world.pool.maintain();
    assert_eq!(world.begun.try_iter().count(), 1);
}

#[test]
fn no_server_stops_the_mints_for_more_than_an_hour() {
    let world = World::new();
    world.results.send(Err(limited(i64::MAX))).unwrap();
    assert!(world.ask(&who("a"), &scope("o", 0), ANY).is_err());
    world.pass(3599);
    assert_eq!(wait(&world.ask(&who("a"), &scope("o", 0), ANY)), Some(1));
    world.pass(1);
    world.mint(&scope("o", 0), 3600);
}

#[test]
fn where_the_settings_name_the_installation_its_limit_is_everybodys() {
    let world = World::new();
    let (start, begun) = channel();
    let (results, outcomes) = channel();
    world
        .pool
        .replace(Some(Minter { one_installation: true, ..minter("one", start, outcomes, &world.clock) }));
    results.send(Err(limited(60))).unwrap();
    for owner in ["o", "p", "q"] {
        assert_eq!(wait(&world.ask(&who("a"), &scope(owner, 0), ANY)), Some(60));
    }
    assert_eq!(begun.try_iter().count(), 1);
}

#[test]
fn a_scope_that_failed_is_forgotten_after_its_refusal_and_told_of_once() {
    let mut world = World::new();
    let repositories = (0..500).map(|number| format!("repository-{number:0>80}")).collect();
    let large = Scope { owner: Some("o".to_owned()), repositories, ..Scope::default() };
    world.results.send(Err(Failure::new(Kind::Refused, "GitHub answered 422"))).unwrap();
    for _ in 0..100 {
        assert!(world.ask(&who("a"), &large, ANY).is_err());
    }
    assert_eq!(world.begun.try_iter().count(), 1, "a refusal is remembered");
    world.pass(14);
    world.pool.maintain();
    assert_eq!(world.scopes(), 1);
    world.pass(1);
    world.pool.maintain();
    assert_eq!(world.scopes(), 0, "no longer than it has to be");
    world.results.send(Err(Failure::new(Kind::Temporary, "GitHub answered 502"))).unwrap();
    assert!(world.ask(&who("a"), &large, ANY).is_err());
    assert_eq!(world.scopes(), 0, "what is no refusal is not remembered at all");
    let log = world.log();
    assert!(log.lines().count() == 2 && log.len() < 2500, "{} bytes:\n{log}", log.len());
    assert!(log.contains(" and 495 more] (permanent until somebody acts): GitHub answered 422\n"), "{log}");
}

#[test]
fn whoever_has_gone_away_gets_no_mint() {
    let world = World::new();
    let first = world.start(&who("a"), &scope("o", 0), ANY);
    world.next();
    let second = world.start(&who("a"), &scope("o", 1), ANY);
    world.next();
    for number in 2..50 {
        let asking = world.start(&who("a"), &scope("o", number), ANY);
        asking.abort();
        assert!(world.runtime.block_on(asking).is_err());
    }
    let last = world.start(&who("a"), &scope("o", 50), ANY);
    (0..3).for_each(|_| world.results.send(Ok(NOW + 3600)).unwrap());
    for asking in [first, second, last] {
        assert!(world.end(asking).is_ok());
    }
    assert_eq!(world.begun.try_iter().collect::<Vec<_>>(), [scope("o", 50)]);
}

#[test]
fn whoever_waits_too_long_is_told_to_come_again() {
    let world = World::with(Limits { turn: Duration::from_millis(1), ..Limits::default() });
    assert_eq!(wait(&world.ask(&who("a"), &scope("o", 0), ANY)), Some(1));
}

#[test]
fn a_new_token_is_minted_at_most_every_ten_seconds_and_one_with_enough_life_is_enough() {
    let world = World::new();
    let scope = scope("o", 0);
    world.mint(&scope, 900);
    world.pass(9);
    assert!(world.ask(&who("a"), &scope, NEW).is_ok());
    assert_eq!(world.begun.try_iter().count(), 0, "too soon");
    world.pass(1);
    assert!(world.ask(&who("a"), &scope, Freshness { new: false, min_fresh: 600 }).is_ok());
    assert_eq!(world.begun.try_iter().count(), 0, "890 seconds are more than 600");
    for wish in [Freshness { new: false, min_fresh: 2400 }, NEW] {
        world.results.send(Ok(NOW + 3600)).unwrap();
        assert!(world.ask(&who("a"), &scope, wish).is_ok());
        assert_eq!(world.begun.try_iter().count(), 1, "{wish:?}");
        world.pass(10);
    }
}

#[test]
fn what_is_in_use_is_renewed_before_it_expires_and_handed_out_while_that_fails() {
    let world = World::new();
    let scope = scope("o", 0);
    world.mint(&scope, 3600);
    world.pass(3299);
    world.pool.maintain();
    assert_eq!(world.begun.try_iter().count(), 0);
    world.pass(1);
    world.pool.maintain();
    world.next();
    world.results.send(Err(Failure::new(Kind::Temporary, "GitHub answered 502"))).unwrap();
    assert!(world.ask(&who("a"), &scope, ANY).is_ok(), "valid for another 300 seconds");
    world.pass(31);
    world.pool.maintain();
    world.next();
    world.results.send(Ok(NOW + 7200)).unwrap();
    assert!(world.ask(&who("a"), &scope, ANY).is_ok());
    assert_eq!(world.pool.gauges().next_renewal, Some(7200 - 3331 - 300));
    // Nobody asks any more.
    world.pass(3600);
    world.pool.maintain();
    world.pass(269);
    world.pool.maintain();
    assert_eq!((world.begun.try_iter().count(), world.scopes()), (0, 0));
}

#[test]
fn a_token_with_little_life_is_renewed_at_once_however_young_it_is() {
    let world = World::new();
    let scope = scope("o", 0);
    world.mint(&scope, 301);
    world.pool.maintain();
    world.pass(1);
    world.pool.maintain();
    assert_eq!(world.next(), scope);
    world.results.send(Ok(NOW + 3600)).unwrap();
}

#[test]
fn whoever_comes_to_the_queue_when_a_mint_has_just_ended_begins_no_other() {
    let world = World::new();
    let scope = scope("o", 0);
    let asks = |wish| {
        let now = *world.clock.lock().unwrap();
        matches!(world.pool.0.ask(&who("a"), &scope, wish, now), Ok(Asked::Here(_)))
    };
    world.mint(&scope, 301);
    assert!(asks(ANY) && asks(NEW), "it has come");
    world.pass(11);
    world.pool.maintain();
    world.next();
    world.results.send(Err(Failure::new(Kind::Temporary, "GitHub answered 502"))).unwrap();
    let slot = Arc::clone(world.pool.0.slots.read().unwrap().iter().next().unwrap());
    wait_until(|| !slot.job().minting);
    assert!(asks(ANY), "another one has just failed");
}

#[test]
fn a_token_that_has_ended_goes_though_whoever_ended_it_has_gone_away() {
    let world = World::new();
    let scope = scope("o", 0);
    world.mint(&scope, 3600);
    let (told, begun) = channel();
    let (go, gone) = channel();
    let gone = Mutex::new(gone);
    let end = move |_: &Token| {
        told.send(()).unwrap();
        gone.lock().unwrap().recv().unwrap();
        Ok(())
    };
    let mint = |_: &Scope| Err(Failure::new(Kind::Temporary, "GitHub answered 502"));
    let (app, one_installation) = ("app".to_owned(), false);
    world.pool.replace(Some(Minter { mint: Box::new(mint), end: Box::new(end), app, one_installation }));
    world.leave_ending("a", &scope);
    begun.recv_timeout(LONG).expect("it is being ended");
    assert_eq!(world.pool.gauges().alive, 1, "not yet");
    go.send(()).unwrap();
    wait_until(|| world.pool.gauges().alive == 0);
}

#[test]
fn a_clock_that_is_set_back_revives_nothing() {
    let world = World::new();
    let scope = scope("o", 0);
    world.mint(&scope, 600);
    world.pass(601);
    world.clock.lock().unwrap().wall -= 7200;
    world.results.send(Err(Failure::new(Kind::Temporary, "GitHub answered 502"))).unwrap();
    assert!(world.ask(&who("a"), &scope, ANY).is_err());
}

#[test]
fn tokens_stay_when_the_key_is_read_again_and_go_with_their_app() {
    let world = World::new();
    let scope = scope("o", 0);
    world.mint(&scope, 3600);
    let another = |app| {
        let (start, begun) = channel();
        let (results, outcomes) = channel();
        world.pool.replace(Some(minter(app, start, outcomes, &world.clock)));
        (begun, results)
    };
    let (begun, _results) = another("app");
    assert!(world.ask(&who("a"), &scope, ANY).is_ok());
    assert_eq!(begun.try_iter().count(), 0);
    let (begun, results) = another("another app");
    results.send(Ok(NOW + 3600)).unwrap();
    assert!(world.ask(&who("a"), &scope, ANY).is_ok());
    assert_eq!(begun.try_iter().count(), 1);
    world.pool.replace(None);
    assert!(!world.pool.has_app() && world.scopes() == 0);
}

#[test]
fn a_mint_that_panics_fails_alone() {
    let world = World::new();
    let mint = |scope: &Scope| {
        assert!(scope.owner.as_deref() != Some("bad"), "the test wants it");
        Ok(ready(NOW + 3600, clock::moment()))
    };
    world.pool.replace(Some(Minter {
        mint: Box::new(mint),
        end: Box::new(|_| Ok(())),
        app: "new".to_owned(),
        one_installation: false,
    }));
    for number in 0..20 {
        assert!(world.ask(&who("a"), &scope("bad", number), ANY).is_err());
    }
    assert!(world.ask(&who("a"), &scope("good", 0), ANY).is_ok(), "all threads are still there");
}
