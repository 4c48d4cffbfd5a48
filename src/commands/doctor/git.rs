//! git itself, its configuration for our host, and a real connection to a repository.

use super::Patient;
use super::check::Checks;
use crate::error::escape;
use crate::git::{self, wiring::Wiring};
use crate::scope::Repository;

/// The versions that brought what tokens profit from.
const LACKS: [((u32, u32), &str); 2] = [
    ((2, 40), "does not know when a token expires (2.40 does)"),
    ((2, 46), "gets a new token for a dead one at the next command only (2.46 does in the same)"),
];

/// Checks version, configuration and, where one is named, a repository.
pub fn examine(
    patient: &Patient,
    repository: Option<&Repository>,
    several_owners: bool,
    checks: &mut Checks,
) {
    match git::version(patient.deadline) {
        Err(failure) => return checks.fail("git", &failure.into()),
        Ok((major, minor)) => {
            let lacks = LACKS.iter().filter(|(since, _)| (major, minor) < *since).map(|(_, what)| *what);
            let lacks = lacks.collect::<Vec<_>>().join(" and ");
            let comma = if lacks.is_empty() { "" } else { "; it " };
            checks.ok("git", format!("version {major}.{minor}{comma}{lacks}"));
        }
    }
    match git::configuration(None, patient.deadline) {
        Err(failure) => checks.fail("git configuration", &failure.into()),
        Ok(entries) => {
            let path = repository.map(|repository| format!("{}/{}", repository.owner, repository.name));
            let wiring = Wiring::of(&entries, &patient.settings.host.url(), path.as_deref());
            helpers(patient, &wiring, checks);
            use_http_path(patient, &wiring, several_owners, checks);
            obstacles(&wiring, checks);
        }
    }
    if let Some(repository) = repository {
        ls_remote(patient, repository, checks);
    }
}

fn helpers(patient: &Patient, wiring: &Wiring, checks: &mut Checks) {
    let name = "git configuration";
    let host_url = patient.settings.host.url();
    let gh = wiring.helpers.iter().find(|helper| helper.is_gh());
    let set_up = "git-credential-github-app setup puts it there";
    match (wiring.ours(), &wiring.reset_after_us, gh) {
        (None, _, Some(gh)) => {
            let message = format!("gh auth setup-git has taken the helper's place in {}", escape(&gh.origin));
            checks.broken(name, message, format!("{set_up} again"));
        }
        (None, Some(origin), _) => {
            let message =
                format!("an empty helper line in {} comes after ours and takes it out", escape(origin));
            checks.broken(name, message, "remove that line, or add the helper after it");
        }
        (None, None, _) => {
            checks.broken(name, format!("the helper is not configured for {host_url}"), set_up);
        }
        (Some(0), ..) => {
            let origin = escape(&wiring.helpers[0].origin);
            checks.ok(name, format!("the helper is asked first for {host_url} ({origin})"));
            if let Some(next) = wiring.helpers.get(1) {
                let command = escape(&next.name());
                checks.warn(
                    name,
                    format!("the helper {command} comes after ours and is handed a copy of each token"),
                    format!("an empty helper line after it, then ours: {set_up}"),
                );
            }
        }
        (Some(_), ..) => {
            let first = &wiring.helpers[0];
            let (command, origin) = (escape(&first.name()), escape(&first.origin));
            checks.broken(
                name,
                format!("the helper {command} ({origin}) is asked before ours and may answer first"),
                format!("an empty helper line before ours: {set_up}"),
            );
        }
    }
}

fn use_http_path(patient: &Patient, wiring: &Wiring, several_owners: bool, checks: &mut Checks) {
    let settings = &patient.settings;
    let needed = settings.per_repository || several_owners;
    let useful =
        settings.app.as_ref().is_some_and(|app| app.installation_id.is_none()) && settings.owner.is_none();
    if wiring.use_http_path || wiring.ours().is_none() || !(needed || useful) {
        return;
    }
    let hint = format!("git config --global credential.{}.useHttpPath true", settings.host.url());
    if needed {
        checks.broken(
            "git configuration",
            "useHttpPath is off, so git does not say whose repository it wants",
            hint,
        );
    } else {
        checks.warn(
            "git configuration",
            "useHttpPath is off: a second owner of the App could not be told from the first",
            hint,
        );
    }
}

fn obstacles(wiring: &Wiring, checks: &mut Checks) {
    for origin in &wiring.extra_headers {
        let origin = escape(origin);
        checks.broken(
            "git configuration",
            format!("an http.extraHeader with Authorization in {origin} beats every helper"),
            "remove it: git config --get-regexp --show-origin extraheader names it (actions/checkout leaves one behind)",
        );
    }
    if let Some(target) = &wiring.rewritten {
        checks.broken(
            "git configuration",
            format!(
                "an insteadOf rule leads this host's https URLs to {}, where no helper is asked",
                escape(target)
            ),
            "remove it: git config --get-regexp --show-origin insteadof names it",
        );
    }
}

/// The real thing: what a clone would do, as far as the list of branches.
fn ls_remote(patient: &Patient, repository: &Repository, checks: &mut Checks) {
    let Repository { owner, name } = repository;
    let url = format!("{}/{owner}/{name}", patient.settings.host.url());
    match git::run_with_helpers(&["ls-remote", "--quiet", &url, "HEAD"], patient.deadline) {
        Err(failure) => checks.fail("repository", &failure.into()),
        Ok(outcome) if outcome.status.success() => {
            checks.ok("repository", format!("git reads {owner}/{name}"));
        }
        Ok(outcome) => {
            let text = String::from_utf8_lossy(&outcome.stderr).into_owned();
            let own = "git-credential-github-app: ";
            let line = text.lines().find(|line| line.starts_with(own));
            let line = line.or_else(|| text.lines().find(|line| line.starts_with("remote: ")));
            let line = line.or_else(|| text.lines().next()).unwrap_or("it gave no reason");
            let line = escape(line.trim_start_matches(own).trim_start_matches("remote: "));
            checks.broken(
                "repository",
                format!("git cannot read {owner}/{name}: {line}"),
                "check that the installation includes it, and the failures above",
            );
        }
    }
}
