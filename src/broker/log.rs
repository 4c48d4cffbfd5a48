//! What the broker tells on stderr: one line for its start, its end and each thing that goes wrong, and one for each
//! request. Plain or JSON; no secret, and nothing of a query but the scope that it was read as.

use std::fmt::{self, Write as _};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;

use super::peer::Peer;
use crate::clock;
use crate::error::{escape, json_line, one_line};
use crate::report;
use crate::scope::Scope;
use crate::threads;

/// For so long a line may wait for others.
const GATHER: Duration = Duration::from_millis(5);

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Plain,
    /// One JSON object a line.
    Json,
}

/// One request, answered.
pub struct Access<'a> {
    /// Who was at the other end.
    pub client: Peer,
    /// The bearer's name; `None`: nobody known.
    pub bearer: Option<&'a str>,
    /// `GET`.
    pub method: &'a str,
    /// Without the query.
    pub path: &'a str,
    /// What was asked for, once known.
    pub scope: Option<&'a Scope>,
    /// The answer.
    pub status: u16,
    /// Until the answer was ready.
    pub took: Duration,
}

/// Takes lines from all sides; one thread writes them, many at a time where many come.
#[derive(Clone)]
pub struct Log {
    form: Form,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    change: Condvar,
}

#[derive(Default)]
struct Waiting {
    text: String,
    /// The current second, and how it is written.
    time: (i64, String),
    ended: bool,
}

impl Waiting {
    fn time(&mut self) -> &str {
        let now = clock::now();
        if self.time.0 != now {
            self.time = (now, clock::rfc3339(now));
        }
        &self.time.1
    }
}

/// The thread that writes; all lines are out once it has ended.
pub struct Writer(JoinHandle<()>, Arc<Shared>);

impl Writer {
    /// Waits until everything is written.
    pub fn end(self) {
        self.1.lock().ended = true;
        self.1.change.notify_one();
        let _ = self.0.join();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) {
        let mut text = String::new();
        loop {
            let mut waiting = self.lock();
            while waiting.text.is_empty() && !waiting.ended {
                waiting = self.change.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            if waiting.text.is_empty() {
                return;
            }
            // Under load the lines of a moment go out together, and the thread is not woken for each.
            let more = |waiting: &mut Waiting| !waiting.ended;
            waiting = match self.change.wait_timeout_while(waiting, GATHER, more) {
                Ok((waiting, _)) => waiting,
                Err(poisoned) => poisoned.into_inner().0,
            };
            std::mem::swap(&mut text, &mut waiting.text);
            drop(waiting);
            report::say(&text);
            text.clear();
        }
    }
}

impl Log {
    /// Starts to write.
    ///
    /// # Errors
    /// There is no thread to write in.
    pub fn start(form: Form) -> io::Result<(Self, Writer)> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = threads::start_vital("log", move || of_thread.write())?;
        Ok((Self { form, shared: Arc::clone(&shared) }, Writer(thread, shared)))
    }

    /// Adds a line, after the time.
    fn plain(&self, line: fmt::Arguments) {
        self.add(|waiting| {
            waiting.time();
            let Waiting { text, time: (_, time), .. } = waiting;
            let _ = writeln!(text, "{time} {line}");
        });
    }

    /// Adds a JSON object with the time in it.
    fn json(&self, mut object: serde_json::Value) {
        self.add(|waiting| {
            object["time"] = waiting.time().into();
            waiting.text.extend([&json_line(&object), "\n"]);
        });
    }

    fn add(&self, add: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.shared.lock();
        let first = waiting.text.is_empty();
        add(&mut waiting);
        drop(waiting);
        if first {
            self.shared.change.notify_one();
        }
    }

    /// Says something.
    pub fn event(&self, message: &str) {
        match self.form {
            Form::Plain => self.plain(format_args!("{}", one_line(message))),
            Form::Json => self.json(json!({ "message": message })),
        }
    }

    /// Notes a request.
    pub fn access(&self, access: &Access) {
        let Access { client, bearer, method, path, scope, status, took } = access;
        let scope = scope.map(in_words).unwrap_or_default();
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        match self.form {
            Form::Plain => {
                let (bearer, method, path) = (bearer.unwrap_or("-"), escape(method), escape(path));
                let scope = if scope.is_empty() { "-" } else { &scope };
                let (millis, parts) = (micros / 1000, micros % 1000);
                self.plain(format_args!(
                    "{client} {bearer} {method} {path} [{scope}] {status} {millis}.{parts:03} ms"
                ));
            }
            Form::Json => self.json(json!({
                "client": client.to_string(),
                "bearer": bearer,
                "method": escape(method),
                "path": escape(path),
                "scope": scope,
                "status": status,
                "duration_ms": f64::from(micros) / 1000.0,
            })),
        }
    }
}

/// A scope in one line.
pub fn in_words(scope: &Scope) -> String {
    let owner = scope.owner.iter().map(|owner| format!("owner={owner}"));
    let repositories = scope.repositories.iter().map(|name| format!("repository={name}"));
    let permissions = scope.permissions.iter().map(|(name, level)| format!("permission={name}={level}"));
    owner.chain(repositories).chain(permissions).collect::<Vec<_>>().join(" ")
}
