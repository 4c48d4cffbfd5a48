//! How tokens are kept between uses: the policy that decides, and where they are.

pub mod disk;
pub mod entry;
pub mod key;
pub mod lifetimes;
pub mod listing;
pub mod looked_up;
pub mod policy;
pub mod reports;
pub mod store;
