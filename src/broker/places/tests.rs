//! Which connection makes room for which.

use std::net::Ipv4Addr;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn peer(last: u8) -> Peer {
    Peer::Address(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)))
}

fn is_in(places: &Places, visitor: &Visitor) -> bool {
    places.state().all.contains_key(&visitor.number)
}

#[test]
fn one_address_has_a_quarter_and_its_own_longest_idle_makes_room() {
    let places = Places::new(16_384, 4096);
    let greedy: Vec<_> = (0..16_600).map(|_| places.enter(peer(1)).unwrap()).collect();
    assert_eq!(places.taken(), 4096);
    assert!(!is_in(&places, &greedy[16_600 - 4097]) && is_in(&places, &greedy[16_600 - 4096]));
    let others: Vec<_> = (2..5).flat_map(|last| (0..4096).map(move |_| last)).collect();
    let others: Vec<_> = others.into_iter().map(|last| places.enter(peer(last)).unwrap()).collect();
    assert_eq!(places.taken(), 16_384);
    places.enter(peer(9)).unwrap();
    assert_eq!(places.taken(), 16_384, "all were taken");
    assert!(!is_in(&places, &greedy[16_600 - 4096]), "the longest idle of all");
    assert!(others.iter().all(|visitor| is_in(&places, visitor)));
}

#[test]
fn whoever_is_being_answered_stays_and_where_all_are_nobody_comes_in() {
    let places = Places::new(8, 2);
    let busy: Vec<_> = (0..8).map(|number| places.enter(peer(number / 2)).unwrap()).collect();
    for visitor in &busy {
        visitor.begin();
    }
    assert!(places.enter(peer(9)).is_none() && places.enter(peer(0)).is_none());
    places.end(&busy[5]);
    assert!(places.enter(peer(9)).is_some());
    assert!(!is_in(&places, &busy[5]) && is_in(&places, &busy[3]));
    assert_eq!(places.turned_away(), (1, 2));
}

#[test]
fn an_address_is_a_network_where_everybody_has_one() {
    let of = |text: &str| Address::of(Peer::of_address(text.parse().unwrap()));
    assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    assert_eq!(
        of("2001:db8:1:2::1").map(|network| network.to_string()).as_deref(),
        Some("2001:db8:1:2::/64")
    );
    assert_eq!(Address::of(Peer::User(Some(0))), None);
}

proptest! {
    /// Beside a list in the order of idleness.
    #[test]
    fn the_longest_idle_goes_whatever_has_happened_before(steps in vec((0..8_u8, 0..64_usize), 0..400)) {
        let (most, share) = (12, 3);
        let places = Places::new(most, share);
        // The visitor, the address, and since how many connections it is idle.
        let mut model: Vec<(Arc<Visitor>, u8, Option<u64>)> = Vec::new();
        let mut come = 0;
        for (step, any) in steps {
            let at = if model.is_empty() { None } else { Some(any % model.len()) };
            match (step, at) {
                (0..6, _) => {
                    let mut gone = Vec::new();
                    let mut evict = |model: &mut Vec<(Arc<Visitor>, u8, Option<u64>)>, of: Option<u8>| {
                        let idle = model.iter().enumerate().filter(|(_, one)| of.is_none_or(|of| one.1 == of));
                        let found = idle.filter_map(|(at, one)| Some((one.2?, one.0.number, at))).min();
                        found.map(|(.., at)| gone.push(model.remove(at).0)).is_some()
                    };
                    let full = model.iter().filter(|one| one.1 == step).count() >= share;
                    let room = (!full || evict(&mut model, Some(step)))
                        && (model.len() < most || evict(&mut model, None));
                    let entered = places.enter(peer(step));
                    prop_assert_eq!(entered.is_some(), room);
                    prop_assert!(gone.iter().all(|visitor| !is_in(&places, visitor)));
                    come += u64::from(room);
                    model.extend(entered.map(|visitor| (visitor, step, Some(2 * come))));
                }
                (6, Some(at)) => {
                    let (visitor, _, since) = &mut model[at];
                    if since.take().is_some() {
                        visitor.begin();
                    } else {
                        places.end(visitor);
                        *since = Some(2 * come + 1);
                    }
                    prop_assert!(visitor.has_asked());
                }
                (_, Some(at)) => places.leave(&model.remove(at).0),
                _ => {}
            }
            prop_assert_eq!(places.taken(), model.len());
            prop_assert!(model.iter().all(|(visitor, ..)| is_in(&places, visitor)));
        }
    }
}
