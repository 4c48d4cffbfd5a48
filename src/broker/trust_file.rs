//! The trust file: read again when it changes. Keys of unchanged issuers are kept; decisions about tokens are forgotten
//! with each change.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::broker::log::Log;
use crate::broker::oidc::presented::{Invalid, Presented};
use crate::broker::oidc::{IssuerKeys, KeyFetcher, Verified, verified};
use crate::broker::trust::issuer::{Issuer, KeysFrom};
use crate::broker::trust::{TrustError, TrustRules};
use crate::platform::clock::{self, Moment};
use crate::platform::private_files::{self, Distrust};
use crate::platform::watched::{Content, Watched};
use crate::tokens::error::Failure;
use crate::tokens::signatures;

/// Rules, their issuers' keys, and the tokens verified with them.
pub struct Trust {
    rules: TrustRules,
    /// In the order of the issuers.
    keys: Vec<Arc<IssuerKeys>>,
    verified: Verified,
}

/// The file's rules.
pub struct TrustFile(Watched<Arc<Trust>>);

/// The keys of all issuers named so far, so that a change of the rules costs no fetch.
type KnownKeys = Mutex<HashMap<(String, KeysFrom), Arc<IssuerKeys>>>;

/// Parses a trust file's text.
///
/// # Errors
/// Another user can change the file, or something in it is wrong: then with its line.
fn parse(content: &Content) -> Result<TrustRules, Failure> {
    private_files::file(&content.path, &content.metadata)
        .map_err(|Distrust { cause, fix }| content.failure(format!("{cause}; fix it with: {fix}")))?;
    let text = str::from_utf8(&content.bytes).map_err(|_| content.failure("it is not UTF-8"))?;
    let dir = content.path.parent().unwrap_or(Path::new(""));
    TrustRules::parse(text, dir).map_err(|TrustError { line, message, hint }| {
        content.failure(format!("line {line}: {message}")).hint(hint)
    })
}

/// Reads a trust file now.
///
/// # Errors
/// As for [`parse`], or it cannot be read.
pub fn read_trust(path: &Path) -> Result<TrustRules, Failure> {
    parse(&Content::read("trust file", path)?)
}

impl TrustFile {
    /// Reads the file for the first time, and begins to fetch keys.
    ///
    /// # Errors
    /// It cannot be read, or something in it or in a `jwks_file` is wrong.
    pub fn open(path: &Path, log: &Log, fetcher: &Arc<KeyFetcher>) -> Result<Self, Failure> {
        signatures::install();
        let (known, of_load, fetcher) = (KnownKeys::default(), log.clone(), Arc::clone(fetcher));
        let load = move |contents: &[Content]| {
            let rules = parse(&contents[0])?;
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            let mut now_known = HashMap::new();
            for issuer in &rules.issuers {
                let of = (issuer.name.clone(), issuer.keys.clone());
                let keys = match known.get(&of) {
                    Some(keys) => Arc::clone(keys),
                    None => start(issuer, &of_load, &fetcher).map_err(|failure| {
                        contents[0].failure(format!("issuer {}: {failure}", issuer.name))
                    })?,
                };
                now_known.insert(of, keys);
            }
            *known = now_known;
            let of_issuer = |issuer: &Issuer| known.get(&(issuer.name.clone(), issuer.keys.clone())).cloned();
            let keys = rules.issuers.iter().filter_map(of_issuer).collect();
            for warning in &rules.warnings {
                of_load.event(&format!("warning: {}: {warning}", contents[0].name));
            }
            let said = rules.in_words();
            Ok((Arc::new(Trust { rules, keys, verified: Verified::default() }), said))
        };
        let files = vec![("trust file", path.to_owned())];
        Watched::open(files, "the rules stay as they were", log.clone().into_teller(), Box::new(load))
            .map(Self)
    }

    /// The current rules.
    pub fn current(&self, now: Instant) -> Arc<Trust> {
        self.0.current(now)
    }

    /// Reads the file now, whether or not it has changed, and fetches all keys.
    pub fn read_again(&self) {
        self.0.read_now();
        let now = clock::instant();
        self.current(now).keys.iter().for_each(|keys| keys.refresh(now));
    }
}

/// Keys in files are read at once, to report errors now; keys from the network arrive later.
fn start(issuer: &Issuer, log: &Log, fetcher: &Arc<KeyFetcher>) -> Result<Arc<IssuerKeys>, Failure> {
    let (fetcher, from) = (Arc::clone(fetcher), issuer.keys.clone());
    let is_file = matches!(from, KeysFrom::File(_));
    let keys = IssuerKeys::new(&issuer.name, Box::new(move || fetcher.fetch(&from)), log.clone());
    if is_file {
        keys.fetch_now()?;
    } else {
        keys.maintain(clock::instant());
    }
    Ok(keys)
}

impl Trust {
    /// The numbers of issuers and rules, in words.
    pub fn in_words(&self) -> String {
        self.rules.in_words()
    }

    /// The earlier decision about a token.
    pub fn known(&self, hash: &verified::TokenHash, now: Moment) -> Option<verified::Decided> {
        self.verified.get(hash, now.wall)
    }

    /// The identity of a token; waits for keys if needed. The decision is remembered.
    ///
    /// # Errors
    /// The token is not valid, or the keys to check it are unavailable.
    pub async fn verify(
        &self,
        token: &[u8],
        hash: verified::TokenHash,
        now: Moment,
    ) -> Result<verified::Decided, Invalid> {
        let presented = Presented::read(token)?;
        let issuer = presented.issuer(self.rules.issuers.iter())?;
        let algorithm = presented.algorithm(issuer)?;
        let until = presented.until(issuer.max_age, now.wall)?;
        let at = self.rules.issuers.iter().position(|one| std::ptr::eq(one, issuer));
        let keys = at.and_then(|at| self.keys.get(at)).ok_or(Invalid::NoKeys)?;
        let mut current = keys.current(now.steady);
        if current.is_none() {
            keys.wait_for_first(now.steady).await;
            current = keys.current(now.steady);
        }
        let checked = current.ok_or(Invalid::NoKeys)?.check(&presented, algorithm);
        if checked == Err(Invalid::UnknownKey) && keys.look_for_unknown(now.steady).await {
            keys.current(now.steady).ok_or(Invalid::NoKeys)?.check(&presented, algorithm)?;
        } else {
            checked?;
        }
        let decided = self.rules.identify(issuer, &presented.claims).map(Arc::new);
        self.verified.put(hash, decided.clone(), until);
        Ok(decided)
    }

    /// Fetches keys that are about to be too old, and forgets expired tokens.
    pub fn maintain(&self, now: Moment) {
        self.keys.iter().for_each(|keys| keys.maintain(now.steady));
        self.verified.forget(now.wall);
    }

    /// The age of each issuer's keys; `None`: there are none.
    pub fn ages(&self, now: Instant) -> impl Iterator<Item = (&str, Option<Duration>)> {
        let names = self.rules.issuers.iter().map(|issuer| issuer.name.as_str());
        names.zip(self.keys.iter().map(move |keys| keys.age(now)))
    }
}
