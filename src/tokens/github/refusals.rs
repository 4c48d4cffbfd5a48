//! What GitHub's refusals mean, and what to do about each. Messages are matched by their beginning, statuses decide
//! where none fits (<https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api>).

use serde::Deserialize;

use crate::platform::clock;
use crate::tokens::error::{Failure, Kind, escape};
use crate::tokens::github::api::Api;
use crate::tokens::github::jwt;
use crate::tokens::http::Answer;

/// Reads the JSON of an answer that is no refusal.
pub fn parse<T: for<'de> Deserialize<'de>>(answer: &Answer, api: Api) -> Result<T, Failure> {
    api.check(answer)?;
    serde_json::from_slice(&answer.body)
        .map_err(|_| Failure::new(Kind::Other, "GitHub's answer is not the documented JSON").hint(api.hint()))
}

/// Whether minting was refused because the installation is suspended.
pub fn is_suspended(answer: &Answer) -> bool {
    answer.status == 403 && answer.message().starts_with("This installation has been suspended")
}

/// Whether minting was refused because a permission is not the installation's to give.
pub fn is_unknown_permission(answer: &Answer) -> bool {
    answer.status == 422 && answer.message().starts_with("The permissions requested")
}

/// Whether minting was refused because a repository's name is not one of the installation's.
pub fn is_unknown_repository(answer: &Answer) -> bool {
    answer.status == 422 && answer.message().starts_with("There is at least one repository")
}

/// Whether the App JWT was refused for what most often is a key of another App.
pub fn is_undecoded(answer: &Answer) -> bool {
    answer.status == 401 && answer.message().starts_with("A JSON web token could not be decoded")
}

/// Sentences about a policy, by words in them in lower case, and what to do. They are the same tomorrow.
const POLICIES: [(&str, &str); 7] = [
    (
        "suspended",
        "an owner of the account must unsuspend the App's installation under Settings, Applications",
    ),
    ("ip allow list", "an owner must add this machine's address to the organisation's IP allow list"),
    ("saml", "an owner must let the App through the organisation's single sign-on"),
    ("single sign-on", "an owner must let the App through the organisation's single sign-on"),
    ("correct authorization credentials", "check the App's installation and the policies of its owner"),
    ("forbids access", "check the App's installation and the policies of its owner"),
    ("access blocked", "GitHub has blocked the repository: its owner can ask GitHub's support"),
];

/// What to do about a refusal by policy, if the sentence is one.
pub fn policy(words: &str) -> Option<&'static str> {
    let words = words.to_ascii_lowercase();
    POLICIES.iter().find(|(sign, _)| words.contains(sign)).map(|(_, hint)| *hint)
}

/// What GitHub answered, in its own words and without advice.
pub fn plain(answer: &Answer) -> Failure {
    let message = answer.message();
    let shown = if message.is_empty() { String::new() } else { format!(": {}", escape(&message)) };
    Failure::new(Kind::Refused, format!("GitHub answered {}{shown}", answer.status))
}

/// The clocks differ, and a correction by GitHub's did not help or was not made.
fn of_clock(answer: &Answer, failure: Failure) -> Failure {
    match answer.date() {
        Some(date) if !jwt::is_plausible_offset(date - clock::now()) => {
            let message = format!(
                "{}; its clock says {}, which is more than 24 hours from the local one, so it is not used",
                failure.message,
                clock::rfc3339(date)
            );
            Failure { message, ..failure }
                .hint("set the local clock, for example with NTP; if it is right, something else answers in GitHub's place")
        }
        _ => failure
            .hint("the local clock is off, even when corrected by GitHub's: set it, for example with NTP"),
    }
}

/// Explains an answer to a call that was signed with the App JWT of an issuer.
pub fn explain(answer: &Answer, issuer: &str, api: Api) -> Failure {
    if let Err(another) = api.check(answer) {
        return another;
    }
    let message = answer.message();
    let failure = plain(answer);
    let begins = |start: &str| message.starts_with(start);
    let issuer = escape(issuer);
    match answer.status {
        401 if is_undecoded(answer) => failure.hint(format!(
            "the private key most likely does not belong to App {issuer}: compare the App ID and the key on the App's settings page"
        )),
        401 if jwt::is_clock_message(&message) => of_clock(answer, failure),
        401 if begins("'Issuer'") || begins("Missing 'issuer'") => {
            let failure = failure
                .hint(format!("GitHub does not know the App {issuer}: check GITHUB_APP_CLIENT_ID or --app-id"));
            let numeric = "Enterprise Server up to 3.13 takes the numeric App ID only";
            if api.may_be_server() { failure.hint(numeric) } else { failure }
        }
        401 if begins("Integration must generate a public key") => {
            failure.hint("the App has no private key: generate one on the App's settings page")
        }
        401 => failure.hint("check the App ID, the private key and the API URL"),
        403 => failure
            .hint(policy(&message).unwrap_or("check the App's installation and the policies of its owner")),
        404 => failure
            .hint(format!("check that App {issuer} is installed there, and the installation ID and API URL")),
        422 if is_unknown_permission(answer) => failure.hint(
            "ask for fewer permissions (--permission), or let an owner accept the App's new permissions on its installation page",
        ),
        422 if is_unknown_repository(answer) => failure
            .hint("check the names given to --repository, and that the installation includes these repositories"),
        422 if begins("Too many repositories") => {
            failure.hint("name the repositories (--repository) or ask for fewer permissions")
        }
        422 => failure.hint("check --repository and --permission"),
        200..300 => Failure::new(Kind::Other, format!("unexpected answer from GitHub ({})", answer.status))
            .hint(api.hint()),
        _ => failure.hint(api.hint()),
    }
}
