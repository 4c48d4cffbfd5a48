//! Mints a token with the App's private key: App JWT, installation, one POST, and a trial until GitHub knows the token.

use anyhow::{Context, Result};

use crate::tokens::ask::{Ask, TokenProvider};
use crate::tokens::error::{Failure, Kind, escape};
use crate::tokens::github::as_app::App;
use crate::tokens::github::installations::FoundInstallation;
use crate::tokens::github::mint_target::MintTarget;
use crate::tokens::github::{propagation, refusals};
use crate::tokens::http::Answer;
use crate::tokens::token::Token;

impl TokenProvider for App<'_> {
    fn token(&self, ask: &Ask) -> Result<Token> {
        let (target, answer) = self.mint(ask)?;
        let context = || format!("mint a token for installation {}", target.installation.id);
        let mut token = self.read(&target, &answer).with_context(context)?;
        if self.settings.verify {
            let owner = propagation::wait_until_known(self, ask.repository.as_ref(), &token);
            token.facts.account = token.facts.account.or(owner);
        }
        Ok(token)
    }
}

impl App<'_> {
    /// Asks for a token; tries once more if the known installation or repository is out of date.
    fn mint<'b>(&self, ask: &'b Ask) -> Result<(MintTarget<'b>, Answer)> {
        let target = |installation| MintTarget {
            installation,
            repositories: ask.scope.repositories.clone(),
            repository_ids: None,
            permissions: &ask.scope.permissions,
        };
        let found = match self.installation(ask) {
            Err(error) if Failure::of(&error).kind == Kind::NotInstalled => {
                return match self.moved_target(ask)? {
                    Some(moved) => self.post(&moved).map(|answer| (moved, answer)),
                    None => Err(error),
                };
            }
            outcome => outcome?,
        };
        let FoundInstallation { installation, remembered } = found;
        let first = target(installation);
        let answer = self.post(&first)?;
        match answer.status {
            404 if remembered => {
                self.check_absence(&answer)?;
                // Re-installed: the account has a new installation ID.
                self.forget(ask.scope.owner.as_deref());
                let second = target(self.installation(ask)?.installation);
                self.post(&second).map(|answer| (second, answer))
            }
            422 if refusals::is_unknown_repository(&answer) => match self.moved_target(ask)? {
                Some(second) => self.post(&second).map(|answer| (second, answer)),
                None => Ok((first, answer)),
            },
            _ => Ok((first, answer)),
        }
    }

    /// The target for a repository that has moved, if the token is only for that repository: a token for all of an
    /// owner's repositories would be kept under the former owner.
    fn moved_target<'b>(&self, ask: &'b Ask) -> Result<Option<MintTarget<'b>>> {
        let Some(repository) = ask.repository.as_ref().filter(|_| self.settings.per_repository) else {
            return Ok(None);
        };
        let Some(moved) = self.moved(repository)? else { return Ok(None) };
        self.notes.note(|| {
            let owner = moved.installation.account.as_deref().unwrap_or("another owner");
            let (old, owner) = (format!("{}/{}", repository.owner, repository.name), escape(owner));
            format!(
                "{old} has moved within GitHub (owner: {owner}); update the remote with git remote set-url"
            )
        });
        let repositories = match (moved.id, moved.name) {
            (Some(_), _) => Vec::new(),
            (None, name) => vec![name.unwrap_or_else(|| repository.name.clone())],
        };
        Ok(Some(MintTarget {
            installation: moved.installation,
            repositories,
            repository_ids: moved.id.map(|id| [id]),
            permissions: &ask.scope.permissions,
        }))
    }
}
