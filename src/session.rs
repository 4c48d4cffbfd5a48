//! From settings to a cached provider and an ask: shared by every command that needs a token.

use anyhow::Result;

use crate::platform::clock::Deadline;
use crate::programs::git::here::Here;
use crate::report::Report;
use crate::settings::{Profile, Sources};
use crate::tokens::ask::{Ask, TokenProvider};
use crate::tokens::cache::entry::Label;
use crate::tokens::cache::key;
use crate::tokens::config::{AppConfig, Config};
use crate::tokens::error::{Failure, Kind};
use crate::tokens::github::as_app::App;
use crate::tokens::http::Client;
use crate::tokens::scope::{Repository, Scope};
use crate::tokens::source::Auto;
use crate::tokens::source::cached::{Cached, Keeping};
use crate::tokens::source::remote::RemoteBroker;

pub mod request;

/// The provider that the settings describe, behind the cache entry for a scope.
pub fn provider<'a>(settings: &'a Config, scope: &Scope, deadline: Deadline, report: Report) -> Cached<'a> {
    let client = Client::new(&settings.network, deadline, report.notes);
    let broker = settings.broker.as_ref().map(|broker| {
        let broker = RemoteBroker::new(settings, broker, deadline, report.notes);
        let has_fallback = settings.app.is_some();
        let broker = if has_fallback { broker.with_attempts(2, deadline.left() / 3) } else { broker };
        Box::new(broker) as Box<dyn TokenProvider>
    });
    let app = settings
        .app
        .as_ref()
        .map(|app| Box::new(App::new(settings, app, client, report.notes)) as Box<dyn TokenProvider>);
    let inner: Box<dyn TokenProvider> = match (broker, app) {
        (Some(broker), Some(app)) => Box::new(Auto { broker, app, notes: report.notes }),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => unreachable!("settings without a source are refused"),
    };
    if settings.cache_dir.is_none() && !settings.no_cache {
        report.warn(
            "no home directory for the cache; continuing without it (set GITHUB_APP_CACHE_DIR, or --no-cache)",
        );
    }
    let keeping = Keeping {
        dir: settings.cache_dir.clone(),
        key: key::of(settings, scope),
        label: label(settings, scope),
        margin: settings.margin,
    };
    Cached::new(inner, Client::new(&settings.network, deadline, report.notes), keeping, report.notes)
}

/// Describes what a cache entry is for.
fn label(settings: &Config, scope: &Scope) -> Label {
    Label { host_url: settings.host.url(), api_url: settings.api_url.clone(), scope: scope.clone() }
}

/// What to ask for, given the repository from git. `None`: not ours, as the settings narrow tokens to other
/// repositories.
pub fn ask(settings: &Config, repository: Option<Repository>) -> Option<Ask> {
    let owner = repository.as_ref().map(|repository| repository.owner.as_str()).or(settings.owner.as_deref());
    let named: Vec<String> = match &repository {
        Some(repository) if settings.per_repository => {
            let listed = settings.repositories.iter().any(|name| name.eq_ignore_ascii_case(&repository.name));
            if !listed && !settings.repositories.is_empty() {
                return None;
            }
            vec![repository.name.clone()]
        }
        _ => settings.repositories.clone(),
    };
    let scope = Scope::new(owner, &named, &settings.permissions);
    Some(Ask { scope, repository, ..Ask::default() })
}

/// What a command asks for without a repository from git: the settings' repository or, if they leave the owner open,
/// the clone's.
pub struct Asks {
    first: Ask,
    /// The fallback for a clone whose owner does not have the App.
    otherwise: Option<Ask>,
}

impl Asks {
    /// Chooses.
    ///
    /// # Errors
    /// The settings narrow each token to the repository that git names, and there is none.
    pub fn here(settings: &Config, here: &Here, report: Report) -> Result<Self> {
        let is_open = |app: &AppConfig| app.installation_id.is_none();
        let open = settings.owner.is_none() && settings.app.as_ref().is_some_and(is_open);
        let narrow = settings.per_repository && settings.repositories.is_empty();
        let of_owner = |repository: &Repository| {
            settings.owner.as_ref().is_none_or(|owner| owner.eq_ignore_ascii_case(&repository.owner))
        };
        let found = if open || narrow { here.repository_at(&settings.host).filter(of_owner) } else { None };
        if let Some(Repository { owner, name }) = &found {
            report.note(|| format!("for {owner}/{name}, the origin of this clone"));
        }
        if narrow && found.is_none() {
            let message = "per_repository is set, but there is no clone here to name a repository";
            return Err(Failure::new(Kind::Settings, message)
                .hint("name it with --repository, or set --per-repository=false")
                .into());
        }
        let otherwise = (found.is_some() && !narrow).then(|| ask_or_default(settings));
        Ok(Self { first: ask(settings, found).unwrap_or_default(), otherwise })
    }

    /// The same with a minimum remaining life, in seconds.
    #[must_use]
    pub fn with_min_life(mut self, min_life: i64) -> Self {
        self.first.min_life = min_life;
        self.otherwise.iter_mut().for_each(|ask| ask.min_life = min_life);
        self
    }

    /// The same for a client that may never report whether the token works.
    #[must_use]
    pub fn handing_out(mut self, settings: &Config) -> Self {
        for ask in std::iter::once(&mut self.first).chain(&mut self.otherwise) {
            ask.unreported = settings.verify;
        }
        self
    }

    /// Runs `work` for the ask and, if the clone's owner does not have the App, for the ask without that owner.
    pub fn run<T>(&self, act: impl Fn(&Ask) -> Result<T>) -> Result<T> {
        match (act(&self.first), &self.otherwise) {
            (Err(error), Some(otherwise)) if Failure::of(&error).kind == Kind::NotInstalled => act(otherwise),
            (outcome, _) => outcome,
        }
    }
}

/// The profile for a command without a request from git.
pub fn chosen<'a>(sources: &'a Sources, here: &Here, report: Report) -> Result<Profile<'a>, Failure> {
    let profile = sources.chosen(|host| here.repository_at(host).map(|repository| repository.owner))?;
    note_origins(&profile, report);
    Ok(profile)
}

/// The same if no token is handed out: without a repository, only the owner.
pub fn ask_or_default(settings: &Config) -> Ask {
    ask(settings, None).unwrap_or_default()
}

/// Prints under `-v` which settings were given, and where.
pub fn note_origins(profile: &Profile, report: Report) {
    if !report.is_verbose() {
        return;
    }
    if let Some(name) = profile.name {
        report.note(|| format!("profile {name}"));
    }
    for setting in profile.listing().iter().filter(|setting| setting.is_given()) {
        report.note(|| format!("setting {} from {}", setting.name, setting.origin()));
    }
}
