//! Anything that yields a token: the broker, the App key, either of them in turn, and a cache around any.

use anyhow::Result;

use crate::report::Report;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::scope::{Repository, Scope};
use crate::tokens::token::Token;

pub mod app;
pub mod remote;

/// What a token is asked for.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Owner, repositories, permissions.
    pub scope: Scope,
    /// The repository that git names, to try a new token on.
    pub repository: Option<Repository>,
    /// The life it should have left, in seconds; an answer with less is still an answer.
    pub min_life: i64,
    /// The last token was refused: one from a broker's own cache would be the same.
    pub new: bool,
    /// The token that git's `state[]` says was refused.
    pub refused: Option<String>,
    /// Whoever gets the token may never say whether it works.
    pub unreported: bool,
    /// The owner is a user or an organisation, never an enterprise: somebody else than our settings may have named it.
    pub no_enterprise: bool,
}

/// Yields tokens.
pub trait TokenProvider {
    /// A token for the ask, fresh or cached.
    ///
    /// # Errors
    /// A [`Failure`] in the chain tells refused, temporary and wrong settings apart.
    fn token(&self, ask: &Ask) -> Result<Token>;
}

/// The broker first, and the App key when the broker cannot serve (`--source auto` with both configured).
pub struct Auto<'a> {
    /// Asked with little patience, as there is a second choice.
    pub broker: Box<dyn TokenProvider + 'a>,
    /// Mints.
    pub app: Box<dyn TokenProvider + 'a>,
    /// Says why the key was used.
    pub report: Report,
}

impl TokenProvider for Auto<'_> {
    fn token(&self, ask: &Ask) -> Result<Token> {
        let error = match self.broker.token(ask) {
            Err(error) if Self::is_reason(&Failure::of(&error)) => error,
            outcome => return outcome,
        };
        self.report.note(|| format!("the broker cannot serve ({error:#}); using the App key"));
        self.app.token(ask)
    }
}

impl Auto<'_> {
    /// 401, 403, 404, 5xx, out of reach, or no bearer to ask with; not an answer that makes no sense.
    fn is_reason(failure: &Failure) -> bool {
        matches!(failure.kind, Kind::Refused | Kind::Temporary | Kind::Settings)
    }
}
