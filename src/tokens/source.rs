//! Anything that yields a token: the broker, the App key, either of them in turn, and a cache around any.

use anyhow::Result;

use crate::tokens::ask::{Ask, TokenProvider};
use crate::tokens::error::{Failure, Kind};
use crate::tokens::notes::Notes;
use crate::tokens::token::Token;

pub mod app;
pub mod bearer;
pub mod cached;
pub mod id_token;
pub mod remote;

/// The broker first, and the App key when the broker cannot serve (`--source auto` with both configured).
pub struct Auto<'a> {
    /// Asked with few attempts, as the key can serve instead.
    pub broker: Box<dyn TokenProvider + 'a>,
    /// Mints.
    pub app: Box<dyn TokenProvider + 'a>,
    /// Says why the key was used.
    pub notes: Notes,
}

impl TokenProvider for Auto<'_> {
    fn token(&self, ask: &Ask) -> Result<Token> {
        let error = match self.broker.token(ask) {
            Err(error) if Self::is_reason(&Failure::of(&error)) => error,
            outcome => return outcome,
        };
        self.notes.note(|| format!("the broker cannot serve ({error:#}); using the App key"));
        self.app.token(ask)
    }
}

impl Auto<'_> {
    /// 401, 403, 404, 5xx, out of reach, or no bearer to ask with; not an answer that makes no sense.
    fn is_reason(failure: &Failure) -> bool {
        matches!(failure.kind, Kind::Refused | Kind::Temporary | Kind::Settings)
    }
}
