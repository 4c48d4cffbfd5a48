//! The private key: there, readable, of the right kind, and nobody else's to read.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::Patient;
use super::check::Checks;
use super::hint::command;
use super::machine::Machine;
use crate::git::edit::quoted;
use crate::provider::signer;
use crate::settings::KeySource;

/// Checks the key, if there is one.
pub fn examine(patient: &Patient, _machine: &Machine, checks: &mut Checks) {
    let Some(app) = &patient.settings.app else { return };
    match signer::fingerprint(&app.key) {
        Err(error) => return checks.fail("private key", &error),
        Ok(None) => return checks.ok("private key", "kept by a command; tried below"),
        Ok(Some(print)) => checks.ok("private key", format!("fingerprint {print}")),
    }
    let KeySource::File(path) = &app.key else { return };
    let Ok(metadata) = fs::metadata(path) else { return };
    let mode = metadata.mode() & 0o777;
    let hint = command(format!("chmod 600 {}", quoted(&path.to_string_lossy())));
    let path = path.display();
    if mode & 0o007 != 0 {
        checks.broken("private key", format!("everybody may read {path} (mode {mode:03o})"), hint);
    } else if mode & 0o070 != 0 && !is_lent_by_root(metadata.uid(), mode, rustix::process::geteuid().as_raw())
    {
        checks.warn("private key", format!("its group may read {path} (mode {mode:03o})"), hint);
    }
}

/// Whether root lets one group read a file and nothing more, as Kubernetes (`fsGroup`) and systemd (credentials) do: that
/// is how another user can read it at all, and not this user's to change.
fn is_lent_by_root(owner: u32, mode: u32, me: u32) -> bool {
    owner == 0 && me != 0 && mode & 0o077 == 0o040
}

#[cfg(test)]
mod tests {
    use super::is_lent_by_root;

    #[test]
    fn a_file_is_lent_that_another_user_can_read_by_his_group_alone() {
        for (owner, mode, me, lent) in [
            (0, 0o440, 1000, true),
            (0, 0o640, 1000, true),
            (0, 0o460, 1000, false),
            (0, 0o444, 1000, false),
            (0, 0o440, 0, false),
            (1000, 0o440, 1000, false),
            (1001, 0o440, 1000, false),
        ] {
            assert_eq!(is_lent_by_root(owner, mode, me), lent, "{owner} {mode:o} {me}");
        }
    }
}
