//! SIGHUP: reads every file again. A file that cannot be used changes nothing and is reported.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use anyhow::Result;

use crate::broker::oidc::KeyFetcher;
use crate::broker::{ReadSettings, Server, Tls, app_minter};
use crate::platform::threads;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::fault;
use crate::tokens::notes::Notes;
use crate::tokens::scope::Scope;

/// What to read again.
pub struct Reload {
    /// Identities and the App.
    pub broker: Arc<Server>,
    /// Certificate and key.
    pub tls: Option<Arc<Tls>>,
    /// The fetcher of issuers' keys.
    pub fetcher: Arc<KeyFetcher>,
    /// The settings.
    pub read: ReadSettings,
    /// The log.
    pub notes: Notes,
}

impl Reload {
    /// Waits for signals in a thread of its own, as a command that prints the key may be slow. One signal can be
    /// pending.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(self) -> io::Result<SyncSender<()>> {
        let (sender, wishes) = sync_channel(1);
        threads::start_vital("reload", move || {
            while wishes.recv().is_ok() {
                self.run();
            }
        })?;
        Ok(sender)
    }

    fn run(&self) {
        let Server { identities, audit, log, .. } = &*self.broker;
        if let Some(audit) = audit {
            audit.reopen();
        }
        if let Some(identities) = identities {
            identities.read_again();
        }
        if let Some(tls) = &self.tls {
            tls.read_again();
        }
        // An error while reading must not stop the broker.
        match fault::guarded(|| self.settings()) {
            Ok(()) => log.event("read the settings, the key and the CAs again"),
            Err(error) => log.event(&format!("{error:#}; continuing with the settings as they were")),
        }
    }

    fn settings(&self) -> Result<()> {
        let settings = (self.read)()?;
        let most = Scope::new(settings.owner.as_deref(), &settings.repositories, &settings.permissions);
        if most != self.broker.limits {
            let message = "the settings name another owner, repository or permission, which takes a restart";
            return Err(Failure::new(Kind::Settings, message).into());
        }
        self.fetcher.replace(settings.network.clone());
        let minter = app_minter::checked_minter(settings, self.notes, Arc::clone(&self.broker.metrics))?;
        self.broker.pool.replace(minter);
        Ok(())
    }
}
