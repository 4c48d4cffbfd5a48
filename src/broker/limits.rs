//! Every limit of the broker in one place; how long tokens and refusals are kept is the cache's policy. The numbers are
//! part of the contract; tests choose smaller ones, to reach them without waiting.

use std::time::Duration;

use crate::tokens::cache::lifetimes;
use crate::tokens::cache::policy::{self, Rules};

/// All limits and timeouts.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at the same time, if the system allows as many open files.
    pub connections: usize,
    /// One address may have the connections divided by this.
    pub share: usize,
    /// Time to send a request's head, from the start of the connection or the end of the last request, and for a TLS
    /// handshake.
    pub head: Duration,
    /// Time for a client to read part of its answer.
    pub unread: Duration,
    /// Requests per identity and minute.
    pub requests: u32,
    /// Failed authentications per address and minute.
    pub failures: u32,
    /// Mints at the same time: GitHub asks for few.
    pub mints: usize,
    /// Mints of one identity at the same time.
    pub mints_each: usize,
    /// How long a request waits for its mint, time in the queue included.
    pub turn: Duration,
    /// Scopes in memory.
    pub scopes: usize,
    /// Bytes of those scopes: one may name 500 repositories.
    pub scope_bytes: usize,
    /// A token with less time left is renewed, in seconds.
    pub margin: i64,
    /// How long after its last use a scope is renewed in the background.
    pub in_use: Duration,
    /// Limits on requests for new tokens.
    pub rules: Rules,
    /// How long an asker waits for a new token while it has a valid one.
    pub patience: Duration,
    /// The longest wait accepted from GitHub, whose own limits last at most an hour.
    pub longest_wait: Duration,
    /// How often tokens are checked for renewal.
    pub maintenance: Duration,
}

fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(seconds.unsigned_abs())
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            share: 4,
            head: Duration::from_secs(30),
            unread: Duration::from_secs(30),
            requests: 600,
            failures: 600,
            mints: 8,
            mints_each: 2,
            turn: Duration::from_mins(1),
            scopes: 10_000,
            scope_bytes: 48 << 20,
            margin: lifetimes::BROKER_MARGIN,
            in_use: seconds(lifetimes::IN_USE),
            rules: policy::BROKER,
            patience: Duration::from_secs(3),
            longest_wait: seconds(lifetimes::LONGEST_WAIT),
            maintenance: Duration::from_secs(5),
        }
    }
}
