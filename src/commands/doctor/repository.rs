//! The end-to-end check: what a clone would do with the helper, as far as the list of branches.

use crate::commands::doctor::Examined;
use crate::commands::doctor::check::Checks;
use crate::commands::doctor::hint::Hints;
use crate::commands::doctor::machine::Machine;
use crate::programs::git;
use crate::tokens::error::{HINT, OURS, escape};

const NAME: &str = "repository";

/// Lets git list the repository that `--repo` names. If git does not reach the host, or the helper cannot use its only
/// key, an earlier check has said so.
pub fn examine(examined: &Examined, _machine: &Machine, checks: &mut Checks) {
    let has_source = examined.settings.broker.is_some() || !examined.key_fails.get();
    let Some(target) = examined.target.filter(|_| examined.git_reaches.get() && has_source) else { return };
    let (path, host) = (target.path(), &examined.settings.host);
    let url = format!("{}/{path}", host.url());
    let outcome = match git::run_with_helpers(&["ls-remote", "--quiet", &url, "HEAD"], examined.deadline) {
        Err(failure) => return checks.fail(NAME, &failure.into()),
        Ok(outcome) if outcome.status.success() => return checks.ok(NAME, format!("git reads {path}")),
        Ok(outcome) => outcome,
    };
    let text = String::from_utf8_lossy(&outcome.stderr).into_owned();
    let find = |beginning: &str| text.lines().find_map(|line| line.strip_prefix(beginning));
    let own = find(OURS);
    let line = own.or_else(|| find("remote: ")).or_else(|| find("fatal: ")).or_else(|| text.lines().next());
    let message = format!(
        "git cannot read {path}: {}",
        escape(line.unwrap_or("it gave no reason").trim_start_matches("warning: "))
    );
    let own_hints: Vec<String> =
        text.lines().filter_map(|line| line.strip_prefix(HINT)).map(escape).collect();
    let hints = if own.is_some() && !own_hints.is_empty() {
        Hints::from(own_hints)
    } else if checks.have_failed() {
        Hints::from("fix the failures above first")
    } else {
        Hints::from(format!(
            "check the name, and that the installation on {} includes it",
            target.repository.owner
        ))
    };
    checks.broken(NAME, message, hints);
}
