//! GitHub's side: the App's key and JWT, the API, installations, mints, and what GitHub refuses.

pub mod api;
pub mod bot;
pub mod granted;
pub mod grants;
pub mod inspect;
pub mod installations;
pub mod jwt;
pub mod key_command;
pub mod private_key;
pub mod propagation;
pub mod refusals;
pub mod session;
pub mod signer;
pub mod trial;
