//! What was looked up of an App's installations, and how long it counts.

use serde::{Deserialize, Serialize};

use crate::tokens::cache::lifetimes::{ABSENT, INSTALLED};

/// An App's installation on one account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Installation {
    /// GitHub's number.
    pub id: u64,
    /// The account's login, where known.
    pub account: Option<String>,
}

/// What a look-up found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Known {
    /// The App is installed there.
    Installed(Installation),
    /// It is not.
    Absent,
}

/// What was looked up, and when (seconds since 1970).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Remembered {
    /// The outcome.
    pub known: Known,
    /// When it was looked up.
    pub since: i64,
}

impl Remembered {
    /// How long it counts, in seconds.
    pub fn limit(&self) -> i64 {
        if matches!(self.known, Known::Absent) { ABSENT } else { INSTALLED }
    }

    /// Whether it still counts; one from the future is from a clock that has jumped.
    pub fn is_fresh(&self, now: i64) -> bool {
        now.checked_sub(self.since).is_some_and(|age| (0..self.limit()).contains(&age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_counts_for_a_day_and_its_absence_for_a_minute() {
        let installed = Known::Installed(Installation { id: 7, account: None });
        for (known, age, fresh) in [
            (&installed, 0, true),
            (&installed, 86_399, true),
            (&installed, 86_400, false),
            (&installed, -1, false),
            (&Known::Absent, 59, true),
            (&Known::Absent, 60, false),
            (&Known::Absent, i64::MIN, false),
        ] {
            let remembered = Remembered { known: known.clone(), since: 0_i64.saturating_sub(age) };
            assert_eq!(remembered.is_fresh(0), fresh, "{known:?} after {age} s");
        }
    }
}
