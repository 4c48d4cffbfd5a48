//! The broker's log on stderr: one line for its start, its end and each error, and one for each request. Plain or JSON;
//! no secrets, and nothing of a query except the scope.
//!
//! Nobody waits for a slow reader: what does not fit into the buffer is dropped and counted. Clients choose the length
//! of paths, methods and scopes, so each is cut.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

use crate::broker::peer::Peer;
use crate::platform::watched::Tell;
use crate::platform::{clock, threads};
use crate::tokens::error::{escape, json_line, one_line};
use crate::tokens::scope::Scope;

/// How long a line may wait to be written with others.
const GATHER: Duration = Duration::from_millis(5);
/// Bytes of request lines that may wait for the reader: a fifth of a second of the fastest flood.
const MOST: usize = 4 << 20;
/// The same for other lines, which are few and explain what is wrong.
const RESERVE: usize = 64 << 10;
/// Bytes shown of a path.
pub const PATH: usize = 256;
/// Bytes shown of a method; all real ones are shorter.
const METHOD: usize = 32;
/// Bytes shown of a scope; the rest is only counted.
pub const SCOPE: usize = 512;
/// Bytes shown of a message.
const MESSAGE: usize = 2048;

/// The log format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Plain,
    /// One JSON object a line.
    Json,
}

/// An answered request.
pub struct Access<'a> {
    /// The client.
    pub client: Peer,
    /// The identity's name; `None`: not authenticated.
    pub identity: Option<&'a str>,
    /// `GET`.
    pub method: &'a str,
    /// Without the query.
    pub path: &'a str,
    /// The scope asked for, once known.
    pub scope: Option<&'a Scope>,
    /// Why it was refused, if the client is not told.
    pub reason: Option<Cow<'static, str>>,
    /// The status.
    pub status: u16,
    /// When it came, in seconds since 1970.
    pub started: i64,
    /// The time until the answer was ready.
    pub took: Duration,
}

/// Takes lines from all threads; one thread writes them, many at a time under load.
#[derive(Clone)]
pub struct Log {
    form: LogFormat,
    most: usize,
    shared: Arc<Buffer>,
}

#[derive(Default)]
struct Buffer {
    waiting: Mutex<Waiting>,
    change: Condvar,
    /// The number of lines dropped since the start.
    dropped: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    text: String,
    /// The number of lines dropped since the last report.
    dropped: u64,
    /// The current second, as text.
    time: (i64, String),
    ended: bool,
    /// Whether the thread has written everything.
    finished: bool,
}

impl Waiting {
    fn time(&mut self, now: i64) -> &str {
        if self.time.0 != now {
            self.time = (now, clock::rfc3339(now));
        }
        &self.time.1
    }

    /// Adds a line, after the time.
    fn plain(&mut self, now: i64, line: fmt::Arguments) {
        self.time(now);
        let Self { text, time: (_, time), .. } = self;
        let _ = writeln!(text, "{time} {line}");
    }

    /// Adds a JSON object with the time in it.
    fn json(&mut self, now: i64, mut object: serde_json::Value) {
        object["time"] = self.time(now).into();
        self.text.extend([&json_line(&object), "\n"]);
    }

    fn event(&mut self, form: LogFormat, message: &str) {
        match form {
            LogFormat::Plain => self.plain(clock::now(), format_args!("{}", one_line(message))),
            LogFormat::Json => self.json(clock::now(), json!({ "message": message })),
        }
    }
}

/// The thread that writes.
pub struct Writer(Arc<Buffer>);

impl Writer {
    /// Waits until everything is written, but no longer than this: the reader may have stopped reading.
    pub fn end(self, patience: Duration) {
        let mut waiting = self.0.lock();
        waiting.ended = true;
        self.0.change.notify_all();
        let unfinished = |waiting: &mut Waiting| !waiting.finished;
        drop(self.0.change.wait_timeout_while(waiting, patience, unfinished));
    }
}

