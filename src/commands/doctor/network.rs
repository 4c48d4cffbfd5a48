//! Reaches the git host and the broker, and compares the clocks.

use crate::commands::doctor::Examined;
use crate::commands::doctor::check::Checks;
use crate::commands::doctor::machine::Machine;
use crate::platform::clock::{self, span};
use crate::session::ask_or_default;
use crate::tokens::ask::TokenProvider;
use crate::tokens::http::{Call, Client};
use crate::tokens::source::remote::RemoteBroker;

/// A larger difference, in seconds, makes the expiry of tokens look wrong.
const SKEW: i64 = 60;

/// Checks git host, clock and broker.
pub fn examine(examined: &Examined, _machine: &Machine, checks: &mut Checks) {
    let settings = &examined.settings;
    let client = Client::new(&settings.network, examined.deadline, examined.report.notes).once();
    let call = Call {
        method: "HEAD",
        url: format!("{}/", settings.host.url()),
        authorization: None,
        headers: Vec::new(),
        body: None,
        who: "the git host",
    };
    match client.probe(&call) {
        Err(error) => {
            examined.reaches.set(format!("{error:#}").contains("certificate"));
            checks.fail("network", &error);
        }
        Ok(answer) => {
            examined.reaches.set(true);
            checks.ok("network", format!("{} answers", settings.host.name));
            if let Some(date) = answer.date() {
                clock(clock::now() - date, checks);
            }
        }
    }
    if let Some(broker) = &settings.broker {
        let broker = RemoteBroker::new(settings, broker, examined.deadline, examined.report.notes);
        match broker.once().token(&ask_or_default(settings)) {
            Err(error) => checks.fail("broker", &error),
            Ok(token) => {
                let left = token.facts.left(clock::now()).map_or_else(|| "an unknown time".to_owned(), span);
                checks.ok("broker", format!("gives a token with {left} left"));
            }
        }
    }
}

fn clock(ahead: i64, checks: &mut Checks) {
    if ahead.abs() <= SKEW {
        return checks.ok("clock", "agrees with the git host's");
    }
    let direction = if ahead > 0 { "fast" } else { "slow" };
    checks.broken(
        "clock",
        format!("the local clock is {} {direction}", span(ahead.abs())),
        "set it, for example with NTP; token expiry is corrected for it, TLS is not",
    );
}
