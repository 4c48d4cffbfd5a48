//! gh's login, and the variables that shadow it.

use super::Patient;
use super::check::Checks;
use crate::gh::Gh;
use crate::http::{Call, Client};
use crate::secret::Secret;
use crate::settings::programs;

/// Checks the tokens that gh would use.
pub fn examine(patient: &Patient, checks: &mut Checks) {
    let host = &patient.settings.host;
    let shadowing = programs::shadowing_tokens(host).unwrap_or_default();
    for (name, token) in &shadowing {
        if is_dead(patient, token) {
            checks.broken(
                "gh",
                format!("{name} holds a dead token, and gh takes it before any login"),
                format!("unset {name}, or run gh through exec"),
            );
        } else {
            checks.warn(
                "gh",
                format!("{name} is set, and gh takes it before any login"),
                format!("unset {name} to let refresh --gh keep gh going"),
            );
        }
    }
    let Ok(gh) = Gh::new(host, patient.deadline) else { return };
    let Ok((major, minor)) = gh.version() else {
        return checks.ok("gh", "not installed");
    };
    match gh.stored_token() {
        Err(failure) => checks.fail("gh", &failure.into()),
        Ok(None) => checks.ok("gh", format!("version {major}.{minor}, without a login for {}", host.name)),
        Ok(Some(token)) if is_dead(patient, &token) => checks.broken(
            "gh",
            format!("its login for {} is dead", host.name),
            "git-credential-github-app refresh --gh, and from cron or a timer every half an hour",
        ),
        Ok(Some(_)) => checks.ok("gh", format!("version {major}.{minor}, logged in to {}", host.name)),
    }
}

/// Whether GitHub itself refuses a token; where it cannot be asked, the benefit of the doubt.
fn is_dead(patient: &Patient, token: &Secret) -> bool {
    let settings = &patient.settings;
    let client = Client::new(&settings.network, patient.deadline, patient.report).impatient();
    let call = Call::to_github("GET", format!("{}/rate_limit", settings.api_url), token);
    client.probe(&call).is_ok_and(|answer| answer.status == 401 && answer.is_githubs_refusal())
}
