//! Types that say whether a file can be trusted.

/// Why a file is not to be trusted, and what fixes that.
#[derive(Debug, PartialEq, Eq)]
pub struct Distrust {
    /// Follows the file's name.
    pub cause: String,
    /// The hint.
    pub fix: String,
}

/// Who may read or change a private key.
#[derive(Debug, PartialEq, Eq)]
pub enum Readers {
    /// Only the owner, by its permissions, or a group that root shares it with.
    Owner,
    /// Its group, or some other users; with the evidence.
    Group(String),
    /// Every user; with the evidence.
    Everyone(String),
}

/// What every user may do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Read it.
    Read,
    /// Run it, or enter the directory.
    Run,
}
