//! What a token is asked for, and who can be asked.

use anyhow::Result;

use crate::tokens::scope::{Repository, Scope};
use crate::tokens::token::Token;

/// What a token is asked for.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Owner, repositories, permissions.
    pub scope: Scope,
    /// The repository that git names, to try a new token on.
    pub repository: Option<Repository>,
    /// How long it should still be valid, in seconds; a token with less is still an answer.
    pub min_life: i64,
    /// The last token was refused: one from a broker's own cache would be the same.
    pub new: bool,
    /// The token that git's `state[]` says was refused.
    pub refused: Option<String>,
    /// The client may never report whether the token works.
    pub unreported: bool,
    /// The owner is a user or an organisation, never an enterprise: the name may not come from our settings.
    pub no_enterprise: bool,
}

/// Yields tokens.
pub trait TokenProvider {
    /// A token for the ask, fresh or cached.
    ///
    /// # Errors
    /// A [`Failure`](crate::tokens::error::Failure) in the chain tells refused, temporary and wrong settings apart.
    fn token(&self, ask: &Ask) -> Result<Token>;
}
