//! A token as the broker keeps it.

use std::sync::Arc;

use axum::body::Bytes;

use crate::tokens::error::Failure;
use crate::tokens::token::Token;

/// A token, and the response that holds it: made once, sent many times.
pub struct Ready {
    /// Expiry and all else.
    pub token: Token,
    /// The JSON body.
    pub body: Bytes,
}

/// What an asker gets.
pub type Outcome = Result<Arc<Ready>, Failure>;
