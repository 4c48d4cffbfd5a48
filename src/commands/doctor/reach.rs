//! git's own connection to the host: its proxies and trusted certificates are not this program's.

use crate::commands::doctor::check::Checks;
use crate::commands::doctor::hint::{Hints, command};
use crate::commands::doctor::machine::Machine;
use crate::commands::doctor::{Examined, Subject, rewrites};
use crate::platform::shell::{self, quoted};
use crate::programs::git;
use crate::settings::other_programs;
use crate::tokens::config::Config;
use crate::tokens::error::escape;

const NAME: &str = "git network";
/// What git and its TLS libraries print if they do not trust a certificate, or cannot read the file of trusted ones.
const UNTRUSTED: [&str; 4] = ["certificate", "CAfile", "ca cert", "CA cert"];
/// What they print about a certificate that no other CA file would fix.
const INVALID: [&str; 4] = ["does not match", "not match target", "expired", "not yet valid"];

/// Lets git ask for a repository without any helper: it is enough that the host asks for a user name.
pub fn examine(examined: &Examined, machine: &Machine, checks: &mut Checks) {
    let host = &examined.settings.host;
    let path = examined.target.map_or_else(|| "git-credential-github-app/doctor".to_owned(), Subject::path);
    let url = format!("{}/{path}", host.url());
    let is_worth_it = examined.reaches.get() || examined.target.is_some();
    if machine.git.is_err() || !is_worth_it || rewrites::leads_away(&url, host, machine) {
        return;
    }
    let arguments = ["-c", "credential.helper=", "ls-remote", "--quiet", &url, "HEAD"];
    let outcome = match git::run(&arguments, machine.deadline) {
        Err(failure) => return checks.fail(NAME, &failure.into()),
        Ok(outcome) => outcome,
    };
    let text = String::from_utf8_lossy(&outcome.stderr);
    // fatal: unable to access 'https://HOST/o/r/': REASON
    let reason = text.lines().find_map(|line| line.split_once("unable to access '")?.1.split_once("': "));
    // Any HTTP status came over a connection that git trusts.
    let reason = reason.map(|(_, reason)| reason).filter(|reason| !reason.contains("returned error"));
    let Some(reason) = reason else {
        examined.git_reaches.set(true);
        return checks.ok(NAME, format!("git reaches {}", host.name));
    };
    let message = format!("git cannot reach {}: {}", host.name, escape(reason));
    let says = |signs: &[&str]| signs.iter().any(|sign| reason.contains(sign));
    let hints = if says(&INVALID) {
        Hints::from(
            "check the host and this machine's clock; if both are right, its certificate must be replaced",
        )
    } else if says(&UNTRUSTED) {
        trust(examined, machine)
    } else {
        command("git config --show-origin --get-regexp proxy")
            .and("git has its own network settings; these and HTTPS_PROXY decide which proxy it uses")
    };
    checks.broken(NAME, message, hints);
}

/// The command that tells git about a CA, for the setting that is in effect, with the CA file of this program if there
/// is one.
fn trust(examined: &Examined, machine: &Machine) -> Hints {
    let Config { host, network, .. } = &examined.settings;
    let known = network.roots.file.as_ref().map(|named| &named.value).filter(|file| file.is_file());
    let file = known.map_or_else(|| "FILE".to_owned(), |file| file.to_string_lossy().into_owned());
    let key = format!("http.{}/.sslCAInfo", host.url());
    let line = machine.entries().iter().rfind(|entry| entry.key.eq_ignore_ascii_case(&key));
    let hints = command(match line {
        _ if other_programs::variable("GIT_SSL_CAINFO").is_some() => shell::set("GIT_SSL_CAINFO", &file),
        Some(line) => line.change(&file),
        None => format!("git config --global {key} {}", quoted(&file)),
    });
    if known.is_some() { hints } else { hints.and("FILE must hold the CA's certificate as PEM") }
}
