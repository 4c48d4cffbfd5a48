//! The private key: present, readable, of the right kind, and readable by nobody else.

use std::fs;

use crate::commands::doctor::Examined;
use crate::commands::doctor::check::Checks;
use crate::commands::doctor::hint::command;
use crate::commands::doctor::machine::Machine;
use crate::platform::private_files::{self, Readers};
use crate::platform::shell::quoted;
use crate::tokens::config::KeySource;
use crate::tokens::github::signer;

/// Checks the key, if there is one.
pub fn examine(examined: &Examined, _machine: &Machine, checks: &mut Checks) {
    let Some(app) = &examined.settings.app else { return };
    match signer::fingerprint(&app.key) {
        Err(error) => {
            examined.key_fails.set(true);
            return checks.fail("private key", &error);
        }
        Ok(None) => return checks.ok("private key", "provided by a command; tested below"),
        Ok(Some(print)) => checks.ok("private key", format!("fingerprint {print}")),
    }
    let KeySource::File(path) = &app.key else { return };
    let Ok(metadata) = fs::metadata(path) else { return };
    let hint = command(private_files::remedy(&quoted(&path.to_string_lossy())));
    let readers = private_files::readers(path, &metadata);
    let path = path.display();
    match readers {
        Readers::Owner => {}
        Readers::Group(rights) => {
            checks.warn("private key", format!("its group may read {path} ({rights})"), hint);
        }
        Readers::Everyone(rights) => {
            checks.broken("private key", format!("everybody may read {path} ({rights})"), hint);
        }
    }
}
