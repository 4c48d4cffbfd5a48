//! Who loses what when there is no more room.

use super::*;
use crate::broker::turns::who;

fn scope(number: usize) -> Scope {
    Scope { owner: Some(format!("o{number}")), ..Scope::default() }
}

#[test]
fn whoever_has_most_loses_what_was_used_least_recently() {
    let mut slots = Slots::new(10, usize::MAX);
    slots.get_or_add(&scope(100), &who("calm")).unwrap().touch(1);
    for number in 0..30 {
        let slot = slots.get_or_add(&scope(number), &who("greedy")).unwrap();
        slot.touch(2 + number as u64);
    }
    assert_eq!(slots.len(), 10);
    assert!(slots.get(&scope(100)).is_some(), "the oldest of all, but not theirs who have most");
    assert!((21..30).all(|number| slots.get(&scope(number)).is_some()));
}

#[test]
fn where_nothing_is_idle_only_whoever_has_most_is_sent_away() {
    let mut slots = Slots::new(10, usize::MAX);
    let busy = |slot: Arc<Slot>| slot.job().minting = true;
    let mut added = 0;
    while let Some(slot) = slots.get_or_add(&scope(added), &who("greedy")) {
        busy(slot);
        added += 1;
    }
    assert_eq!(added, 10);
    busy(slots.get_or_add(&scope(100), &who("calm")).unwrap());
    assert!(slots.get_or_add(&scope(99), &who("greedy")).is_none());
    assert!(slots.get_or_add(&scope(0), &who("calm")).is_some(), "one that is there already");
}

#[test]
fn large_scopes_are_weighed() {
    let mut slots = Slots::new(usize::MAX, 100_000);
    for number in 0..100 {
        let repositories = (0..500).map(|name| format!("r{number}-{name}")).collect();
        slots.get_or_add(&Scope { repositories, ..Scope::default() }, &None).unwrap();
    }
    assert!(slots.len() <= 4, "{}", slots.len());
    slots.keep(|_| false);
    assert_eq!((slots.len(), slots.bytes, slots.of.len()), (0, 0, 0));
}
