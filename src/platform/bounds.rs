//! How much is read from a sender that may never stop.

/// The limit for a program's output, a server's answer or a cache entry: larger than any key, signature, git
/// configuration or answer from GitHub.
pub const MOST: usize = 4 << 20;
/// The same for messages.
pub const MOST_IN_WORDS: &str = "4 MiB";
