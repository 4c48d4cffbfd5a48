//! Whether a client has reported that a token works. git reports at once (`store`, `erase`); libgit2 and scripts never
//! do, and would be handed a revoked token until it expires.
//!
//! So a token that was handed out a while ago without a report is tried before it is handed out again, at most once a
//! minute. The time it was handed out is the mark of the entry's file, which costs a `get` no write; 0: none outstanding.

use serde::{Deserialize, Serialize};

use crate::tokens::cache::lifetimes::{REPORT, TRIAL, within};

/// What is known of an entry's token since it was handed out.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Reports {
    /// Handed out then, without a report since.
    #[serde(skip)]
    since: Option<i64>,
    /// The last trial, whatever it showed.
    pub tried: i64,
}

impl Reports {
    /// The same with the mark that was read.
    pub fn marked(self, mark: Option<i64>) -> Self {
        Self { since: mark.filter(|&mark| mark > 0), ..self }
    }

    /// The mark that says so.
    pub fn mark(&self) -> i64 {
        self.since.unwrap_or(0)
    }

    /// A token is handed out. A time that lies ahead is from a clock that was set back since.
    pub fn hand_out(&mut self, now: i64) {
        self.since = self.since.filter(|&since| since <= now).or(Some(now));
    }

    /// Whether a report should have come by now, and no trial has been made lately.
    pub fn is_overdue(&self, now: i64) -> bool {
        let late = self.since.is_some_and(|since| now.saturating_sub(since) >= REPORT);
        late && !within(self.tried + TRIAL, now, TRIAL)
    }

    /// A report has come, or the token is another one.
    pub fn clear(&mut self) {
        self.since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn reports(since: i64, tried: i64) -> Reports {
        Reports { tried, ..Reports::default() }.marked(Some(since))
    }

    #[test]
    fn a_report_is_waited_for_five_seconds_and_a_trial_is_made_once_a_minute() {
        for (since, tried, overdue) in [
            (0, 0, false),
            (NOW, 0, false),
            (NOW - 4, 0, false),
            (NOW - 5, 0, true),
            (1, 0, true),
            (NOW - 100, NOW, false),
            (NOW - 100, NOW - 59, false),
            (NOW - 100, NOW - 60, true),
            // The clock was set back since.
            (NOW + 1, 0, false),
            (NOW + 9000, NOW + 9000, false),
            (NOW - 100, NOW + 1, true),
            (NOW - 100, NOW + 9000, true),
            (i64::MAX, 0, false),
        ] {
            assert_eq!(reports(since, tried).is_overdue(NOW), overdue, "{} {}", since - NOW, tried - NOW);
        }
        assert!(!Reports::default().marked(None).is_overdue(NOW), "a file system without marks");
        assert!(!Reports::default().marked(Some(-1)).is_overdue(NOW));
    }

    #[test]
    fn the_first_unreported_time_counts_unless_it_is_in_the_future() {
        for (since, after) in [(0, NOW), (NOW - 3, NOW - 3), (NOW, NOW), (NOW + 1, NOW), (NOW + 9000, NOW)] {
            let mut reports = reports(since, 0);
            reports.hand_out(NOW);
            assert_eq!(reports.mark(), after);
            reports.clear();
            assert_eq!(reports.mark(), 0);
        }
    }
}
