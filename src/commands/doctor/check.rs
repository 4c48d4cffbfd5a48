//! The outcome of each check, and how it is shown.

use serde_json::{Value, json};

use crate::commands::doctor::fold;
use crate::commands::doctor::hint::Hints;
use crate::platform::terminal;
use crate::report::{self, Report};
use crate::tokens::error::{Failure, Kind, one_line};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    Ok,
    /// Works, but may not be what the user wants.
    Warn,
    Fail(Kind),
}

impl Finding {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail(_) => "fail",
        }
    }

    fn style(self) -> anstyle::Style {
        match self {
            Self::Ok => report::GOOD,
            Self::Warn => report::DOUBTFUL,
            Self::Fail(_) => report::BAD,
        }
    }
}

#[derive(Debug)]
struct Check {
    name: &'static str,
    state: Finding,
    message: String,
    hints: Hints,
}

/// All checks so far.
#[derive(Debug, Default)]
pub struct Checks(Vec<Check>);

impl Checks {
    /// Adds a check that passed.
    pub fn ok(&mut self, name: &'static str, message: impl Into<String>) {
        self.add(name, Finding::Ok, message.into(), Hints::none());
    }

    /// Adds a check that passed with a reservation.
    pub fn warn(&mut self, name: &'static str, message: impl Into<String>, hints: impl Into<Hints>) {
        self.add(name, Finding::Warn, message.into(), hints.into());
    }

    /// Adds a failed check, from an error with its contexts and hints.
    pub fn fail(&mut self, name: &'static str, error: &anyhow::Error) {
        let Failure { kind, hints, .. } = Failure::of(error);
        let hints =
            if hints.is_empty() { "run doctor with -v to see what was tried".into() } else { hints.into() };
        self.add(name, Finding::Fail(kind), format!("{error:#}"), hints);
    }

    /// The same, unless the same failure was reported before: unreadable settings fail alike for each profile.
    pub fn fail_once(&mut self, name: &'static str, error: &anyhow::Error) {
        let message = format!("{error:#}");
        if !self.0.iter().any(|known| known.name == name && known.message == message) {
            self.fail(name, error);
        }
    }

    /// Adds a failed check.
    pub fn broken(&mut self, name: &'static str, message: impl Into<String>, hints: impl Into<Hints>) {
        self.add(name, Finding::Fail(Kind::Settings), message.into(), hints.into());
    }

    fn add(&mut self, name: &'static str, state: Finding, message: String, hints: Hints) {
        self.0.push(Check { name, state, message, hints });
    }

    fn failures(&self) -> impl Iterator<Item = Kind> {
        self.0.iter().filter_map(|check| match check.state {
            Finding::Fail(kind) => Some(kind),
            Finding::Ok | Finding::Warn => None,
        })
    }

    /// Whether any check so far has failed.
    pub fn have_failed(&self) -> bool {
        self.failures().next().is_some()
    }

    /// The names of the failed checks.
    pub fn failed(&self) -> Vec<&'static str> {
        let failed = self.0.iter().filter(|check| matches!(check.state, Finding::Fail(_)));
        failed.map(|check| check.name).collect()
    }

    /// The number of warnings.
    pub fn warnings(&self) -> usize {
        self.0.iter().filter(|check| check.state == Finding::Warn).count()
    }

    /// An error of the kind of the first failure.
    pub fn verdict(&self) -> Result<(), Failure> {
        let (Some(kind), all) = (self.failures().next(), self.0.len()) else { return Ok(()) };
        let plural = if all == 1 { "" } else { "s" };
        Err(Failure::new(kind, format!("{} of {all} check{plural} failed", self.failures().count())))
    }

    /// One line for each check, with its hints below it; on a terminal, prose is wrapped between words.
    pub fn to_text(&self, report: Report) -> String {
        let width = terminal::stdout_width().unwrap_or(usize::MAX);
        let mut text = String::new();
        for Check { name, state, message, hints } in &self.0 {
            let word = report.paint(&format!("{:<4}", state.word()), state.style());
            let message = fold::fold(&one_line(&format!("{name}: {message}")), 6, width);
            text.extend([word.as_str(), "  ", &message, "\n"]);
            text.push_str(&hints.to_text(width));
        }
        text
    }

    /// `ok`, and a list of `checks` with `name`, `state`, `message` and, where it is not ok, `hint`.
    pub fn to_json(&self) -> Value {
        let check = |Check { name, state, message, hints }: &Check| {
            let mut check = json!({ "name": name, "state": state.word(), "message": message });
            if *state != Finding::Ok {
                check["hint"] = hints.in_one_line().into();
            }
            check
        };
        json!({ "ok": !self.have_failed(), "checks": self.0.iter().map(check).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_counts_in_good_english() {
        let mut checks = Checks::default();
        checks.ok("a", "well");
        assert!(checks.verdict().is_ok());
        checks.broken("b", "not well", "do this");
        assert_eq!(checks.verdict().unwrap_err().message, "1 of 2 checks failed");
        let mut alone = Checks::default();
        alone.broken("b", "not well", "do this");
        assert_eq!(alone.verdict().unwrap_err().message, "1 of 1 check failed");
    }
}
