//! A pool in a test's hands: its clock, its GitHub, and its log.

use std::future::{Future, poll_fn};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Poll;

use crate::broker::log::{LogFormat, Writer};
use crate::broker::pool::tests::{ANY, LONG, NOW};
use crate::broker::pool::*;
use crate::broker::ready::{Outcome, Ready};
use crate::broker::turns::who;
use crate::platform::clock;
use crate::tokens::secret::Secret;
use crate::tokens::token::{Facts, Source, Token};

/// A pool, its clock, the mints that it has begun, and what becomes of them.
pub struct World {
    pub pool: Arc<Pool>,
    pub clock: Arc<Mutex<Moment>>,
    pub log: Arc<Mutex<String>>,
    pub writer: Option<Writer>,
    pub begun: Receiver<Scope>,
    pub results: Sender<Result<i64, Failure>>,
    pub runtime: tokio::runtime::Runtime,
}

pub type Asking = tokio::task::JoinHandle<Outcome>;

pub fn scope(owner: &str, number: usize) -> Scope {
    Scope { owner: Some(owner.to_owned()), repositories: vec![format!("r{number}")], ..Scope::default() }
}

pub fn limited(seconds: i64) -> Failure {
    Failure::new(Kind::Temporary, "GitHub answered 403").after(seconds)
}

/// A token that comes at this moment.
pub fn ready(expiry: i64, at: Moment) -> Ready {
    let secret = Secret::new("ghs_x".to_owned());
    let facts = Facts::new(Source::App, Some(expiry));
    Ready::new(Token::fresh(secret, facts, at))
}

impl World {
    pub fn new() -> Self {
        Self::with(Limits { patience: LONG, turn: LONG, ..Limits::default() })
    }

    pub fn with(limits: Limits) -> Self {
        let clock = Arc::new(Mutex::new(Moment { wall: NOW, steady: clock::moment().steady }));
        let (start, begun) = channel();
        let (results, outcomes) = channel();
        let text = Arc::new(Mutex::new(String::new()));
        let write = Arc::clone(&text);
        let writing = move |lines: &str| {
            write.lock().unwrap().push_str(lines);
            Ok(())
        };
        let (log, writer) = Log::start_with(LogFormat::Plain, 1 << 20, writing).unwrap();
        let told = Arc::clone(&clock);
        let pool = Pool::start(
            Some(minter("app", start, outcomes, &clock)),
            log,
            limits,
            Box::new(move || *told.lock().unwrap()),
            Box::new(|_, _, _| ()),
        );
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self {
            pool: Arc::new(pool.unwrap()),
            clock,
            log: text,
            writer: Some(writer),
            begun,
            results,
            runtime: runtime.unwrap(),
        }
    }

    pub fn pass(&self, seconds: u64) {
        let mut now = self.clock.lock().unwrap();
        now.steady += Duration::from_secs(seconds);
        now.wall += i64::try_from(seconds).unwrap();
    }

    /// Asks beside the test. What it asks for is in the queue, or answered, when this returns.
    pub fn start(&self, who: &Who, scope: &Scope, wish: Freshness) -> Asking {
        let (pool, who, scope) = (Arc::clone(&self.pool), who.clone(), scope.clone());
        let now = *self.clock.lock().unwrap();
        let mut asking =
            Box::pin(async move { pool.token(&who, &scope, wish, now).await.map(|handed| handed.token) });
        let first = self.runtime.block_on(poll_fn(|context| Poll::Ready(asking.as_mut().poll(context))));
        match first {
            Poll::Ready(outcome) => self.runtime.spawn(async { outcome }),
            Poll::Pending => self.runtime.spawn(asking),
        }
    }

    pub fn end(&self, asking: Asking) -> Outcome {
        self.runtime.block_on(asking).unwrap()
    }

    /// Ends an identity's token of a scope.
    pub fn finish(&self, name: &str, scope: &Scope) -> Result<(), Failure> {
        let now = *self.clock.lock().unwrap();
        self.runtime.block_on(self.pool.end(&who(name), scope, now)).map(drop)
    }

    /// The same for somebody who goes away when that has begun.
    pub fn leave_ending(&self, name: &str, scope: &Scope) {
        let (name, now) = (who(name), *self.clock.lock().unwrap());
        let mut ending = Box::pin(self.pool.end(&name, scope, now));
        let first = self.runtime.block_on(poll_fn(|context| Poll::Ready(ending.as_mut().poll(context))));
        assert!(first.is_pending());
    }

    /// Asks for something that needs no mint, or for which a result is there.
    pub fn ask(&self, who: &Who, scope: &Scope, wish: Freshness) -> Outcome {
        self.end(self.start(who, scope, wish))
    }

    /// What is minted next.
    pub fn next(&self) -> Scope {
        self.begun.recv_timeout(LONG).expect("a mint")
    }

    /// Mints with this life, in seconds.
    pub fn mint(&self, scope: &Scope, life: i64) {
        let asking = self.start(&who("a"), scope, ANY);
        assert_eq!(self.next(), *scope);
        let wall = self.clock.lock().unwrap().wall;
        self.results.send(Ok(wall + life)).unwrap();
        self.end(asking).unwrap();
    }

    pub fn scopes(&self) -> usize {
        self.pool.0.slots.read().unwrap().len()
    }

    /// All that was logged; there will be no more.
    pub fn log(&mut self) -> String {
        self.writer.take().unwrap().end(LONG);
        self.log.lock().unwrap().clone()
    }
}

/// Mints what the test says; no result means that GitHub takes its time.
pub fn minter(
    app: &str,
    began: Sender<Scope>,
    outcomes: Receiver<Result<i64, Failure>>,
    clock: &Arc<Mutex<Moment>>,
) -> Minter {
    let clock = Arc::clone(clock);
    let outcomes = Mutex::new(outcomes);
    let mint = move |scope: &Scope| {
        let _ = began.send(scope.clone());
        let outcome = outcomes.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let expiry = outcome.unwrap_or_else(|_| Err(Failure::new(Kind::Temporary, "the test is over")))?;
        Ok(ready(expiry, *clock.lock().unwrap()))
    };
    Minter { mint: Box::new(mint), end: Box::new(|_| Ok(())), app: app.to_owned(), one_installation: false }
}
