//! The only reader of the clock and the only place that waits.
//! Everything below takes times as parameters, so that tests can choose them.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// The wall clock, in whole seconds since 1970 (UTC). A clock before 1970 counts as 1970.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> i64 {
    Timestamp::now().as_second().max(0)
}

/// A monotonic point in time, which setting the clock does not change.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn instant() -> Instant {
    Instant::now()
}

/// Both clocks, read together.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// As [`now`].
    pub wall: i64,
    /// As [`instant`].
    pub steady: Instant,
}

/// The current time.
pub fn moment() -> Moment {
    Moment { wall: now(), steady: instant() }
}

/// When a command must stop waiting for the network and for locks (`--timeout`).
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline this long from now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    /// The time left; zero once the deadline has passed.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The earlier of this deadline and one this long from now.
    pub fn at_most(self, limit: Duration) -> Self {
        Self(self.0.min(Self::after(limit).0))
    }

    /// Waits if the wait ends before the deadline; otherwise returns false immediately. Also returns false if a busy
    /// machine made the wait last beyond the deadline.
    #[expect(clippy::disallowed_methods, reason = "the one place that waits")]
    pub fn wait(self, pause: Duration) -> bool {
        if pause >= self.left() {
            return false;
        }
        std::thread::sleep(pause);
        !self.left().is_zero()
    }
}

/// A time for people and for JSON: RFC 3339, UTC, whole seconds.
pub fn rfc3339(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// A span in its two largest units, such as `52m 3s`.
pub fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m {s}s"),
        (h, m, _) => format!("{h}h {m}m"),
    }
}
