//! What is kept on disk for one cache key. What follows from it for an ask says `policy`. Pure: bytes and a clock in, values
//! out.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::platform::clock::span;
use crate::tokens::ask::Ask;
use crate::tokens::cache::disk::Stored;
use crate::tokens::cache::lifetimes::STRIKES;
use crate::tokens::cache::policy::{self, Kept, Verdict};
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

/// What an entry is for, in words, as its file name is only a hash.
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
    /// Settings can name an enterprise, a path cannot. So "not installed" for an owner from a path does not apply to the
    /// same owner from the settings.
    fn is_about(&self, ask: &Ask) -> bool {
        self.failure.kind != Kind::NotInstalled || ask.repository.is_some()
    }

    /// The failure, with a hint that it is a remembered one.
    fn again(&self, now: i64) -> Failure {
        let mut failure = self.failure.clone();
        let (ago, again) = (span(now - self.since), span(self.until - now));
        failure.hints.push(format!("this answer is {ago} old; the server is asked again in {again}"));
        failure
    }
}

/// An entry as the policy looks at it.
struct EntryView<'a> {
    entry: &'a Entry,
    ask: &'a Ask,
    now: i64,
}

impl Kept for EntryView<'_> {
    fn left(&self) -> Option<i64> {
        Some(self.entry.end(self.now)? - self.now)
    }

    fn age(&self) -> i64 {
        self.entry.token.as_ref().map_or(0, |kept| self.now - kept.since)
    }

    fn is_unwanted(&self) -> bool {
        self.ask.refused.as_ref().is_some_and(|id| !self.entry.evicted.contains(id))
    }

    fn is_overdue(&self) -> bool {
        self.ask.unreported && self.entry.reports.is_overdue(self.now)
    }

    fn failure(&self) -> Option<(Kind, i64)> {
        let is_answer =
            |refusal: &&RememberedRefusal| self.ask.refused.is_none() && refusal.is_about(self.ask);
        let refusal = self.entry.refusal.as_ref().filter(is_answer)?;
        Some((refusal.failure.kind, self.now - refusal.since))
    }

    fn pause(&self) -> i64 {
        self.entry.paused_until - self.now
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
    /// The same, but no client has reported whether it works: try it first.
    Try(Token),
    /// Fail without asking the provider.
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
        let seen = EntryView { entry: self, ask, now };
        match policy::decide(&seen, margin.max(ask.min_life), policy::HELPER) {
            Verdict::Hand => self.valid(now).map_or(Decision::Renew, Decision::Hand),
            Verdict::Try => self.valid(now).map_or(Decision::Renew, Decision::Try),
            Verdict::Paused => Decision::Fail(self.paused(now)),
            Verdict::Refused => {
                self.refusal.as_ref().map_or(Decision::Renew, |refusal| Decision::Fail(refusal.again(now)))
            }
            Verdict::Renew => Decision::Renew,
        }
    }

    fn paused(&self, now: i64) -> Failure {
        let left = span(self.paused_until - now);
        Failure::new(Kind::Temporary, format!("the last {STRIKES} new tokens were refused by the git host; no new one for {left}"))
            .hint("check that the App is installed on this repository's owner and may read its contents")
            .hint("a stale http.extraHeader in git's configuration also makes good tokens look refused: git config --get-regexp extraheader")
    }

    /// What it is for; `None` for one that never had a token.
    pub fn label(&self) -> Option<&Label> {
        self.label.as_ref()
    }

    /// Whether there is a token, expired or not.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The cached token, if it has not expired: better than none when renewal fails. A clock that was set back since
    /// would make it look younger than it is, and no token is valid for longer than GitHub's are, whatever the file says.
    pub fn valid(&self, now: i64) -> Option<Token> {
        let (kept, expiry) = (self.token.as_ref()?, self.end(now)?);
        let facts = Facts { expiry: Some(expiry), ..kept.facts.clone() };
        Some(Token::cached(Secret::new(kept.text.0.to_string()), facts))
    }

    /// When the cached token expires, if that lies ahead.
    fn end(&self, now: i64) -> Option<i64> {
        let kept = self.token.as_ref().filter(|kept| now >= kept.since - token::SKEW_TOLERANCE)?;
        let expiry = kept.facts.expiry?.min(kept.since + token::LONGEST_LIFE);
        (expiry > now).then_some(expiry)
    }

    /// Something was evicted and nothing has come since: a broker must not answer from its own cache.
    pub fn needs_new(&self) -> bool {
        self.token.is_none() && !self.evicted.is_empty()
    }

    /// A token goes to a client that may never report whether it works.
    pub fn hand_out(&mut self, now: i64) {
        self.reports.hand_out(now);
    }

    /// The cached token was tried, and evicted if it was revoked. It does not count as a strike: trials are rare, and so are the mints that they cause.
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
