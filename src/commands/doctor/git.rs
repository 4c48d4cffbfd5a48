//! git itself: installed, its configuration readable, and recent enough for short-lived tokens.

use crate::commands::doctor::check::Checks;
use crate::commands::doctor::machine::Machine;

/// The versions that introduced what short-lived tokens need.
const LACKS: [((u32, u32), &str); 2] = [
    ((2, 40), "does not know when a token expires (2.40 does)"),
    ((2, 46), "replaces a revoked token only in the next command (2.46 does in the same one)"),
];

/// Checks version and configuration.
pub fn examine(machine: &Machine, checks: &mut Checks) {
    match &machine.git {
        Err(failure) => return checks.fail("git", &failure.clone().into()),
        Ok((major, minor)) => {
            let lacks = LACKS.iter().filter(|(since, _)| (*major, *minor) < *since).map(|(_, what)| *what);
            let lacks = lacks.collect::<Vec<_>>().join(" and ");
            let comma = if lacks.is_empty() { "" } else { "; it " };
            checks.ok("git", format!("version {major}.{minor}{comma}{lacks}"));
        }
    }
    if let Err(failure) = &machine.entries {
        checks.fail("git configuration", &failure.clone().into());
    }
}
