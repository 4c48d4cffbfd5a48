//! `erase`: evicts the token that git says was refused, and no other.

use anyhow::Result;

use super::request;
use crate::report::Report;
use crate::settings::Sources;

/// Runs the operation.
pub fn run(sources: &Sources, report: Report) -> Result<()> {
    request::with_cached(sources, report, |cached, request| cached.evict(request.password.as_ref()))
}
