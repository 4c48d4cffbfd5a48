//! The outcome of each check, and how it is shown.

use serde_json::{Value, json};

use crate::error::{Failure, Kind};
use crate::report::Report;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ok,
    /// Works, but may not be what is wanted.
    Warn,
    Fail(Kind),
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail(_) => "fail",
        }
    }

    fn color(self) -> &'static str {
        match self {
            Self::Ok => "32",
            Self::Warn => "33",
            Self::Fail(_) => "1;31",
        }
    }
}

#[derive(Debug)]
struct Check {
    name: &'static str,
    state: State,
    message: String,
    hints: Vec<String>,
}

/// All checks so far.
#[derive(Debug, Default)]
pub struct Checks(Vec<Check>);

impl Checks {
    /// A link that holds.
    pub fn ok(&mut self, name: &'static str, message: impl Into<String>) {
        self.add(name, State::Ok, message.into(), Vec::new());
    }

    /// A link that holds, but not for everything.
    pub fn warn(&mut self, name: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        self.add(name, State::Warn, message.into(), vec![hint.into()]);
    }

    /// A link that is broken, by an error with its contexts and hints.
    pub fn fail(&mut self, name: &'static str, error: &anyhow::Error) {
        let Failure { kind, hints, .. } = Failure::of(error);
        let hints = if hints.is_empty() { vec!["see -v for what was done".to_owned()] } else { hints };
        self.add(name, State::Fail(kind), format!("{error:#}"), hints);
    }

    /// A link that is broken.
    pub fn broken(&mut self, name: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        self.add(name, State::Fail(Kind::Settings), message.into(), vec![hint.into()]);
    }

    fn add(&mut self, name: &'static str, state: State, message: String, hints: Vec<String>) {
        self.0.push(Check { name, state, message, hints });
    }

    /// The names of those that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        let failed = self.0.iter().filter(|check| matches!(check.state, State::Fail(_)));
        failed.map(|check| check.name).collect()
    }

    /// How many links hold, but not for everything.
    pub fn warnings(&self) -> usize {
        self.0.iter().filter(|check| check.state == State::Warn).count()
    }

    /// A failure with the kind of the first that failed.
    pub fn verdict(&self) -> Result<(), Failure> {
        let kinds: Vec<Kind> = self
            .0
            .iter()
            .filter_map(|check| match check.state {
                State::Fail(kind) => Some(kind),
                State::Ok | State::Warn => None,
            })
            .collect();
        match kinds.first() {
            None => Ok(()),
            Some(kind) => {
                Err(Failure::new(*kind, format!("{} of {} checks failed", kinds.len(), self.0.len())))
            }
        }
    }

    /// A line a check, and its hints below it.
    pub fn to_text(&self, report: Report) -> String {
        let mut text = String::new();
        for Check { name, state, message, hints } in &self.0 {
            let word = report.paint(&format!("{:<4}", state.word()), state.color());
            text.extend([word.as_str(), "  ", name, ": ", message, "\n"]);
            for hint in hints {
                text.extend(["      hint: ", hint, "\n"]);
            }
        }
        text
    }

    /// `ok`, and a list of `checks` with `name`, `state`, `message` and, where it is not ok, `hint`.
    pub fn to_json(&self) -> Value {
        let check = |Check { name, state, message, hints }: &Check| {
            let mut check = json!({ "name": name, "state": state.word(), "message": message });
            if !hints.is_empty() {
                check["hint"] = hints.join("; ").into();
            }
            check
        };
        json!({ "ok": self.verdict().is_ok(), "checks": self.0.iter().map(check).collect::<Vec<_>>() })
    }
}
