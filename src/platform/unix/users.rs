//! Who runs this process.

/// The user's ID.
pub fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}
