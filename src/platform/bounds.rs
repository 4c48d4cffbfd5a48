//! How much is read from a sender that may never stop.

/// Most of a program's output, a server's answer or a cache entry: more than any key, signature, git configuration or
/// answer of GitHub's has.
pub const MOST: usize = 4 << 20;
/// The same for messages.
pub const MOST_IN_WORDS: &str = "4 MiB";
