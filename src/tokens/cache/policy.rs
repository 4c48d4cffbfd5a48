//! Decides what to do with a cached token: one policy for the helper's cache on disk and the broker's in memory.
//! Pure. How long things count is in `lifetimes`.

use crate::tokens::cache::lifetimes::{self, PAUSE, within};
use crate::tokens::error::Kind;

/// What is kept of one token, looked at in one moment. Times are in seconds; each is asked for only where it matters.
pub trait Kept {
    /// How much longer the token is valid; `None`: there is none that is.
    fn left(&self) -> Option<i64>;

    /// How old the token is.
    fn age(&self) -> i64;

    /// Another token than this one is asked for.
    fn is_unwanted(&self) -> bool;

    /// A client has had it for a while and has not reported whether it works.
    fn is_overdue(&self) -> bool;

    /// What the last mint failed with, and how long ago, where that is remembered.
    fn failure(&self) -> Option<(Kind, i64)>;

    /// How long nothing is minted, because too many new tokens were refused in a row.
    fn pause(&self) -> i64;
}

/// When a cache mints again, and when it repeats what it has.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// A token no older than this is handed out even to a client that wants another one.
    pub spacing: i64,
    /// How long after a failed mint a valid token is handed out at once.
    pub after_failure: i64,
    /// How long a failure that is neither temporary nor a refusal is remembered.
    pub other_failure: i64,
}

/// For one command after another: the settings may have changed in between.
pub const HELPER: Rules = Rules { spacing: 0, after_failure: 0, other_failure: 0 };

/// For a process that serves many clients at once.
pub const BROKER: Rules = Rules {
    spacing: lifetimes::SPACING,
    after_failure: lifetimes::BROKER_PAUSE,
    other_failure: lifetimes::REFUSED,
};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Hand out the token.
    Hand,
    /// The same, but try it first.
    Try,
    /// Say that nothing is minted for a while.
    Paused,
    /// Say what was refused.
    Refused,
    /// Ask for a new one. Until that is there, or if it fails, a valid token is better than none.
    Renew,
}

/// Decides for an ask that wants a token with more than `wanted` seconds left.
pub fn decide(kept: &impl Kept, wanted: i64, rules: Rules) -> Verdict {
    if let Some(left) = kept.left() {
        let unwanted = kept.is_unwanted();
        if !unwanted && left > wanted {
            return if kept.is_overdue() { Verdict::Try } else { Verdict::Hand };
        }
        let failed_lately = || kept.failure().is_some_and(|(_, ago)| (0..rules.after_failure).contains(&ago));
        // A clock that was set back makes it younger than it is.
        if (0..rules.spacing).contains(&kept.age()) || (!unwanted && failed_lately()) {
            return Verdict::Hand;
        }
    }
    if within(kept.pause(), 0, PAUSE) {
        return Verdict::Paused;
    }
    let is_refused = |(kind, ago)| is_remembered(kind, ago, rules);
    if kept.failure().is_some_and(is_refused) { Verdict::Refused } else { Verdict::Renew }
}

/// Whether a failure `ago` seconds old is still repeated instead of minting.
pub fn is_remembered(kind: Kind, ago: i64, rules: Rules) -> bool {
    let limit = match lifetimes::of_refusal(kind) {
        Some(limit) => limit,
        None if kind == Kind::Temporary => 0,
        None => rules.other_failure,
    };
    (0..limit).contains(&ago)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token with 3,000 seconds left, a minute old.
    #[derive(Clone, Copy)]
    struct Case {
        left: Option<i64>,
        age: i64,
        unwanted: bool,
        overdue: bool,
        failure: Option<(Kind, i64)>,
        pause: i64,
    }

    const GOOD: Case =
        Case { left: Some(3000), age: 60, unwanted: false, overdue: false, failure: None, pause: 0 };
    const NONE: Case = Case { left: None, ..GOOD };

    impl Kept for Case {
        fn left(&self) -> Option<i64> {
            self.left
        }

        fn age(&self) -> i64 {
            self.age
        }

        fn is_unwanted(&self) -> bool {
            self.unwanted
        }

        fn is_overdue(&self) -> bool {
            self.overdue
        }

        fn failure(&self) -> Option<(Kind, i64)> {
            self.failure
        }

        fn pause(&self) -> i64 {
            self.pause
        }
    }

    #[test]
    fn helper_and_broker_decide_by_one_table() {
        use Verdict::{Hand, Paused, Refused, Renew, Try};
        let failed = |kind, ago| Some((kind, ago));
        for (number, (case, helper, broker)) in [
            (GOOD, Hand, Hand),
            (Case { overdue: true, ..GOOD }, Try, Try),
            (Case { left: Some(301), ..GOOD }, Hand, Hand),
            (Case { left: Some(300), ..GOOD }, Renew, Renew),
            (Case { left: Some(300), failure: failed(Kind::Temporary, 29), ..GOOD }, Renew, Hand),
            (Case { left: Some(300), failure: failed(Kind::Temporary, 30), ..GOOD }, Renew, Renew),
            (Case { left: Some(300), failure: failed(Kind::Refused, 14), ..GOOD }, Refused, Hand),
            (Case { left: Some(300), age: 9, ..GOOD }, Renew, Hand),
            (Case { unwanted: true, ..GOOD }, Renew, Renew),
            (Case { unwanted: true, age: 9, ..GOOD }, Renew, Hand),
            (Case { unwanted: true, age: -1, ..GOOD }, Renew, Renew),
            (Case { unwanted: true, failure: failed(Kind::Temporary, 1), ..GOOD }, Renew, Renew),
            (NONE, Renew, Renew),
            (Case { pause: 60, ..NONE }, Paused, Paused),
            (Case { pause: 61, ..NONE }, Renew, Renew),
            (Case { pause: 60, ..GOOD }, Hand, Hand),
            (Case { failure: failed(Kind::Temporary, 0), ..NONE }, Renew, Renew),
            (Case { failure: failed(Kind::Refused, 14), ..NONE }, Refused, Refused),
            (Case { failure: failed(Kind::Refused, 15), ..NONE }, Renew, Renew),
            (Case { failure: failed(Kind::Refused, -1), ..NONE }, Renew, Renew),
            (Case { failure: failed(Kind::NotInstalled, 59), ..NONE }, Refused, Refused),
            (Case { failure: failed(Kind::NotInstalled, 60), ..NONE }, Renew, Renew),
            (Case { failure: failed(Kind::Settings, 14), ..NONE }, Renew, Refused),
            (Case { failure: failed(Kind::Other, 15), ..NONE }, Renew, Renew),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(decide(&case, 300, HELPER), helper, "row {number}, helper");
            assert_eq!(decide(&case, 300, BROKER), broker, "row {number}, broker");
        }
    }
}
