//! The cache: ours alone, and writable.

use anyhow::Context;

use super::Patient;
use super::check::Checks;
use crate::cache::Cache;
use crate::error::{Failure, Kind};

/// Checks the cache directory.
pub fn examine(patient: &Patient, checks: &mut Checks) {
    let Some(dir) = &patient.settings.cache_dir else {
        return checks.warn(
            "cache",
            "there is none: each git asks for a token of its own",
            "set GITHUB_APP_CACHE_DIR, or HOME",
        );
    };
    let checked = Cache::open(dir).and_then(|cache| cache.check_writable());
    let checked = checked
        .map_err(|error| {
            let hint =
                "make the directory yours with mode 0700, or name another one with GITHUB_APP_CACHE_DIR";
            Failure::new(Kind::Settings, error.to_string()).hint(hint)
        })
        .with_context(|| format!("use the cache {}", dir.display()));
    match checked {
        Ok(()) => checks.ok("cache", dir.display().to_string()),
        Err(error) => checks.fail("cache", &error),
    }
}
