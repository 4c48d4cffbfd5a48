//! What goes wrong between us and a server, in words: network, proxy, certificate, and answers that are worth another
//! try but did not get better.

use super::retry::Advice;
use super::{Answer, Call, proxy};
use crate::clock;
use crate::error::{Failure, Kind, escape};

/// A failure, and whether another try within this command can help.
pub struct Trouble {
    /// What is reported if nothing helps.
    pub failure: Failure,
    /// What is wrong now will be wrong in a second: a certificate, a setting, a proxy's policy.
    pub lasting: bool,
}

impl Trouble {
    /// Trouble that another try cannot mend.
    pub fn lasting(failure: Failure) -> Self {
        Self { failure, lasting: true }
    }

    /// An answer that asks for another try.
    pub fn of_status(call: &Call, answer: &Answer, advice: Advice) -> Self {
        let message = if call.who == "GitHub" { escape(&answer.message()) } else { String::new() };
        let message = if message.is_empty() { message } else { format!(": {message}") };
        let failure =
            Failure::new(Kind::Temporary, format!("{} answered {}{message}", call.who, answer.status));
        let failure = match advice {
            Advice::BackOff => failure.hint("try again later"),
            Advice::Wait(seconds) => {
                failure.hint(format!("wait until {}", clock::rfc3339(clock::now() + seconds)))
            }
        };
        Self { failure, lasting: false }
    }

    /// No answer.
    pub fn of_transport(call: &Call, url: &str, through: Option<&ureq::Proxy>, error: &ureq::Error) -> Self {
        let place = escape(&url.split('/').take(3).collect::<Vec<_>>().join("/"));
        let cause = escape(&error.to_string());
        if matches!(error, ureq::Error::BodyExceedsLimit(_)) {
            let message = format!("the answer of {} is larger than 4 MiB", call.who);
            return Self::lasting(Failure::new(Kind::Other, message));
        }
        if matches!(error, ureq::Error::Http(_) | ureq::Error::BadUri(_) | ureq::Error::Protocol(_)) {
            let message = format!("{} at {place} does not speak HTTP as expected: {cause}", call.who);
            return Self::lasting(Failure::new(Kind::Other, message));
        }
        let way = through.map(|proxy| format!(" through the proxy {}", proxy::name(proxy)));
        let message = format!("cannot reach {} at {place}{}: {cause}", call.who, way.unwrap_or_default());
        let failure = Failure::new(Kind::Temporary, message);
        if let Some(hint) = proxy::hint(error) {
            return Self::lasting(failure.hint(hint));
        }
        if cause.contains("certificate") {
            return Self::lasting(failure.hint("if the server's certificate comes from a private CA, add that CA to the system's, or name its PEM file in SSL_CERT_FILE (Linux)"));
        }
        let failure = failure.hint(
            "check the network, the proxy settings (HTTPS_PROXY, NO_PROXY) and the URL, then try again",
        );
        Self { failure, lasting: false }
    }
}
