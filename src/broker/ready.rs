//! A token as the broker keeps it.

use std::sync::Arc;

use axum::body::Bytes;
use base64::{Engine, engine::general_purpose::STANDARD};
use rsa::sha2::{Digest, Sha256};
use serde_json::json;

use crate::platform::clock;
use crate::tokens::error::Failure;
use crate::tokens::token::{Facts, Token};

/// A token, and the texts made from it: once, however often it is sent.
pub struct Ready {
    /// Expiry and other facts.
    pub token: Token,
    /// The JSON body of the response.
    pub body: Bytes,
    /// Its part of an audit line: members of a JSON object. `hashed_token` is the base64 of its SHA-256, as in GitHub's
    /// own audit log
    /// (<https://docs.github.com/organizations/keeping-your-organization-secure/managing-security-settings-for-your-organization/identifying-audit-log-events-performed-by-an-access-token>).
    pub audited: String,
}

/// What an asker gets.
pub type Outcome = Result<Arc<Ready>, Failure>;

impl Ready {
    /// Prepares a token.
    pub fn new(token: Token) -> Self {
        Self { body: body(&token).into(), audited: audited(&token), token }
    }
}

/// The same part of an audit line without a token.
pub const NO_TOKEN: &str = r#""granted":null,"hashed_token":null,"expires_at":null"#;

/// As GitHub answered; `null` if it did not say.
fn audited(token: &Token) -> String {
    let Facts { expiry, installation_id, account, permissions, repositories, source: _ } = &token.facts;
    let granted = json!({
        "owner": account, "installation_id": installation_id, "repositories": repositories, "permissions": permissions,
    });
    let hashed = STANDARD.encode(Sha256::digest(token.secret.expose().as_bytes()));
    let expires_at = json!(expiry.map(clock::rfc3339));
    format!(r#""granted":{granted},"hashed_token":"{hashed}","expires_at":{expires_at}"#)
}

/// `{"expires_at":"…Z","token":"…"}`: compact and in this order, as clients search for `"token":"`.
fn body(token: &Token) -> String {
    let expires_at = token.facts.expiry.map(clock::rfc3339).unwrap_or_default();
    format!("{{\"expires_at\":{},\"token\":{}}}", json!(expires_at), json!(token.secret.expose()))
}
