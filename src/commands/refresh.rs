//! `refresh`: keeps tokens with enough time left in the cache, and gh logged in, for cron and timers. Silent on
//! success.

use anyhow::{Context, Result};
use clap::Args;

use crate::commands::{each, existing_cache};
use crate::platform::clock::{self, Deadline, span};
use crate::programs::gh::{Gh, LoginError};
use crate::programs::git::here::Here;
use crate::report::Report;
use crate::session::{Asks, chosen, note_origins, provider};
use crate::settings::{self, Profile, Sources, other_programs};
use crate::tokens::ask::{Ask, TokenProvider};
use crate::tokens::cache::lifetimes::REFRESHED;
use crate::tokens::cache::{key, listing};
use crate::tokens::config::Config;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::scope::{Repository, Scope};
use crate::tokens::source::cached::Cached;
use crate::tokens::token::Token;

/// Options of `refresh`
#[derive(Debug, Args)]
pub struct RefreshArgs {
    /// Refresh every scope that has a token in the cache
    #[arg(long)]
    pub all: bool,
    /// Also log gh in with the token
    #[arg(long)]
    pub gh: bool,
    /// Renew a token with less time left [default: 40m]
    #[arg(long, value_name = "DUR")]
    pub min_life: Option<String>,
}

/// Runs the command.
pub fn run(sources: &Sources, arguments: &RefreshArgs, report: Report) -> Result<()> {
    let min_life = arguments.min_life.as_deref();
    let min_life = match settings::option_duration("--min-life", min_life)?.as_secs() {
        0 if min_life.is_none() => REFRESHED,
        seconds => i64::try_from(seconds).unwrap_or(i64::MAX),
    };
    let here = Here::default();
    let run = Run { here: &here, min_life, report };
    if !arguments.all {
        let profile = chosen(sources, &here, report)?;
        return if arguments.gh { run.log_gh_in(&profile) } else { run.own(&profile) };
    }
    let mut tasks: Vec<(Profile, Task)> =
        sources.profiles()?.into_iter().map(|profile| (profile, Task::All)).collect();
    for (profile, _) in &tasks {
        note_origins(profile, report);
    }
    if arguments.gh {
        tasks.extend(sources.for_each_host()?.into_iter().map(|profile| (profile, Task::LogGhIn)));
    }
    each(tasks, report, |(profile, task)| {
        let outcome = match task {
            Task::All => run.all(&profile),
            Task::LogGhIn => run.log_gh_in(&profile),
        };
        match profile.name {
            Some(name) => outcome.with_context(|| format!("profile {name}")),
            None => outcome,
        }
    })
}

/// What to do for a profile.
#[derive(Clone, Copy)]
enum Task {
    All,
    LogGhIn,
}

/// What all profiles share.
struct Run<'a> {
    here: &'a Here,
    min_life: i64,
    report: Report,
}

impl Run<'_> {
    fn own(&self, profile: &Profile) -> Result<()> {
        let settings = profile.settings()?;
        let refresh = self.refresh(&settings);
        refresh.own_asks()?.run(|ask| refresh.one(ask)).map(drop)
    }

    fn all(&self, profile: &Profile) -> Result<()> {
        self.refresh(&profile.settings()?).all()
    }

    fn log_gh_in(&self, profile: &Profile) -> Result<()> {
        self.refresh(&profile.settings()?).log_gh_in()
    }

    fn refresh<'a>(&'a self, settings: &'a Config) -> Refresh<'a> {
        let Self { here, min_life, report } = *self;
        Refresh { settings, here, min_life, deadline: Deadline::after(settings.timeout), report }
    }
}

struct Refresh<'a> {
    settings: &'a Config,
    here: &'a Here,
    min_life: i64,
    deadline: Deadline,
    report: Report,
}

impl Refresh<'_> {
    /// Every scope of these settings that has a token in the cache.
    fn all(&self) -> Result<()> {
        let Some(cache) = existing_cache(self.settings)? else { return Ok(()) };
        let scopes = listing::scopes(&cache, self.report.notes).context("list the cached tokens")?;
        let ours = scopes.into_iter().filter(|(key, scope)| *key == key::of(self.settings, scope));
        each(ours, self.report, |(_, scope)| {
            let ask =
                Ask { repository: self.repository(&scope), scope, min_life: self.min_life, ..Ask::default() };
            match self.one(&ask) {
                Err(error) if Failure::of(&error).kind == Kind::NotInstalled => {
                    // Uninstalled in the meantime: no reason to complain every 30 minutes.
                    self.report.note(|| format!("{error:#}; forgetting its token"));
                    self.provider(&ask.scope).evict(None);
                    Ok(())
                }
                outcome => outcome.map(drop),
            }
        })
    }

    fn one(&self, ask: &Ask) -> Result<Token> {
        let token = self.provider(&ask.scope).token(ask)?;
        self.report.note(|| {
            let owner = ask.scope.owner.as_deref().or(token.facts.account.as_deref());
            let left = token.facts.left(clock::now()).map(span);
            let owner = crate::tokens::error::escape(owner.unwrap_or("the only installation"));
            format!("the token of {owner} has {} left", left.unwrap_or_else(|| "an unknown time".to_owned()))
        });
        Ok(token)
    }

    /// The repository that a `per_repository` scope is for; after a move, its new name.
    fn repository(&self, scope: &Scope) -> Option<Repository> {
        match (&scope.owner, scope.repositories.as_slice()) {
            (Some(owner), [name]) if self.settings.per_repository => {
                Some(Repository { owner: owner.clone(), name: name.clone() })
            }
            _ => None,
        }
    }

    fn own_asks(&self) -> Result<Asks> {
        Ok(Asks::here(self.settings, self.here, self.report)?.with_min_life(self.min_life))
    }

    fn provider(&self, scope: &Scope) -> Cached<'_> {
        provider(self.settings, scope, self.deadline, self.report)
    }

    /// Mints first: with empty stdin, gh would start a login of its own.
    fn log_gh_in(&self) -> Result<()> {
        let host = &self.settings.host;
        if let Some((name, _)) = other_programs::shadowing_tokens(host)?.first() {
            self.report.warn(&format!(
                "{name} is set and shadows gh's login for {}: unset it, or run gh through exec",
                host.name
            ));
        }
        let gh = Gh::new(host, &self.settings.network, self.deadline)?;
        self.own_asks()?.run(|ask| self.log_in(&gh, ask))
    }

    fn log_in(&self, gh: &Gh, ask: &Ask) -> Result<()> {
        let provider = self.provider(&ask.scope);
        let mut token = self.one(ask)?;
        let mut outcome = gh.log_in(&token.secret);
        if matches!(outcome, Err(LoginError::DeadToken)) {
            self.report.note(|| "gh says the token was refused; logging in again with a new one".into());
            provider.evict(Some(&token.secret));
            token = self.one(ask)?;
            outcome = gh.log_in(&token.secret);
        }
        outcome.map_err(in_words).context("log gh in")?;
        provider.prove(&token.secret);
        self.report.note(|| {
            format!("gh is logged in to {} ({})", self.settings.host.name, gh.directory().display())
        });
        Ok(())
    }
}

fn in_words(error: LoginError) -> Failure {
    match error {
        LoginError::Failed(failure) => failure,
        LoginError::DeadToken => Failure::new(Kind::Refused, "GitHub answered gh with 401 for a new token")
            .hint("check the App's installation, and that gh uses the same GitHub host"),
    }
}
