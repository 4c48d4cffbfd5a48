//! The threads that mint: one mint after the other, each reported to all who wait for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::broker::log::in_words;
use crate::broker::pool::{Minter, PoolInside, Work, busy};
use crate::broker::query::Freshness;
use crate::broker::ready::{Outcome, Ready};
use crate::broker::slots::{Current, Slot};
use crate::broker::turns::Who;
use crate::platform::clock::{self, Moment};
use crate::tokens::error::{Failure, Kind};
use crate::tokens::scope::Scope;

/// What an asker gets.
pub(super) enum Asked {
    /// The token.
    Here(Arc<Ready>),
    /// The future outcome of a mint.
    Awaited(oneshot::Receiver<Outcome>),
}

impl PoolInside {
    /// Joins those who wait for a scope's token, or queues a mint. If a mint has ended in the meantime, its token, or
    /// one that is still valid, is enough.
    pub(super) fn ask(
        &self,
        who: &Who,
        scope: &Scope,
        wish: Freshness,
        now: Moment,
    ) -> Result<Asked, Failure> {
        let mut work = self.work();
        if let Some(failure) = self.paused(&work, scope, now) {
            return Err(failure);
        }
        let slots = self.slots.write();
        let slot = slots.unwrap_or_else(PoisonError::into_inner).get_or_add(who, scope).ok_or_else(busy)?;
        slot.touch(self.millis(now));
        if let Some(current) = slot.current(now).filter(|current| self.is_enough(&slot, current, wish, now)) {
            return Ok(Asked::Here(current.token));
        }
        if let Some(failure) = slot.refused(now.steady, self.limits.rules) {
            return Err(failure);
        }
        let mut job = slot.job();
        if !job.minting && !job.queued {
            job.queued = true;
            work.turns.push(who, Arc::clone(&slot));
            self.change.notify_one();
        }
        if job.waiters.len() == job.waiters.capacity() {
            job.waiters.retain(|waiter| !waiter.is_closed());
        }
        let (sender, receiver) = oneshot::channel();
        job.waiters.push(sender);
        Ok(Asked::Awaited(receiver))
    }

    /// The loop of a thread: one mint after the other.
    pub(super) fn run(&self) {
        while let Some((who, slot)) = self.next() {
            let minter = self.minter();
            let outcome = match &minter {
                Some(minter) => catch_unwind(AssertUnwindSafe(|| (minter.mint)(&slot.scope)))
                    // The panic was reported where it happened.
                    .unwrap_or_else(|_| Err(Failure::new(Kind::Temporary, "internal error"))),
                None => Err(Failure::new(Kind::Settings, "no App configured")),
            };
            self.finish(&who, &slot, &outcome.map(Arc::new), minter.as_deref());
        }
    }

    fn next(&self) -> Option<(Who, Arc<Slot>)> {
        let mut work = self.work();
        while !work.stopped {
            match work.turns.next() {
                Some((who, slot)) if self.begin(&work, &slot) => return Some((who, slot)),
                Some((who, _)) => work.turns.done(&who),
                None => work = self.change.wait(work).unwrap_or_else(PoisonError::into_inner),
            }
        }
        None
    }

    /// Whether a slot whose turn it is still needs a mint.
    fn begin(&self, work: &Work, slot: &Slot) -> bool {
        let mut job = slot.job();
        job.queued = false;
        job.waiters.retain(|waiter| !waiter.is_closed());
        if job.minting || (job.waiters.is_empty() && !job.background) {
            return false;
        }
        job.background = false;
        if let Some(failure) = self.paused(work, &slot.scope, (self.clock)()) {
            for waiter in std::mem::take(&mut job.waiters) {
                let _ = waiter.send(Err(failure.clone()));
            }
            return false;
        }
        job.minting = true;
        true
    }

    fn finish(&self, who: &Who, slot: &Slot, outcome: &Outcome, minter: Option<&Minter>) {
        let now = (self.clock)();
        let mut work = self.work();
        let app = self.minter().map(|minter| minter.app.clone());
        let stays = app.as_ref() == minter.map(|minter| &minter.app);
        work.turns.done(who);
        let mut job = slot.job();
        job.minting = false;
        let waiters = std::mem::take(&mut job.waiters);
        match outcome {
            Ok(token) => {
                job.failed = None;
                if stays {
                    slot.set(Some(Current::new(Arc::clone(token), now)));
                }
                drop((job, work));
            }
            Err(failure) => {
                job.failed = Some((failure.clone(), now.steady));
                let forgotten = failure.kind == Kind::Temporary && !job.queued;
                drop(job);
                if let Some(seconds) = failure.wait {
                    self.pause(&mut work, &slot.scope, seconds, now);
                }
                // The failure is not remembered: the next asker may succeed.
                if forgotten && slot.current(now).is_none() {
                    self.slots.write().unwrap_or_else(PoisonError::into_inner).remove(slot);
                }
                drop(work);
                self.report(&slot.scope, failure, now);
            }
        }
        self.change.notify_one();
        if let (true, Ok(token)) = (waiters.is_empty(), outcome) {
            (self.renewed)(who, &slot.scope, token);
        }
        for waiter in waiters {
            let _ = waiter.send(outcome.clone());
        }
    }

    /// Pauses mints for a scope's installation for this many seconds.
    fn pause(&self, work: &mut Work, scope: &Scope, seconds: i64, now: Moment) {
        let wait = Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).min(self.limits.longest_wait);
        let until = work.pauses.entry(self.installation(scope)).or_insert(now.steady);
        *until = (*until).max(now.steady + wait);
    }

    /// Logs a failed mint once, however many wait for it.
    fn report(&self, scope: &Scope, failure: &Failure, now: Moment) {
        let permanent = if failure.kind == Kind::Temporary { "" } else { " (permanent until somebody acts)" };
        let paused = failure.wait.map(|seconds| {
            let of = self.installation(scope).map(|owner| format!(" for {owner}")).unwrap_or_default();
            format!("; nothing is minted{of} until {}", clock::rfc3339(now.wall.saturating_add(seconds)))
        });
        let paused = paused.unwrap_or_default();
        self.log.event(&format!("no token for [{}]{permanent}: {failure}{paused}", in_words(scope)));
    }
}
