//! The App and its installations: do key and issuer belong together, is it installed, and may it do what git needs.

use super::Patient;
use super::check::Checks;
use crate::commands::provide::ask_or_default;
use crate::error::escape;
use crate::http::Client;
use crate::provider::app::App;
use crate::provider::inspect::Details;
use crate::scope::{self, Repository, Scope};

/// How many installations are looked at; an App has few or very many.
const LOOKED_AT: usize = 20;

/// Checks the App, if its key is configured. Returns whether the path must tell several owners apart.
pub fn examine(patient: &Patient, repository: Option<&Repository>, checks: &mut Checks) -> bool {
    let settings = &patient.settings;
    let Some(identity) = &settings.app else { return false };
    let client = Client::new(&settings.network, patient.deadline, patient.report).impatient();
    let app = App::new(settings, identity, client, patient.report);
    match app.identity() {
        Err(error) => {
            checks.fail("App", &error);
            return false;
        }
        Ok(known) => checks.ok("App", format!("{} is App {}", escape(&known.slug), escape(&identity.issuer))),
    }
    let mut ask = ask_or_default(settings);
    if let Some(Repository { owner, .. }) = repository {
        ask.scope = Scope::new(Some(owner), &[], &settings.permissions);
    }
    if identity.installation_id.is_some() || ask.scope.owner.is_some() {
        match app.inspect(&ask) {
            Err(error) => checks.fail("installation", &error),
            Ok(details) => judge(&details, &ask.scope, checks),
        }
        return false;
    }
    match app.installations() {
        Err(error) => checks.fail("installation", &error),
        Ok(all) if all.is_empty() => checks.broken(
            "installation",
            "the App is not installed anywhere",
            "install it on an account from the App's settings page, Install App",
        ),
        Ok(all) => {
            for details in all.iter().take(LOOKED_AT) {
                judge(details, &ask.scope, checks);
            }
            if all.len() > LOOKED_AT {
                checks.ok("installation", format!("{} more are not looked at", all.len() - LOOKED_AT));
            }
            return all.len() > 1;
        }
    }
    false
}

/// What an installation grants, against what the settings ask for and what git needs.
fn judge(details: &Details, scope: &Scope, checks: &mut Checks) {
    let (owner, page) = (escape(details.owner().unwrap_or("an unknown owner")), escape(details.page()));
    if details.is_suspended() {
        let message = format!("the installation on {owner} is suspended");
        return checks.broken("installation", message, format!("an owner must unsuspend it at {page}"));
    }
    let contents = details.permissions.get("contents").map(String::as_str);
    let grant = format!("let the App ask for it on its settings page, and an owner accept it at {page}");
    match contents {
        None => {
            let message = format!("{owner} does not grant the permission contents, which git needs");
            return checks.broken("permissions", message, grant);
        }
        Some("read") => {
            checks.warn(
                "permissions",
                format!("{owner} grants contents=read: git push is refused"),
                grant.clone(),
            );
        }
        Some(_) => checks.ok("installation", format!("{owner} has the App, with contents=write")),
    }
    let missing = scope::missing_permissions(&scope.permissions, &details.permissions);
    if !missing.is_empty() {
        let message = format!("{owner} does not grant what --permission asks for: {}", missing.join(", "));
        checks.broken("permissions", message, format!("ask for less, or {grant}"));
    } else if !details.permissions.contains_key("workflows") {
        checks.warn(
            "permissions",
            format!("{owner} does not grant workflows: a push that changes .github/workflows is refused"),
            grant,
        );
    }
}
