//! The bearer for the broker: where it comes from, and whether it is available, as far as that can be told without
//! reading it, running a command or asking a server.

use std::fs::File;

use crate::tokens::config::{BearerSource, IdTokenSource};
use crate::tokens::error::escape;

/// Where a bearer comes from.
pub struct BearerState {
    /// The kind of source, a stable word for scripts.
    pub from: &'static str,
    /// The same for people, or why it is unavailable.
    pub place: Result<String, String>,
}

impl BearerState {
    /// `None`: none is configured.
    pub fn of(source: &BearerSource) -> Option<Self> {
        let (from, place) = match source {
            BearerSource::None => return None,
            BearerSource::Text(_) => ("environment", Ok("in the environment".to_owned())),
            BearerSource::File(path) => {
                let shown = escape(&path.to_string_lossy());
                let open = File::open(path).map(drop).map_err(|error| format!("{shown}: {error}"));
                ("file", open.map(|()| format!("in {shown}")))
            }
            BearerSource::Command(_) => {
                ("broker token command", Ok("not known without running the broker token command".to_owned()))
            }
            BearerSource::IdToken(IdTokenSource { audience, job }) => {
                let job = job.as_ref().map_err(|failure| failure.message.clone());
                ("id-token", job.map(|_| format!("an id-token of this job for {}", escape(audience))))
            }
        };
        Some(Self { from, place })
    }
}
