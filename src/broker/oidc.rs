//! OIDC tokens: from a token's text to the claims that its issuer signed. `presented` and `jwks` are pure;
//! `issuer_keys` keeps the keys, which `discovery` fetches.

mod discovery;
mod issuer_keys;
pub mod jwks;
pub mod presented;
#[cfg(test)]
mod tests;
pub mod verified;

pub use discovery::KeyFetcher;
pub use issuer_keys::{Fetch, Fetched, IssuerKeys};
pub use verified::Verified;
