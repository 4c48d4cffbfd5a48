//! How tokens are kept between uses: the policy that decides, and where they are.

pub mod cached;
pub mod disk;
pub mod installations;
pub mod listing;
pub mod policy;
pub mod reports;
