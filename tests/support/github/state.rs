//! What the loopback GitHub knows: installations, repositories and tokens.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{Options, repos};
use crate::support::http_server::{Response, lock};
use crate::support::inherited::{Directory, directory};

/// Everything that handlers share.
pub struct State {
    pub options: Options,
    pub inner: Mutex<Inner>,
    root: Directory,
}

/// The part that changes.
pub struct Inner {
    pub installations: Vec<Installation>,
    pub repositories: Vec<Repository>,
    /// Old names (owner, name) and the id of the repository that had them.
    pub old_names: Vec<(String, String, usize)>,
    pub tokens: HashMap<String, Token>,
    pub scripted_mints: VecDeque<Response>,
    pub scripted_revocations: VecDeque<Response>,
    pub scripted_roots: VecDeque<Response>,
    /// What is changed in the answers to mints, whatever the token may do.
    pub altered: Option<fn(&mut serde_json::Value)>,
    /// What the git host answers to every token.
    pub git_refusal: Option<Response>,
    pub token_life: i64,
    pub deny_for: Duration,
    pub deny_uses: usize,
}

/// The App on one account.
#[derive(Clone)]
pub struct Installation {
    pub id: u64,
    pub owner: String,
    pub enterprise: bool,
    pub suspended: bool,
    /// `None`: all of the owner's repositories.
    pub selected: Option<Vec<String>>,
    pub permissions: BTreeMap<String, String>,
}

/// A repository with its bare directory.
#[derive(Clone)]
pub struct Repository {
    pub id: usize,
    pub owner: String,
    pub name: String,
    pub public: bool,
}

/// A minted token.
#[derive(Clone)]
pub struct Token {
    pub installation: u64,
    /// `None`: all that the installation reaches.
    pub repositories: Option<Vec<String>>,
    /// The same by number.
    pub repository_ids: Option<Vec<usize>>,
    pub permissions: BTreeMap<String, String>,
    pub expires_at: i64,
    pub dead: bool,
    pub denied_until: Instant,
    pub denied_uses: usize,
}

/// What a presented token is worth.
pub enum Standing {
    /// Never minted, revoked or expired.
    Dead,
    /// Minted so lately that this replica has not heard of it.
    NotYetKnown,
    /// Its installation is suspended.
    Suspended,
    /// Good, for what it covers.
    Live(Token),
}

impl State {
    pub fn new(options: Options) -> Self {
        let inner = Inner {
            installations: Vec::new(),
            repositories: Vec::new(),
            old_names: Vec::new(),
            tokens: HashMap::new(),
            scripted_mints: VecDeque::new(),
            scripted_revocations: VecDeque::new(),
            scripted_roots: VecDeque::new(),
            altered: None,
            git_refusal: None,
            token_life: 3600,
            deny_for: Duration::ZERO,
            deny_uses: 0,
        };
        let root = directory("loopback-github-");
        Self { options, inner: Mutex::new(inner), root }
    }

    /// Where the bare repositories lie, as `OWNER/NAME.git`.
    pub fn root(&self) -> &std::path::Path {
        self.root.path()
    }

    pub fn add_installation(&self, id: u64, owner: &str) {
        let permissions = self.options.permissions.iter().cloned().collect();
        let owner = owner.to_owned();
        let installation =
            Installation { id, owner, enterprise: false, suspended: false, selected: None, permissions };
        lock(&self.inner).installations.push(installation);
    }

    pub fn change_installation(&self, id: u64, change: impl FnOnce(&mut Installation)) {
        let mut inner = lock(&self.inner);
        let installation = inner.installations.iter_mut().find(|installation| installation.id == id);
        change(installation.expect("a known installation"));
    }

    pub fn create_repository(&self, owner: &str, name: &str) {
        repos::create(&self.root().join(owner).join(format!("{name}.git")));
        let mut inner = lock(&self.inner);
        let id = inner.repositories.len() + 1;
        let (owner, name) = (owner.to_owned(), name.to_owned());
        inner.repositories.push(Repository { id, owner, name, public: false });
    }

    pub fn move_repository(&self, from: (&str, &str), to: (&str, &str)) {
        let new_dir = self.root().join(to.0).join(format!("{}.git", to.1));
        std::fs::create_dir_all(new_dir.parent().expect("below the root")).expect("a directory of ours");
        std::fs::rename(self.repo_dir(from.0, from.1), new_dir).expect("a directory of ours");
        let mut inner = lock(&self.inner);
        let repository = inner.repositories.iter_mut().find(|repository| repository.is(from.0, from.1));
        let repository = repository.expect("a known repository");
        (repository.owner, repository.name) = (to.0.to_owned(), to.1.to_owned());
        let id = repository.id;
        inner.old_names.push((from.0.to_owned(), from.1.to_owned(), id));
    }

