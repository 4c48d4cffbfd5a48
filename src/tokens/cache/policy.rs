//! What is kept on disk for one cache key, and what follows from it for an ask. Pure: bytes and a clock in, values out.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::platform::clock::span;
use crate::tokens::ask::Ask;
use crate::tokens::cache::disk::Stored;
use crate::tokens::cache::lifetimes::{self, PAUSE, STRIKES, within};
use crate::tokens::cache::reports::Reports;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::scope::Scope;
use crate::tokens::secret::Secret;
use crate::tokens::token::{self, Facts, Token};

mod refused;

/// Entries of another version are treated as missing.
const VERSION: u32 = 2;
/// The end of the year 9999, in seconds since 1970.
const LAST_TIME: i64 = 253_402_300_799;

/// The state of one cache key.
#[derive(Debug, Serialize, Deserialize)]
pub struct Entry {
    version: u32,
    label: Option<Label>,
    token: Option<KeptToken>,
    /// Names of tokens that were refused.
    evicted: Vec<String>,
    /// The last fresh token's name, kept on disk or not.
    issued: Option<String>,
    /// git said that the last fresh token works.
    proven: bool,
    strikes: u32,
    paused_until: i64,
    refusal: Option<RememberedRefusal>,
    #[serde(default)]
    reports: Reports,
}

/// What an entry is for, in words: its file's name does not tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The git host's URL.
    pub host_url: String,
    /// The REST base URL, where its token can be revoked.
    pub api_url: String,
    /// What was asked for.
    pub scope: Scope,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptToken {
    text: KeptText,
    facts: Facts,
    /// When it came, by the local clock.
    since: i64,
}

/// Wiped when dropped, like any other copy.
#[derive(Serialize, Deserialize)]
struct KeptText(Zeroizing<String>);

impl std::fmt::Debug for KeptText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("redacted")
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct RememberedRefusal {
    failure: Failure,
    since: i64,
    until: i64,
}

impl RememberedRefusal {
    /// A path never names an enterprise, and settings may: that the App is not installed for an owner was perhaps said
    /// about the path alone.
    fn is_about(&self, ask: &Ask) -> bool {
        self.failure.kind != Kind::NotInstalled || ask.repository.is_some()
    }
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            version: VERSION,
            label: None,
            token: None,
            evicted: Vec::new(),
            issued: None,
            proven: false,
            strikes: 0,
            paused_until: 0,
            refusal: None,
            reports: Reports::default(),
        }
    }
}

/// What to do for an ask.
#[derive(Debug)]
pub enum Decision {
    /// Hand out the cached token.
    Hand(Token),
    /// The same, but nobody has said whether it works: try it first.
    Try(Token),
    /// Say so without asking anybody.
    Fail(Failure),
    /// Ask the provider.
    Renew,
}

