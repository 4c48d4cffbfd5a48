//! The audit log: one JSON line for each decision, written before the answer is sent. A file is appended to and
//! readable only by its owner; `-` is standard output. If a line cannot be written, nobody gets a token.

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

/// How long to wait for a full pipe, and how often to check it.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(10);

/// The destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditPlace {
    /// A file, reopened on SIGHUP.
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
    /// It cannot be written, or others may read it.
    pub fn open(place: AuditPlace, log: Log) -> Result<Self, Failure> {
        let sink = Mutex::new(open(&place)?);
        Ok(Self { place, sink, is_failing: AtomicBool::default(), failures: AtomicU64::default(), log })
    }

    /// Reopens the file, as log rotation has moved it away. If that fails, the old file stays in use.
    pub fn reopen(&self) {
        match open(&self.place) {
            Ok(sink) => {
                *self.sink() = sink;
                self.log.event("opened the audit log again");
            }
            Err(failure) => self.log.event(&format!("{failure}; still using the old audit log file")),
        }
    }

    /// Writes a line; waits a short time for a slow pipe.
    ///
    /// # Errors
    /// The line was not written.
    pub async fn write(&self, line: &AuditLine<'_>) -> io::Result<()> {
        let text = line.to_text();
        let mut waited = Duration::ZERO;
        let outcome = loop {
            // On its own line, so that no lock is held while it waits.
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

    /// Writes a line, and only reports a failure: for events without an answer to hold back.
    pub fn write_now(&self, line: &AuditLine) {
        let outcome = self.sink().write(&line.to_text());
        let _ = self.note(outcome);
    }

    /// Whether the last write failed.
    pub fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    /// The number of lines that could not be written since the start.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Writes a line if the last write failed. Otherwise perhaps nothing would, as clients back off.
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
        // Checked first, as it nearly always is unchanged.
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

/// Writes a line for each background renewal; does nothing without an audit log.
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
