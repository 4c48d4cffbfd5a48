//! GitHub's side: the App's key and JWT, the API, installations, mints, and what GitHub refuses.

pub mod api;
pub mod as_app;
pub mod bot;
pub mod granted;
pub mod grants;
pub mod inspect;
pub mod installations;
pub mod jwt;
pub mod mint;
pub mod mint_target;
pub mod private_key;
pub mod probe;
pub mod propagation;
pub mod refusals;
pub mod revocation;
pub mod shared;
pub mod signer;
