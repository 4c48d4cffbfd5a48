//! The signals that a server handles: stop, and reload.

use std::io;
use std::sync::mpsc;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that we handle.
pub struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    /// Installs the handlers.
    ///
    /// # Errors
    /// The system refuses.
    pub fn new() -> io::Result<Self> {
        let [term, int, hup] = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
        Ok(Self { term: signal(term)?, int: signal(int)?, hup: signal(hup)? })
    }

    /// Waits for a signal to stop. A signal to reload is passed on, unless a reload is already pending.
    pub async fn told_to_stop(mut self, reload: &mpsc::SyncSender<()>) {
        loop {
            tokio::select! {
                _ = self.term.recv() => return,
                _ = self.int.recv() => return,
                _ = self.hup.recv() => drop(reload.try_send(())),
            }
        }
    }
}
