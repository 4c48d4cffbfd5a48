//! Which scopes are forgotten when there is no more room.

use super::*;
use crate::broker::turns::who;

fn scope(number: usize) -> Scope {
    Scope { owner: Some(format!("o{number}")), ..Scope::default() }
}

#[test]
fn whoever_has_most_loses_what_was_used_least_recently() {
    let mut slots = Slots::new(10, usize::MAX);
    slots.get_or_add(&who("calm"), &scope(100)).unwrap().touch(1);
    for number in 0..30 {
        let slot = slots.get_or_add(&who("greedy"), &scope(number)).unwrap();
        slot.touch(2 + number as u64);
    }
    assert_eq!(slots.len(), 10);
    assert!(
        slots.get(&who("calm"), &scope(100)).is_some(),
        "the oldest of all, but not theirs who have most"
    );
    assert!((21..30).all(|number| slots.get(&who("greedy"), &scope(number)).is_some()));
}

#[test]
fn where_nothing_is_idle_only_whoever_has_most_is_sent_away() {
    let mut slots = Slots::new(10, usize::MAX);
    let busy = |slot: Arc<Slot>| slot.job().minting = true;
    let mut added = 0;
    while let Some(slot) = slots.get_or_add(&who("greedy"), &scope(added)) {
        busy(slot);
        added += 1;
    }
    assert_eq!(added, 10);
    busy(slots.get_or_add(&who("calm"), &scope(100)).unwrap());
    assert!(slots.get_or_add(&who("greedy"), &scope(99)).is_none());
    assert!(slots.get_or_add(&who("greedy"), &scope(0)).is_some(), "one that is there already");
}

#[test]
fn large_scopes_are_weighed() {
    let mut slots = Slots::new(usize::MAX, 100_000);
    for number in 0..100 {
        let repositories = (0..500).map(|name| format!("r{number}-{name}")).collect();
        slots.get_or_add(&None, &Scope { repositories, ..Scope::default() }).unwrap();
    }
    assert!(slots.len() <= 4, "{}", slots.len());
    slots.keep(|_| false);
    assert_eq!((slots.len(), slots.bytes, slots.all.len()), (0, 0, 0));
}
