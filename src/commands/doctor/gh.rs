//! gh's login, and the variables that override it.

use crate::commands::doctor::Examined;
use crate::commands::doctor::check::Checks;
use crate::commands::doctor::hint::command;
use crate::commands::doctor::machine::Machine;
use crate::platform::process::HAS_TASK_SCHEDULER;
use crate::platform::shell;
use crate::programs::gh::Gh;
use crate::settings::other_programs;
use crate::tokens::http::{Call, Client};
use crate::tokens::secret::Secret;

/// Checks the tokens that gh would use.
pub fn examine(examined: &Examined, machine: &Machine, checks: &mut Checks) {
    let host = &examined.settings.host;
    let shadowing = other_programs::shadowing_tokens(host).unwrap_or_default();
    for (name, token) in &shadowing {
        if is_refused(examined, token) {
            checks.broken(
                "gh",
                format!("GitHub refuses the token in {name}, and gh takes it before any login"),
                command(shell::unset(&[name])).or("run gh by", format!("{} exec -- gh", machine.me)),
            );
        } else {
            checks.warn(
                "gh",
                format!("{name} is set, and gh takes it before any login"),
                command(shell::unset(&[name])).and("so that refresh --gh can keep gh logged in"),
            );
        }
    }
    let Ok(gh) = Gh::new(host, &examined.settings.network, examined.deadline) else { return };
    let Ok((major, minor)) = gh.version() else {
        return checks.ok("gh", "not installed");
    };
    let timer = if HAS_TASK_SCHEDULER { "schtasks" } else { "cron" };
    match gh.stored_token() {
        Err(failure) => checks.fail("gh", &failure.into()),
        Ok(None) => checks.ok("gh", format!("version {major}.{minor}, without a login for {}", host.name)),
        Ok(Some(token)) if is_refused(examined, &token) => checks.broken(
            "gh",
            format!("GitHub refuses its login for {}", host.name),
            command(format!("{} refresh --gh", machine.me))
                .or("do it every 30 minutes", format!("{} setup --timer {timer} --gh", machine.me)),
        ),
        Ok(Some(_)) => checks.ok("gh", format!("version {major}.{minor}, logged in to {}", host.name)),
    }
}

/// Whether GitHub refuses a token. If GitHub cannot be reached, the token gets the benefit of the doubt.
fn is_refused(examined: &Examined, token: &Secret) -> bool {
    let settings = &examined.settings;
    let client = Client::new(&settings.network, examined.deadline, examined.report.notes).once();
    let call = Call::to_github("GET", format!("{}/rate_limit", settings.api_url), token);
    client.probe(&call).is_ok_and(|answer| answer.status == 401 && answer.is_githubs_refusal())
}
