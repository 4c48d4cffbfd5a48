//! The cache: accessible only to us, and writable.

use anyhow::Context;

use crate::commands::doctor::Examined;
use crate::commands::doctor::check::Checks;
use crate::commands::doctor::machine::Machine;
use crate::tokens::cache::disk::Cache;
use crate::tokens::error::{Failure, Kind};

/// Checks the cache directory.
pub fn examine(examined: &Examined, _machine: &Machine, checks: &mut Checks) {
    let Some(dir) = &examined.settings.cache_dir else {
        let (why, hint) = if examined.settings.no_cache {
            ("it is switched off", "remove --no-cache (no_cache in the settings file)")
        } else {
            ("there is no home directory for it", "set HOME, or name a directory with GITHUB_APP_CACHE_DIR")
        };
        return checks.warn("cache", format!("{why}: every git command fetches a new token"), hint);
    };
    let checked = Cache::open(dir).and_then(|cache| cache.check_writable());
    let checked = checked
        .map_err(|error| {
            let hint = "make it accessible only to you, or choose another with GITHUB_APP_CACHE_DIR";
            Failure::new(Kind::Settings, error.to_string()).hint(hint)
        })
        .with_context(|| format!("use the cache {}", dir.display()));
    match checked {
        Ok(()) => checks.ok("cache", dir.display().to_string()),
        Err(error) => checks.fail("cache", &error),
    }
}
