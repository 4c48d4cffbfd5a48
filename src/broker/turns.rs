//! The order of mints. Identities take turns and each has few mints at a time, so that one with many scopes does not
//! delay another's first token. Pure.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::broker::identity::Identity;

/// The identity that a mint is for; `None` if no identities are configured.
pub type Who = Option<Arc<Identity>>;

/// What waits and what runs.
pub struct Turns<T> {
    all: usize,
    each: usize,
    running: HashMap<Who, usize>,
    waiting: HashMap<Who, VecDeque<T>>,
    /// Identities with waiting work; after its turn, each goes to the end.
    order: VecDeque<Who>,
}

impl<T> Turns<T> {
    /// With this many at the same time in all, and for each identity.
    pub fn new(all: usize, each: usize) -> Self {
        Self { all, each, running: HashMap::new(), waiting: HashMap::new(), order: VecDeque::new() }
    }

    /// Appends work to an identity's own queue.
    pub fn push(&mut self, who: &Who, what: T) {
        let queue = self.waiting.entry(who.clone()).or_default();
        if queue.is_empty() {
            self.order.push_back(who.clone());
        }
        queue.push_back(what);
    }

    /// The next work, if any may run; it runs until [`Turns::done`].
    pub fn next(&mut self) -> Option<(Who, T)> {
        if self.running.values().sum::<usize>() >= self.all {
            return None;
        }
        let of = |who: &Who| self.running.get(who).copied().unwrap_or(0);
        let may = |who: &&Who| who.is_none() || of(who) < self.each;
        let at = self.order.iter().position(|who| may(&who))?;
        let who = self.order.remove(at)?;
        let queue = self.waiting.get_mut(&who)?;
        let what = queue.pop_front()?;
        if queue.is_empty() {
            self.waiting.remove(&who);
        } else {
            self.order.push_back(who.clone());
        }
        *self.running.entry(who.clone()).or_default() += 1;
        Some((who, what))
    }

    /// Notes that work of an identity has ended.
    pub fn done(&mut self, who: &Who) {
        if let Some(count) = self.running.get_mut(who) {
            *count -= 1;
            if *count == 0 {
                self.running.remove(who);
            }
        }
    }

    /// The number that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }
}

/// An identity, for tests.
#[cfg(test)]
#[expect(clippy::unnecessary_wraps, reason = "it is one of those that there are")]
pub fn who(name: &str) -> Who {
    Some(Arc::new(Identity::of_bearer(name, None, crate::tokens::scope::Scope::default())))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn four_hundred_scopes_of_one_do_not_delay_the_first_of_another() {
        let mut turns = Turns::new(8, 2);
        for scope in 0..400 {
            turns.push(&who("greedy"), scope);
        }
        let running: Vec<_> = std::iter::from_fn(|| turns.next()).collect();
        assert_eq!(running, [(who("greedy"), 0), (who("greedy"), 1)], "two at a time");
        turns.push(&who("calm"), 1000);
        assert_eq!(turns.next(), Some((who("calm"), 1000)), "at once");
        assert_eq!((turns.next(), turns.waiting()), (None, 398));
        turns.done(&who("greedy"));
        assert_eq!(turns.next(), Some((who("greedy"), 2)));
    }

    #[test]
    fn eight_run_in_all_and_whoever_waited_longest_is_next() {
        let mut turns = Turns::new(8, 2);
        for name in ["a", "b", "c", "d", "e", "f"] {
            (0..3).for_each(|scope| turns.push(&who(name), scope));
        }
        let first: Vec<_> = std::iter::from_fn(|| turns.next()).collect();
        assert_eq!(first.len(), 8);
        turns.push(&who("late"), 0);
        turns.done(&who("a"));
        // c to f have one running each, and have waited for longer.
        let next =
            |turns: &mut Turns<i32>| turns.next().and_then(|(who, _)| who).map(|who| who.name.to_string());
        assert_eq!(next(&mut turns).as_deref(), Some("c"));
        assert_eq!(next(&mut turns), None);
        for (ended, name) in [("b", "d"), ("c", "e"), ("d", "f"), ("e", "a"), ("f", "b"), ("c", "late")] {
            turns.done(&who(ended));
            assert_eq!(next(&mut turns).as_deref(), Some(name), "after one of {ended}");
        }
    }

    #[test]
    fn without_identities_all_eight_are_for_whoever_asks() {
        let mut turns = Turns::new(8, 2);
        (0..20).for_each(|scope| turns.push(&None, scope));
        assert_eq!(std::iter::from_fn(|| turns.next()).count(), 8);
    }

    proptest! {
        /// 0 to 4: somebody wants something; 5: something starts; 6: something ends.
        #[test]
        fn nobody_has_too_much_nothing_waits_in_vain_and_each_queue_keeps_its_order(
            steps in vec((0..7_usize, 0..50_usize), 0..300)
        ) {
            let mut turns = Turns::new(4, 2);
            let mut running: Vec<usize> = Vec::new();
            let (mut pushed, mut started) = ([0; 5], [0; 5]);
            for (number, (step, any)) in steps.into_iter().enumerate() {
                match step {
                    0..5 => {
                        turns.push(&who(&step.to_string()), pushed[step]);
                        pushed[step] += 1;
                    }
                    5 => {
                        let may = |name: usize| {
                            started[name] < pushed[name] && running.iter().filter(|one| **one == name).count() < 2
                        };
                        let something = running.len() < 4 && (0..5).any(may);
                        let found = turns.next();
                        prop_assert_eq!(found.is_some(), something, "step {}", number);
                        let Some((who, what)) = found else { continue };
                        let name: usize = who.unwrap().name.parse().unwrap();
                        prop_assert!(may(name));
                        prop_assert_eq!(what, started[name]);
                        started[name] += 1;
                        running.push(name);
                    }
                    _ if running.is_empty() => {}
                    _ => turns.done(&who(&running.swap_remove(any % running.len()).to_string())),
                }
                prop_assert_eq!(turns.waiting(), pushed.iter().sum::<usize>() - started.iter().sum::<usize>());
            }
        }
    }
}
