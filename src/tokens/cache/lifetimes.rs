//! How long what is kept is good for: every number of the policy, for the helper's cache on disk and the broker's in memory.
//! Times are in seconds.

use crate::tokens::error::Kind;

/// A cached token of the helper with less left is renewed, unless a setting says otherwise.
pub const MARGIN: i64 = 4 * 60;
/// A broker renews a token with less left, even without a request: its clients have margins of their own.
pub const BROKER_MARGIN: i64 = 5 * 60;
/// How long after its last use a broker renews a token in the background.
pub const IN_USE: i64 = 3600;
/// The life that `refresh` keeps in the cache, unless an option says otherwise.
pub const REFRESHED: i64 = 40 * 60;
/// A larger margin would mint on every call.
pub const LONGEST_MARGIN: i64 = 55 * 60;

/// How long a looked-up installation is trusted.
pub const INSTALLED: i64 = 24 * 3600;
/// How long to remember that an owner does not have the App.
pub const ABSENT: i64 = 60;
/// How long any other lasting refusal is remembered.
pub const REFUSED: i64 = 15;

/// Minting stops after this many fresh tokens refused in a row: git-lfs up to 3.7.1 would ask ten times a second forever.
pub const STRIKES: u32 = 2;
/// How long minting stops then.
pub const PAUSE: i64 = 60;
/// At most one new token for a broker's scope in this time, however often one is asked for.
pub const SPACING: i64 = 10;
/// How long after a failed mint a broker hands out a valid token at once.
pub const BROKER_PAUSE: i64 = 30;
/// The longest time for which a broker mints nothing because GitHub has set a limit.
pub const LONGEST_WAIT: i64 = 3600;

/// How long a client may take to report whether a token works.
pub const REPORT: i64 = 5;
/// The time between two trials of a token that no client reports on.
pub const TRIAL: i64 = 60;

/// How long a refusal is remembered, so that many gits do not cause as many mints; `None`: it is not a refusal. A temporary
/// failure can end at any moment, and wrong settings can be changed at any moment.
pub fn of_refusal(kind: Kind) -> Option<i64> {
    match kind {
        Kind::NotInstalled => Some(ABSENT),
        Kind::Refused => Some(REFUSED),
        _ => None,
    }
}

/// Whether a time still lies ahead; one further ahead than it was ever set is from a clock that has jumped.
pub fn within(until: i64, now: i64, limit: i64) -> bool {
    until > now && until - now <= limit
}