impl Entry {
    /// Reads an entry; anything damaged or of another version is an empty one.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let sound = |entry: &Self| entry.version == VERSION && entry.is_plausible();
        serde_json::from_slice(bytes).ok().filter(sound).unwrap_or_default()
    }

    /// Reads an entry from the disk, with its mark.
    pub fn of(stored: &Stored) -> Self {
        let entry = Self::from_bytes(&stored.content);
        Self { reports: entry.reports.marked(stored.mark), ..entry }
    }

    /// The mark for the disk.
    pub fn mark(&self) -> i64 {
        self.reports.mark()
    }

    /// Whether we may have written it: times that no clock has would overflow where they are compared.
    fn is_plausible(&self) -> bool {
        let token = self.token.iter().flat_map(|kept| [Some(kept.since), kept.facts.expiry]);
        let refusal = self.refusal.iter().flat_map(|refusal| [Some(refusal.since), Some(refusal.until)]);
        let mut times = token.chain(refusal).flatten().chain([self.paused_until, self.reports.tried]);
        times.all(|time| (0..=LAST_TIME).contains(&time)) && self.strikes <= STRIKES
    }

    /// The bytes for the disk.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Serialising plain data to memory cannot fail; an empty entry would merely be a miss.
        Zeroizing::new(serde_json::to_vec(self).unwrap_or_default())
    }

    /// What the ask gets, at a time; `margin` in seconds.
    pub fn decide(&self, ask: &Ask, margin: i64, now: i64) -> Decision {
        let wanted = margin.max(ask.min_life);
        let renewed = ask.refused.as_ref().is_none_or(|id| self.evicted.contains(id));
        if renewed
            && let Some(token) = self.alive(now)
            && token.facts.left(now) > Some(wanted)
        {
            let overdue = ask.unreported && self.reports.is_overdue(now);
            return if overdue { Decision::Try(token) } else { Decision::Hand(token) };
        }
        if within(self.paused_until, now, PAUSE) {
            let left = span(self.paused_until - now);
            return Decision::Fail(
                Failure::new(Kind::Temporary, format!("the last {STRIKES} new tokens were refused by the git host; no new one for {left}"))
                    .hint("check that the App is installed on this repository's owner and may read its contents")
                    .hint("a stale http.extraHeader in git's configuration also makes good tokens look refused: git config --get-regexp extraheader"),
            );
        }
        match &self.refusal {
            Some(refusal)
                if within(refusal.until, now, lifetimes::ABSENT)
                    && ask.refused.is_none()
                    && refusal.is_about(ask) =>
            {
                let mut failure = refusal.failure.clone();
                failure.hints.push(format!(
                    "this was said {} ago; it is asked again in {}",
                    span(now - refusal.since),
                    span(refusal.until - now)
                ));
                Decision::Fail(failure)
            }
            _ => Decision::Renew,
        }
    }

    /// What it is for; `None` for one that never had a token.
    pub fn label(&self) -> Option<&Label> {
        self.label.as_ref()
    }

    /// Whether there is a token, expired or not.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The cached token, if it lives at all: better than none when renewal fails. A clock that was set back since it
    /// came would make it look younger than it is, and no token lives longer than GitHub's do, whatever is written here.
    pub fn alive(&self, now: i64) -> Option<Token> {
        let kept = self.token.as_ref().filter(|kept| now >= kept.since - token::SKEW_TOLERANCE)?;
        let expiry = kept.facts.expiry?.min(kept.since + token::LONGEST_LIFE);
        let token = || {
            let facts = Facts { expiry: Some(expiry), ..kept.facts.clone() };
            Token::cached(Secret::new(kept.text.0.to_string()), facts)
        };
        (expiry > now).then(token)
    }

    /// Something was evicted and nothing has come since: a broker must not answer from its own cache.
    pub fn needs_new(&self) -> bool {
        self.token.is_none() && !self.evicted.is_empty()
    }

    /// A token goes to somebody who may never say whether it works.
    pub fn hand_out(&mut self, now: i64) {
        self.reports.hand_out(now);
    }

    /// The cached token was tried, and evicted if it was revoked. That is no strike: trials are few, and mints with them.
    pub fn tried(&mut self, revoked: bool, now: i64) {
        self.reports.clear();
        self.reports.tried = now;
        if revoked {
            self.issued = None;
            self.drop_token();
        }
    }

    /// Takes a fresh token in. One without an expiry, or known to be refused, is not kept.
    pub fn keep(&mut self, token: &Token, label: &Label, now: i64) {
        let id = token.id();
        self.label = Some(label.clone());
        self.refusal = None;
        self.proven = false;
        self.reports.clear();
        self.token = None;
        if !self.evicted.contains(&id) && token.facts.expiry.is_some() {
            let text = KeptText(Zeroizing::new(token.secret.expose().to_owned()));
            self.token = Some(KeptToken { text, facts: token.facts.clone(), since: now });
        }
        self.issued = Some(id);
    }
}

#[cfg(test)]
mod tests;
