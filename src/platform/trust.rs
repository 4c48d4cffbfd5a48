//! The words for whom to trust with files.

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
    /// Nobody else, as far as its permissions go, or a group that root lends it to.
    Owner,
    /// Its group, or some others; with what shows that.
    Group(String),
    /// Everybody; with what shows that.
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