    /// The repository that had this name once.
    pub fn moved_repository(&self, owner: &str, name: &str) -> Option<Repository> {
        let inner = lock(&self.inner);
        let (.., id) = inner
            .old_names
            .iter()
            .find(|(old, of, _)| old.eq_ignore_ascii_case(owner) && of.eq_ignore_ascii_case(name))?;
        inner.repositories.iter().find(|repository| repository.id == *id).cloned()
    }

    pub fn make_public(&self, owner: &str, name: &str) {
        let mut inner = lock(&self.inner);
        let repository = inner.repositories.iter_mut().find(|repository| repository.is(owner, name));
        repository.expect("a known repository").public = true;
    }

    pub fn repository(&self, owner: &str, name: &str) -> Option<Repository> {
        lock(&self.inner).repositories.iter().find(|repository| repository.is(owner, name)).cloned()
    }

    pub fn repo_dir(&self, owner: &str, name: &str) -> PathBuf {
        let repository = self.repository(owner, name).expect("a known repository");
        self.root().join(repository.owner).join(format!("{}.git", repository.name))
    }

    pub fn installation(&self, id: u64) -> Option<Installation> {
        lock(&self.inner).installations.iter().find(|installation| installation.id == id).cloned()
    }

    pub fn installation_of(&self, owner: &str) -> Option<Installation> {
        self.find_installation(owner, false)
    }

    pub fn installation_of_enterprise(&self, slug: &str) -> Option<Installation> {
        self.find_installation(slug, true)
    }

    fn find_installation(&self, name: &str, enterprise: bool) -> Option<Installation> {
        let inner = lock(&self.inner);
        let wanted =
            |found: &&Installation| found.enterprise == enterprise && found.owner.eq_ignore_ascii_case(name);
        inner.installations.iter().find(wanted).cloned()
    }

    /// Judges a token; each call counts as one use of it.
    pub fn standing(&self, text: &str, now: i64) -> Standing {
        let mut inner = lock(&self.inner);
        let Some(token) = inner.tokens.get_mut(text) else { return Standing::Dead };
        if token.dead || token.expires_at <= now {
            return Standing::Dead;
        }
        if token.denied_uses > 0 || Instant::now() < token.denied_until {
            token.denied_uses = token.denied_uses.saturating_sub(1);
            return Standing::NotYetKnown;
        }
        let token = token.clone();
        match inner.installations.iter().find(|installation| installation.id == token.installation) {
            None => Standing::Dead,
            Some(installation) if installation.suspended => Standing::Suspended,
            Some(_) => Standing::Live(token),
        }
    }

    /// The repositories that a token reaches.
    pub fn reach(&self, token: &Token) -> Vec<Repository> {
        let Some(installation) = self.installation(token.installation) else { return Vec::new() };
        let narrowed = |repository: &Repository| {
            token.repositories.as_ref().is_none_or(|names| repository.named_in(names))
                && token.repository_ids.as_ref().is_none_or(|ids| ids.contains(&repository.id))
        };
        self.repositories_of(&installation).into_iter().filter(narrowed).collect()
    }

    /// The repositories that an installation reaches.
    pub fn repositories_of(&self, installation: &Installation) -> Vec<Repository> {
        let inner = lock(&self.inner);
        let reached = inner.repositories.iter().filter(|repository| {
            repository.owner.eq_ignore_ascii_case(&installation.owner)
                && installation.selected.as_ref().is_none_or(|names| repository.named_in(names))
        });
        reached.cloned().collect()
    }
}

impl Repository {
    pub fn is(&self, owner: &str, name: &str) -> bool {
        self.owner.eq_ignore_ascii_case(owner) && self.name.eq_ignore_ascii_case(name)
    }

    fn named_in(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.name.eq_ignore_ascii_case(name))
    }
}

/// Whether a granted level includes the wanted one.
pub fn includes(granted: Option<&String>, wanted: &str) -> bool {
    let rank = |level: &str| ["read", "write", "admin"].iter().position(|known| *known == level);
    let granted = granted.and_then(|level| rank(level));
    rank(wanted).is_some_and(|wanted| granted.is_some_and(|granted| granted >= wanted))
}
