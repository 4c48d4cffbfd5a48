//! `store`: stores nothing. Our own token in a request proves that the token works.

use anyhow::Result;

use crate::report::Report;
use crate::session::request::{self, Operation};
use crate::settings::Sources;

/// Runs the operation.
pub fn run(sources: &Sources, report: Report) -> Result<()> {
    let Some(ours) = request::read(sources, Operation::Store, report)? else { return Ok(()) };
    request::with_cached(ours, report, |cached, request| {
        if let Some(password) = &request.password {
            cached.prove(password);
        }
    })
}