impl Buffer {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, form: LogFormat, mut write: impl FnMut(&str) -> io::Result<()>) {
        let mut text = String::new();
        loop {
            let mut waiting = self.lock();
            while waiting.text.is_empty() && !waiting.ended {
                waiting = self.change.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            if waiting.text.is_empty() {
                waiting.finished = true;
                self.change.notify_all();
                return;
            }
            // Under load, lines are collected for a moment and written together, so that the thread is not woken for
            // each.
            let more = |waiting: &mut Waiting| !waiting.ended;
            waiting = match self.change.wait_timeout_while(waiting, GATHER, more) {
                Ok((waiting, _)) => waiting,
                Err(poisoned) => poisoned.into_inner().0,
            };
            if waiting.dropped > 0 {
                let dropped = std::mem::take(&mut waiting.dropped);
                let lines = if dropped == 1 { "line was" } else { "lines were" };
                let message = format!("{dropped} {lines} dropped here: the reader of this log is too slow");
                waiting.event(form, &message);
            }
            std::mem::swap(&mut text, &mut waiting.text);
            drop(waiting);
            if write(&text).is_err() {
                self.drop_lines(&mut self.lock(), text.matches('\n').count());
            }
            text.clear();
            // A burst is short; its memory should not stay.
            text.shrink_to(MOST / 16);
        }
    }

    fn drop_lines(&self, waiting: &mut Waiting, count: usize) {
        waiting.dropped += count as u64;
        self.dropped.fetch_add(count as u64, Ordering::Relaxed);
    }
}

impl Log {
    /// Starts to write.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        form: LogFormat,
        write: impl FnMut(&str) -> io::Result<()> + Send + 'static,
    ) -> io::Result<(Self, Writer)> {
        Self::start_with(form, MOST, write)
    }

    /// The same with a buffer of this many bytes.
    pub fn start_with(
        form: LogFormat,
        most: usize,
        write: impl FnMut(&str) -> io::Result<()> + Send + 'static,
    ) -> io::Result<(Self, Writer)> {
        let shared = Arc::new(Buffer::default());
        let of_thread = Arc::clone(&shared);
        threads::start_vital("log", move || of_thread.write(form, write))?;
        Ok((Self { form, most, shared: Arc::clone(&shared) }, Writer(shared)))
    }

    /// The number of lines dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    fn add(&self, most: usize, add: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.shared.lock();
        if waiting.text.len() >= most {
            return self.shared.drop_lines(&mut waiting, 1);
        }
        let first = waiting.text.is_empty();
        add(&mut waiting);
        drop(waiting);
        if first {
            self.shared.change.notify_one();
        }
    }

    /// Logs a message.
    pub fn event(&self, message: &str) {
        let message = cut(message, MESSAGE);
        self.add(self.most + RESERVE, |waiting| waiting.event(self.form, &message));
    }

    /// A function that logs messages.
    pub fn into_teller(self) -> Tell {
        Box::new(move |message| self.event(message))
    }

    /// Logs a request.
    pub fn access(&self, access: &Access) {
        let Access { client, identity, method, path, scope, reason, status, started, took } = access;
        let scope = scope.map(in_words).unwrap_or_default();
        let now = started.saturating_add(i64::try_from(took.as_secs()).unwrap_or(0));
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let (method, path) = (escape(method), escape(path));
        let (method, path) = (cut(&method, METHOD), cut(&path, PATH));
        self.add(self.most, |waiting| match self.form {
            LogFormat::Plain => {
                let identity = identity.unwrap_or("-");
                let (before, reason) = reason.as_deref().map_or(("", ""), |reason| (": ", reason));
                let scope = if scope.is_empty() { "-" } else { &scope };
                let (millis, parts) = (micros / 1000, micros % 1000);
                waiting.plain(
                    now,
                    format_args!(
                        "{client} {identity} {method} {path} [{scope}] {status} {millis}.{parts:03} ms{before}{reason}"
                    ),
                );
            }
            LogFormat::Json => waiting.json(
                now,
                json!({
                    "client": client.to_string(),
                    "identity": identity,
                    "method": method,
                    "path": path,
                    "scope": scope,
                    "reason": reason,
                    "status": status,
                    "duration_ms": f64::from(micros) / 1000.0,
                }),
            ),
        });
    }
}

/// At most this many bytes of an already escaped text; ends with three dots if cut.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(most - 3);
    Cow::Owned(format!("{}...", &text[..end]))
}

/// A scope in one line. GitHub allows 500 repositories for one token, so only the first are named.
pub fn in_words(scope: &Scope) -> String {
    let mut text = String::new();
    let mut more = 0;
    let mut add = |part: fmt::Arguments| {
        if text.len() > SCOPE {
            more += 1;
            return;
        }
        let space = if text.is_empty() { "" } else { " " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{space}{part}");
    };
    scope.owner.iter().for_each(|owner| add(format_args!("owner={owner}")));
    scope.repositories.iter().for_each(|name| add(format_args!("repository={name}")));
    scope.permissions.iter().for_each(|(name, level)| add(format_args!("permission={name:.100}={level}")));
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    text
}
