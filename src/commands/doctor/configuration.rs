//! What git's configuration means for a host: whether git asks the helper, asks it first, asks only it, and sends what
//! it needs.

use crate::commands::doctor::check::Checks;
use crate::commands::doctor::hint::{Hints, command};
use crate::commands::doctor::machine::Machine;
use crate::commands::doctor::{Examined, Subject, helper_lines, obstacle};
use crate::platform::paths::GIT_NEEDS_HOME;
use crate::platform::shell;
use crate::programs::git::{self, ConfigEntry, edit, helper::Helper, wiring::Wiring};
use crate::settings::{dirs, other_programs};
use crate::tokens::error::escape;

const NAME: &str = "git configuration";

/// Checks the lines for the host.
pub fn examine(examined: &Examined, machine: &Machine, checks: &mut Checks) {
    if machine.entries.is_err() {
        return;
    }
    let host = &examined.settings.host;
    let host_url = host.url();
    let path = examined.target.map(Subject::path).or_else(|| machine.path_at(host));
    let wiring = Wiring::of(machine.entries(), &host_url, path.as_deref());
    helpers(examined, machine, &wiring, checks);
    use_http_path(examined, &wiring, checks);
    username(&wiring, checks);
    headers(&wiring, checks);
    verification(&host_url, machine, checks);
}

fn helpers(examined: &Examined, machine: &Machine, wiring: &Wiring, checks: &mut Checks) {
    let host_url = examined.settings.host.url();
    let set_up = |origin: &str| command(set_up(examined, machine, origin));
    let gh = wiring.helpers.iter().find(|helper| helper.is_gh());
    match (wiring.ours(), &wiring.reset_after_us, gh) {
        (None, _, Some(gh)) => {
            let message = format!("gh auth setup-git has replaced the helper in {}", escape(&gh.origin));
            checks.broken(NAME, message, set_up(&gh.origin));
        }
        (None, Some(reset), _) => {
            let message = format!("an empty helper line in {} cancels ours", escape(&reset.origin));
            checks.broken(NAME, message, command(reset.removal()));
        }
        (None, None, _) => {
            let (message, hints) = without_home(examined, machine)
                .unwrap_or_else(|| (format!("the helper is not configured for {host_url}"), set_up("/")));
            checks.broken(NAME, message, hints);
        }
        (Some(0), ..) => {
            let ours = &wiring.helpers[0];
            if helper_lines::is_sound(machine, ours) {
                let origin = escape(&ours.origin);
                checks.ok(NAME, format!("the helper is asked first for {host_url} ({origin})"));
            }
            if let Some(next) = wiring.helpers.get(1) {
                let message = format!(
                    "the helper {} comes after ours and gets a copy of each token",
                    escape(&next.name())
                );
                checks.warn(NAME, message, command(removal(next)).and("or move that line above ours"));
            }
        }
        (Some(_), ..) => {
            let first = &wiring.helpers[0];
            let (name, origin) = (escape(&first.name()), escape(&first.origin));
            let message = format!("the helper {name} ({origin}) is asked before ours and may answer first");
            checks.broken(NAME, message, set_up(&first.origin));
        }
    }
}

/// The `setup` command for the deciding file: git reads the clone's own configuration last.
fn set_up(examined: &Examined, machine: &Machine, origin: &str) -> String {
    // Without a name, `setup` could not tell which of several profiles is meant.
    let profile = examined.profile.map(|name| format!(" --profile {name}")).unwrap_or_default();
    let local = if edit::is_local(origin) { " --local" } else { "" };
    format!("{} setup{profile}{local}", machine.me)
}

fn removal(helper: &Helper) -> String {
    let Helper { command, origin, key } = helper.clone();
    ConfigEntry { key, value: command, origin }.removal()
}

/// Without `HOME`, git reads no configuration of the user. `setup` would find the home directory in the user database
/// and write a file that git does not read.
fn without_home(examined: &Examined, machine: &Machine) -> Option<(String, Hints)> {
    let names = ["HOME", "GIT_CONFIG_GLOBAL"];
    if !GIT_NEEDS_HOME || names.iter().any(|name| other_programs::variable(name).is_some()) {
        return None;
    }
    let (Some(home), Ok(Some(file))) = (dirs::home(), other_programs::git_global_file()) else {
        let message = "HOME is not set, so git reads no configuration of yours".to_owned();
        return Some((message, "set HOME for git and for this program, then run setup".into()));
    };
    let host_url = examined.settings.host.url();
    let export = shell::set("HOME", &home.to_string_lossy());
    let entries = git::configuration(Some(&file), machine.deadline).unwrap_or_default();
    if Wiring::of(&entries, &host_url, None).ours().is_some() {
        let message =
            format!("HOME is not set, so git does not read {}, which has the helper", file.display());
        return Some((message, command(export)));
    }
    let message = format!("HOME is not set, and the helper is not configured for {host_url}");
    Some((message, command(shell::then(&export, &set_up(examined, machine, "/")))))
}

fn use_http_path(examined: &Examined, wiring: &Wiring, checks: &mut Checks) {
    let settings = &examined.settings;
    let needed = settings.per_repository || examined.several_owners.get();
    let useful =
        settings.app.as_ref().is_some_and(|app| app.installation_id.is_none()) && settings.owner.is_none();
    if wiring.use_http_path || wiring.ours().is_none() || !(needed || useful) {
        return;
    }
    let hint = match &wiring.http_path_line {
        Some(line) => line.change("true"),
        None => format!("git config --global credential.{}.useHttpPath true", settings.host.url()),
    };
    if needed {
        let message = "useHttpPath is off, so git does not say whose repository it wants";
        checks.broken(NAME, message, command(hint));
    } else {
        let message = "useHttpPath is off: with a second installation, owners cannot be told apart";
        checks.warn(NAME, message, command(hint));
    }
}

/// A user name that git adds to every request from its configuration makes each a person's request.
fn username(wiring: &Wiring, checks: &mut Checks) {
    let Some(line) = wiring.username.as_ref().filter(|line| obstacle::is_person(&line.value)) else { return };
    let message =
        format!("git sends a user name of its own ({}), so the helper does not answer", escape(&line.origin));
    checks.broken(NAME, message, command(line.removal()));
}

fn headers(wiring: &Wiring, checks: &mut Checks) {
    for line in &wiring.extra_headers {
        let origin = escape(&line.origin);
        checks.broken(
            NAME,
            format!("an http.extraHeader with Authorization in {origin} overrides every helper"),
            command(line.removal())
                .and("actions/checkout leaves one behind unless persist-credentials is false"),
        );
    }
}

/// git would send the token to any server that answers.
fn verification(host_url: &str, machine: &Machine, checks: &mut Checks) {
    let message =
        "git does not check the host's certificate: anybody on the network path can steal the token";
    if other_programs::variable("GIT_SSL_NO_VERIFY").is_some() {
        return checks.broken(NAME, message, command(shell::unset(&["GIT_SSL_NO_VERIFY"])));
    }
    let is_off =
        |value: &str| matches!(value.to_ascii_lowercase().as_str(), "false" | "no" | "off" | "0" | "");
    let mut lines = machine.entries().iter().filter(|line| line.key.ends_with(".sslverify"));
    let Some(line) = lines.rfind(|line| is_off(&line.value)).filter(|_| host_url.starts_with("https:"))
    else {
        return;
    };
    let value = git::value_for("http.sslVerify", &format!("{host_url}/"), machine.deadline);
    if value.is_some_and(|value| is_off(&value)) {
        checks.broken(NAME, message, command(line.removal()));
    }
}
