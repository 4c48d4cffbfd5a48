//! The App and its installations: whether key and issuer belong together, where it is installed, and whether it has the
//! permissions that git needs.

use crate::commands::doctor::Examined;
use crate::commands::doctor::check::Checks;
use crate::commands::doctor::machine::Machine;
use crate::session::ask_or_default;
use crate::tokens::error::escape;
use crate::tokens::github::as_app::App;
use crate::tokens::github::inspect::Details;
use crate::tokens::http::Client;
use crate::tokens::scope::{self, Repository, Scope};

/// How many installations are checked.
const LOOKED_AT: usize = 20;
/// How many installations GitHub lists per page. For an App with more, this check cannot tell where it is not
/// installed.
const LISTED: usize = 100;

/// Checks the App, if its key is configured and can be used.
pub fn examine(examined: &Examined, machine: &Machine, checks: &mut Checks) {
    let settings = &examined.settings;
    let Some(identity) = settings.app.as_ref().filter(|_| !examined.key_fails.get()) else { return };
    let client = Client::new(&settings.network, examined.deadline, examined.report.notes).once();
    let app = App::new(settings, identity, client, examined.report.notes);
    match app.identity() {
        Err(error) => return checks.fail("App", &error),
        Ok(known) => checks.ok("App", format!("{} is App {}", escape(&known.slug), escape(&identity.issuer))),
    }
    let mut ask = ask_or_default(settings);
    let is_single = identity.installation_id.is_some() || ask.scope.owner.is_some();
    if let Some(target) = examined.target {
        ask.scope = Scope::new(Some(&target.repository.owner), &[], &settings.permissions);
    }
    let is_named = is_single || examined.target.is_some();
    if is_named {
        match app.inspect(&ask) {
            Err(error) => checks.fail("installation", &error),
            Ok(details) => judge(&details, &ask.scope, checks),
        }
    }
    if is_single {
        return;
    }
    match app.installations() {
        // The installation in use was checked above; the list only tells whether git must send the owner.
        Ok(all) if is_named => examined.several_owners.set(all.len() > 1),
        Err(_) if is_named => {}
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
                checks.ok("installation", format!("not checked: {} more", all.len() - LOOKED_AT));
            }
            examined.several_owners.set(all.len() > 1);
            owner_of_clone(examined, machine, &all, checks);
        }
    }
}

/// Whether the owner of this clone has the App: for others the helper does not answer.
fn owner_of_clone(examined: &Examined, machine: &Machine, all: &[Details], checks: &mut Checks) {
    let path = machine.path_at(&examined.settings.host).filter(|_| all.len() < LISTED);
    let Some(Repository { owner, .. }) = path.and_then(|path| Repository::from_path(path.as_bytes())) else {
        return;
    };
    let is_owner = |details: &Details| details.owner().is_some_and(|name| name.eq_ignore_ascii_case(&owner));
    if !all.iter().any(is_owner) {
        checks.warn(
            "installation",
            format!("the App is not installed for {owner}, the owner of this clone: the helper does not answer here"),
            "an owner of that account can install it from the App's public page",
        );
    }
}

/// Compares what an installation grants with what the settings ask for and git needs.
fn judge(details: &Details, scope: &Scope, checks: &mut Checks) {
    let (owner, page) = (escape(details.owner().unwrap_or("an unknown owner")), escape(details.page()));
    if details.is_suspended() {
        let message = format!("the installation on {owner} is suspended");
        return checks.broken("installation", message, format!("an owner must unsuspend it at {page}"));
    }
    let contents = details.permissions.get("contents").map(String::as_str);
    let grant = format!("request it on the App's settings page, then let an owner accept it: {page}");
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
