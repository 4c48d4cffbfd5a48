//! What a server is told from outside: to stop.

use std::io;
use std::sync::mpsc;

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
};

/// What we are told from outside.
pub struct Signals {
    c: CtrlC,
    r#break: CtrlBreak,
    close: CtrlClose,
    shutdown: CtrlShutdown,
}

impl Signals {
    /// Waits for them from now on.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn new() -> io::Result<Self> {
        Ok(Self { c: ctrl_c()?, r#break: ctrl_break()?, close: ctrl_close()?, shutdown: ctrl_shutdown()? })
    }

    /// Waits for a signal to stop; nothing here says that everything is to be read again.
    pub async fn told_to_stop(mut self, _: &mpsc::SyncSender<()>) {
        tokio::select! {
            _ = self.c.recv() => (),
            _ = self.r#break.recv() => (),
            _ = self.close.recv() => (),
            _ = self.shutdown.recv() => (),
        }
    }
}
