//! The audit log: one JSON line for each decision, written before its answer is sent. A file is appended to and its owner's
//! alone; `-` is standard output. Where a line cannot be written nobody gets a token.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::broker::log::Log;
use crate::broker::pool::Renewed;
use crate::platform::clock;
use crate::platform::line_sink::LineSink;
use crate::tokens::error::{Failure, Kind};

mod line;

pub use line::{AuditLine, Reason};

/// How long a pipe may be full, looked at so often.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(10);

/// Where the lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditPlace {
    /// A file, opened again on SIGHUP.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// The log.
pub struct Audit {
    place: AuditPlace,
    sink: Mutex<LineSink>,
    is_failing: AtomicBool,
    failures: AtomicU64,
    log: Log,
}

impl Audit {
    /// Opens it.
    ///
    /// # Errors
    /// It cannot be written to, or others may read it.
    pub fn open(place: AuditPlace, log: Log) -> Result<Self, Failure> {
        let sink = Mutex::new(open(&place)?);
        Ok(Self { place, sink, is_failing: AtomicBool::default(), failures: AtomicU64::default(), log })
    }

    /// Opens it again: whoever rotates logs has moved the file away. One that cannot be opened leaves the old one.
    pub fn reopen(&self) {
        match open(&self.place) {
            Ok(sink) => {
                *self.sink() = sink;
                self.log.event("opened the audit log again");
            }
            Err(failure) => self.log.event(&format!("{failure}; the audit log goes on as it was")),
        }
    }

    /// Writes a line; waits for whoever reads a pipe, but not for long.
    ///
    /// # Errors
    /// It is not written.
    pub async fn write(&self, line: &AuditLine<'_>) -> io::Result<()> {
        let text = line.to_text();
        let mut waited = Duration::ZERO;
        let outcome = loop {
            // On its own line, so that nothing is locked while it waits.
            let outcome = self.sink().write(&text);
            match outcome {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && waited < PATIENCE => {
                    tokio::time::sleep(PAUSE).await;
                    waited += PAUSE;
                }
                outcome => break outcome,
            }
        };
        self.note(outcome)
    }

    /// Writes a line, or notes that it cannot be: for what has no answer that could wait for it.
    pub fn write_now(&self, line: &AuditLine) {
        let outcome = self.sink().write(&line.to_text());
        let _ = self.note(outcome);
    }

    /// Whether the last line could not be written.
    pub fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    /// Lines that could not be written since the start.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Writes a line if the last one could not be: nobody else may come to do that while others are told to stay away.
    pub fn maintain(&self) {
        if self.is_failing() {
            self.write_now(&AuditLine::new(clock::now(), Reason::WritableAgain));
        }
    }

    fn sink(&self) -> MutexGuard<'_, LineSink> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, outcome: io::Result<()>) -> io::Result<()> {
        let failed = outcome.is_err();
        if failed {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        // Looked at first: nearly always it is as it was.
        if self.is_failing() != failed && self.is_failing.swap(failed, Ordering::Relaxed) != failed {
            match &outcome {
                Err(error) => {
                    self.log.event(&format!(
                        "audit log: {error}; no tokens are handed out until it can be written"
                    ));
                }
                Ok(()) => self.log.event("audit log: it can be written again"),
            }
        }
        outcome
    }
}

/// Writes a line for each token that is renewed though nobody asked; nothing where there is no audit log.
pub fn of_renewals(audit: Option<Arc<Audit>>) -> Renewed {
    Box::new(move |who, scope, token| {
        if let Some(audit) = &audit {
            let line = AuditLine {
                identity: who.as_deref(),
                asked: Some(scope),
                token: Some((token, false)),
                ..AuditLine::new(clock::now(), Reason::Renewed)
            };
            audit.write_now(&line);
        }
    })
}

fn open(place: &AuditPlace) -> Result<LineSink, Failure> {
    let (sink, shown) = match place {
        AuditPlace::File(path) => (LineSink::file(path), path.display().to_string()),
        AuditPlace::Stdout => (LineSink::stdout(), "standard output".to_owned()),
    };
    sink.map_err(|error| {
        Failure::new(Kind::Settings, format!("audit log {shown}: {error}")).hint(
            "name a file of this user's own in a directory that it may write to, or - for standard output",
        )
    })
}
