//! Admits connections. Every connection has a place. If all are taken, or an address has its share, the longest idle
//! connection makes room. A client that is being answered is not idle; one that sends its request slowly is.
//!
//! Time is counted in connections: it is enough to know who was idle while more of them came, and reading the clock for
//! each request would cost more.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::task::AbortHandle;

use crate::broker::peer::Peer;

/// The time of a client that is being answered.
const BUSY: u64 = u64::MAX;
/// How many of the longest idle one search finds, as a fraction of all: each search looks at every connection.
const BATCH: usize = 64;

/// A client's address, for its fair share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(IpAddr);

impl Address {
    /// An owner of one IPv6 address has a whole network, so only the first half counts. `None` on a Unix socket, where
    /// any client may have all places, or if unknown.
    pub fn of(peer: Peer) -> Option<Self> {
        match peer {
            Peer::Address(address) if address.is_unspecified() => None,
            Peer::Address(IpAddr::V6(address)) => {
                Some(Self(IpAddr::V6((u128::from(address) & (u128::MAX << 64)).into())))
            }
            Peer::Address(address) => Some(Self(address)),
            Peer::User(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V6(network) => write!(f, "{network}/64"),
            IpAddr::V4(address) => address.fmt(f),
        }
    }
}

/// The other end of a connection.
pub struct Visitor {
    number: u64,
    /// Who it is.
    pub peer: Peer,
    /// Idle since this connection count, doubled, plus one after a first request; or [`BUSY`].
    since: AtomicU64,
    connection: OnceLock<AbortHandle>,
    evicted: AtomicBool,
}

impl Visitor {
    /// Whether it has sent a request.
    pub fn has_asked(&self) -> bool {
        self.since() % 2 == 1
    }

    /// Notes a request.
    pub fn begin(&self) {
        self.since.store(BUSY, Ordering::Relaxed);
    }

    /// How to stop it, to make room.
    pub fn serve_by(&self, connection: AbortHandle) {
        let _ = self.connection.set(connection);
        if self.evicted.load(Ordering::SeqCst) {
            self.evict();
        }
    }

    fn evict(&self) {
        self.evicted.store(true, Ordering::SeqCst);
        if let Some(connection) = self.connection.get() {
            connection.abort();
        }
    }

    fn since(&self) -> u64 {
        self.since.load(Ordering::Relaxed)
    }
}

/// All places.
pub struct Places {
    most: usize,
    share: usize,
    state: Mutex<Occupancy>,
    /// The number of connections so far.
    come: AtomicU64,
    evicted: AtomicU64,
    refused: AtomicU64,
}

#[derive(Default)]
struct Occupancy {
    all: HashMap<u64, Arc<Visitor>>,
    of: HashMap<Address, usize>,
    /// The longest idle at the last search, and since when: of all, and of addresses with a full share. Connections
    /// that became idle later have been idle for less time.
    idle: HashMap<Option<Address>, VecDeque<(Arc<Visitor>, u64)>>,
}

impl Places {
    /// With this many places in all and for each address.
    pub fn new(most: usize, share: usize) -> Self {
        Self {
            most,
            share: share.max(1),
            state: Mutex::default(),
            come: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Takes a place. `None`: no idle connection can make room.
    pub fn enter(&self, peer: Peer) -> Option<Arc<Visitor>> {
        let address = Address::of(peer);
        let mut state = self.state();
        let has_share = address.is_some_and(|address| state.of.get(&address) >= Some(&self.share));
        let room = (!has_share || self.evict(&mut state, address))
            && (state.all.len() < self.most || self.evict(&mut state, None));
        if !room {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let number = self.come.fetch_add(1, Ordering::Relaxed) + 1;
        let visitor = Arc::new(Visitor {
            number,
            peer,
            since: AtomicU64::new(2 * number),
            connection: OnceLock::new(),
            evicted: AtomicBool::new(false),
        });
        state.all.insert(visitor.number, Arc::clone(&visitor));
        if let Some(address) = address {
            *state.of.entry(address).or_default() += 1;
        }
        Some(visitor)
    }

    /// Notes that a visitor's request is answered.
    pub fn end(&self, visitor: &Visitor) {
        visitor.since.store(2 * self.come.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Gives a place back.
    pub fn leave(&self, visitor: &Visitor) {
        self.state().remove(visitor);
    }

    /// Ends the longest idle connection, as no more files can be opened. False: none is idle.
    pub fn make_room(&self) -> bool {
        self.evict(&mut self.state(), None)
    }

    /// The number of places.
    pub fn most(&self) -> usize {
        self.most
    }

    /// The number of places taken.
    pub fn taken(&self) -> usize {
        self.state().all.len()
    }

    /// The numbers of connections ended to make room, and refused.
    pub fn turned_away(&self) -> (u64, u64) {
        (self.evicted.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }

    fn state(&self) -> MutexGuard<'_, Occupancy> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn evict(&self, state: &mut Occupancy, of: Option<Address>) -> bool {
        let Some(visitor) = state.longest_idle(of, (self.most / BATCH).max(1)) else { return false };
        state.remove(&visitor);
        visitor.evict();
        self.evicted.fetch_add(1, Ordering::Relaxed);
        true
    }
}

impl Occupancy {
    fn remove(&mut self, visitor: &Visitor) {
        if self.all.remove(&visitor.number).is_none() {
            return;
        }
        let Some(address) = Address::of(visitor.peer) else { return };
        if let Some(count) = self.of.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.of.remove(&address);
                self.idle.remove(&Some(address));
            }
        }
    }

    fn longest_idle(&mut self, of: Option<Address>, batch: usize) -> Option<Arc<Visitor>> {
        if let Some(found) = self.still_idle(of) {
            return Some(found);
        }
        let is_meant = |visitor: &&Arc<Visitor>| of.is_none() || Address::of(visitor.peer) == of;
        let with_since = |visitor: &Arc<Visitor>| (Arc::clone(visitor), visitor.since());
        let mut idle: Vec<_> = self.all.values().filter(is_meant).map(with_since).collect();
        idle.retain(|(_, since)| *since != BUSY);
        // Of those that came at the same moment, the first.
        let key = |(visitor, since): &(Arc<Visitor>, u64)| (*since, visitor.number);
        if idle.len() > batch {
            idle.select_nth_unstable_by_key(batch, key);
            idle.truncate(batch);
        }
        idle.sort_unstable_by_key(key);
        self.idle.insert(of, idle.into());
        self.still_idle(of)
    }

    fn still_idle(&mut self, of: Option<Address>) -> Option<Arc<Visitor>> {
        let found = self.idle.get_mut(&of)?;
        while let Some((visitor, since)) = found.pop_front() {
            if visitor.since() == since && self.all.contains_key(&visitor.number) {
                return Some(visitor);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
