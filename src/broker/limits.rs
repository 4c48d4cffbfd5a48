//! Every limit of the broker in one place; how long tokens and refusals are kept is the cache's policy. The numbers are the contract's; tests choose smaller ones, so that they reach
//! them at once and wait for nothing.

use std::time::Duration;

use crate::tokens::cache::lifetimes;
use crate::tokens::cache::policy::{self, Rules};

/// How much there may be of everything, and how long it may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at the same time, if the system allows as many open files.
    pub connections: usize,
    /// One address may have the connections divided by this.
    pub share: usize,
    /// For the head of a request, from the connection's or the last request's end on; and for a TLS handshake.
    pub head: Duration,
    /// For a client to read something of an answer that it is sent.
    pub unread: Duration,
    /// Requests of an identity in a minute.
    pub requests: u32,
    /// Requests in a minute from an address without a valid bearer.
    pub failures: u32,
    /// Mints at the same time: GitHub wants few.
    pub mints: usize,
    /// Mints of one identity at the same time.
    pub mints_each: usize,
    /// How long a request waits for its mint, the queue before it included.
    pub turn: Duration,
    /// Scopes in memory.
    pub scopes: usize,
    /// Bytes of those scopes: one may name 500 repositories.
    pub scope_bytes: usize,
    /// A token with less left is renewed, in seconds.
    pub margin: i64,
    /// How long after its last use a scope is renewed in the background.
    pub in_use: Duration,
    /// How patient we are with those who ask for new tokens.
    pub rules: Rules,
    /// How long an asker waits for a new token while there is a valid one.
    pub patience: Duration,
    /// The longest wait that GitHub is believed: its own limits are over within an hour.
    pub longest_wait: Duration,
    /// How often tokens are looked after.
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
