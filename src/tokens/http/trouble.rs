//! What goes wrong between us and a server, in words: network, proxy, certificate, and answers that are worth another
//! try but did not get better.

use crate::platform::{bounds, clock};
use crate::tokens::error::{Failure, Kind, escape};
use crate::tokens::http::retry::{self, Advice};
use crate::tokens::http::{Answer, Call, proxies, proxy};

const CHECK_URL: &str = "check that the URL, its scheme and its port lead to the API itself, not to a proxy or to another service";

/// A failure, and whether another try within this command can help.
pub struct Trouble {
    /// What is reported if nothing helps.
    pub failure: Failure,
    /// A retry cannot help: a certificate, a setting, a proxy's policy.
    pub lasting: bool,
}

impl Trouble {
    /// Trouble that another try cannot fix.
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
            Advice::BackOff if answer.status == 429 => failure.after(retry::UNTOLD).hint("try again later"),
            Advice::BackOff => failure.hint("try again later"),
            Advice::Wait(seconds) => {
                failure.after(seconds).hint(format!("wait until {}", clock::rfc3339(clock::now() + seconds)))
            }
        };
        Self { failure, lasting: false }
    }

    /// No answer.
    pub fn of_transport(call: &Call, url: &str, through: Option<&ureq::Proxy>, error: &ureq::Error) -> Self {
        if let ureq::Error::Other(cause) = error
            && let Some(failure) = cause.downcast_ref::<Failure>()
        {
            return Self::lasting(failure.clone());
        }
        let place = escape(&url.split('/').take(3).collect::<Vec<_>>().join("/"));
        let cause = escape(&error.to_string());
        if matches!(error, ureq::Error::BodyExceedsLimit(_)) {
            let message = format!("the answer of {} is larger than {}", call.who, bounds::MOST_IN_WORDS);
            return Self::lasting(Failure::new(Kind::Other, message).hint(CHECK_URL));
        }
        if is_no_http(error) {
            let message = format!("{} at {place} does not speak HTTP as expected: {cause}", call.who);
            return Self::lasting(Failure::new(Kind::Other, message).hint(CHECK_URL));
        }
        let way = through.map(|proxy| format!(" through the proxy {}", proxies::name(proxy)));
        let message = format!("cannot reach {} at {place}{}: {cause}", call.who, way.unwrap_or_default());
        let failure = Failure::new(Kind::Temporary, message);
        if let Some(hint) = proxy::hint(error) {
            return Self::lasting(failure.hint(hint));
        }
        if cause.contains("certificate") {
            return Self::lasting(failure.hint(certificate_hint(&cause)));
        }
        let failure = failure.hint(
            "check the network, the proxy settings (--proxy, HTTPS_PROXY, NO_PROXY) and the URL, then try again",
        );
        Self { failure, lasting: false }
    }
}

/// Whether there was an answer that is not HTTP.
fn is_no_http(error: &ureq::Error) -> bool {
    use ureq::Error::{BadUri, Http, LargeResponseHeader, Protocol};
    matches!(error, Http(_) | BadUri(_) | Protocol(_) | LargeResponseHeader(..))
}

/// What to do about a certificate, by rustls' words for what is wrong with it.
fn certificate_hint(cause: &str) -> &'static str {
    if cause.contains("not valid for name") {
        return "check the host in the URL, and whether a proxy or captive portal answers in its place";
    }
    if cause.contains("expired") || cause.contains("not valid yet") {
        return "check this machine's clock; if it is right, the server's certificate has to be replaced";
    }
    if cause.contains("CaUsedAsEndEntity") {
        return "the server shows a CA's own certificate, as openssl req -x509 makes them; it needs one with basicConstraints CA:FALSE";
    }
    "if the server's certificate comes from a private CA, add that CA to the system's, or name its PEM file with --ca-file or GITHUB_APP_CA_FILE"
}
