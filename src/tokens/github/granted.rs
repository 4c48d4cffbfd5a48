//! Compares what GitHub has granted with what was requested, before the token is handed out. A token that may do more is
//! refused and revoked: a narrowed token goes where more must not be. If it may do less, a warning says so.
//!
//! A request for everything needs no comparison. If a narrowed token's answer does not say what it grants, it counts as
//! more: GitHub names the permissions of every token, and the repositories of every narrowed one.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::platform::clock;
use crate::tokens::error::{Failure, Kind, escape};
use crate::tokens::github::as_app::App;
use crate::tokens::github::installations::Moved;
use crate::tokens::github::mint_target::MintTarget;
use crate::tokens::github::{api, propagation, refusals};
use crate::tokens::scope::{self, Repository};
use crate::tokens::token::Token;

/// The most items of a kind that a message names.
const NAMED: usize = 8;
/// The most repositories that are looked up under a new name.
const FOLLOWED: usize = 10;

/// What the answer to a mint says about the token.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Grant {
    /// Names and levels.
    pub permissions: Option<BTreeMap<String, String>>,
    /// `all` or `selected`.
    repository_selection: Option<String>,
    repositories: Option<Vec<Granted>>,
}

/// A repository; later versions of the API leave out more and more of it.
#[derive(Debug, Deserialize)]
struct Granted {
    id: Option<u64>,
    name: Option<String>,
    full_name: Option<String>,
}

impl Granted {
    fn name(&self) -> &str {
        let of_full = || Some(self.full_name.as_deref()?.rsplit('/').next().unwrap_or_default());
        self.name.as_deref().or_else(of_full).unwrap_or_default()
    }

    fn shown(&self) -> String {
        match (self.name(), self.id) {
            ("", Some(id)) => format!("the repository with ID {id}"),
            (name, _) => format!("the repository {}", escape(name)),
        }
    }

    fn is(&self, moved: &Moved) -> bool {
        match (moved.id, &moved.name) {
            (Some(id), _) => self.id == Some(id),
            (None, Some(name)) => self.name().eq_ignore_ascii_case(name),
            (None, None) => false,
        }
    }
}

/// In words.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    more: Vec<String>,
    missing: Vec<String>,
    /// The kinds of items that the answer does not name.
    untold: Vec<&'static str>,
}

impl Grant {
    /// The repositories that the token is narrowed to, if the answer names them.
    pub fn repositories(&self) -> Option<Vec<String>> {
        let granted = self.repositories.as_ref()?;
        Some(granted.iter().map(|granted| granted.name().to_owned()).collect())
    }

    /// What is granted beyond the request, what is missing, and what is not stated. `follow` finds a repository that was
    /// renamed or transferred.
    fn compare(&self, asked: &MintTarget, follow: impl Fn(&str) -> Option<Moved>) -> Difference {
        let mut difference = Difference::default();
        if !asked.permissions.is_empty() {
            match &self.permissions {
                Some(granted) => {
                    difference.more = scope::excess_permissions(asked.permissions, granted);
                    difference.missing = scope::missing_permissions(asked.permissions, granted);
                }
                None => difference.untold.push("permissions"),
            }
        }
        if asked.names_repositories() {
            self.compare_repositories(asked, follow, &mut difference);
        }
        difference
    }

    fn compare_repositories(
        &self,
        asked: &MintTarget,
        follow: impl Fn(&str) -> Option<Moved>,
        difference: &mut Difference,
    ) {
        if self.repository_selection.as_deref() == Some("all") {
            difference.more.push("all repositories".to_owned());
            return;
        }
        let Some(granted) = &self.repositories else {
            difference.untold.push("repositories");
            return;
        };
        let ids = asked.repository_ids.iter().flatten();
        let missing_ids: Vec<u64> =
            ids.copied().filter(|id| !granted.iter().any(|granted| granted.id == Some(*id))).collect();
        let is_named = |name: &str, granted: &Granted| granted.name().eq_ignore_ascii_case(name);
        let mut missing: Vec<&String> = asked.repositories.iter().collect();
        missing.retain(|name| !granted.iter().any(|granted| is_named(name, granted)));
        let is_asked = |granted: &&Granted| {
            let by_id = asked.repository_ids.iter().flatten().any(|id| granted.id == Some(*id));
            by_id || asked.repositories.iter().any(|name| is_named(name, granted))
        };
        let mut foreign: Vec<&Granted> = granted.iter().filter(|granted| !is_asked(granted)).collect();
        // GitHub answers with the new name of a renamed repository. Only a difference costs an extra call.
        if !foreign.is_empty() {
            for name in missing.clone().into_iter().take(FOLLOWED) {
                let moved = follow(name);
                let there = |granted: &&Granted| moved.as_ref().is_some_and(|moved| granted.is(moved));
                if foreign.iter().any(there) {
                    foreign.retain(|granted| !there(granted));
                    missing.retain(|other| *other != name);
                }
            }
        }
        difference.more.extend(foreign.iter().map(|granted| granted.shown()));
        difference.missing.extend(missing_ids.iter().map(|id| format!("the repository with ID {id}")));
        difference.missing.extend(missing.iter().map(|name| format!("the repository {name}")));
    }
}

impl App<'_> {
    /// Refuses a token that may do more than was requested, and warns if it may do less.
    ///
    /// # Errors
    /// [`Kind::Other`]: it may do more, or GitHub does not say; the token is revoked.
    pub(crate) fn check_grant(
        &self,
        asked: &MintTarget,
        grant: &Grant,
        token: &Token,
    ) -> Result<(), Failure> {
        let Difference { more, missing, untold } = grant.compare(asked, |name| {
            let owner = asked.installation.account.clone().or_else(|| self.settings.owner.clone())?;
            self.moved(&Repository { owner, name: name.to_owned() }).ok().flatten()
        });
        let message = match (more.is_empty(), untold.is_empty()) {
            (true, true) => {
                if !missing.is_empty() {
                    self.notes.warn_with_hint(
                        &format!("GitHub granted less than was asked for; missing: {}", list(&missing)),
                        "compare --repository and --permission with what the App's installation includes",
                    );
                }
                return Ok(());
            }
            (false, _) => format!("GitHub granted more than was asked for: {}", list(&more)),
            (true, false) => format!("GitHub does not say which {} it granted", untold.join(" and ")),
        };
        let (end, hint) = match self.revoke_new(token) {
            Ok(()) => ("the token was revoked".to_owned(), None),
            Err(failure) => {
                let until = token.facts.expiry.map(|expiry| format!(" until {}", clock::rfc3339(expiry)));
                let end = format!("the token could not be revoked ({failure})");
                (end, Some(format!("it was not handed out, but it is valid{}", until.unwrap_or_default())))
            }
        };
        let failure = Failure::new(Kind::Other, format!("{message}; {end}"));
        let failure = hint.into_iter().fold(failure, Failure::hint);
        Err(failure.hint("GitHub grants no more than is asked for: check the API URL, and that no proxy answers in its place"))
    }

    /// Revokes a token that was not handed out. A new token may not be known to all of GitHub yet, and even this may be
    /// refused.
    fn revoke_new(&self, token: &Token) -> Result<(), Failure> {
        let call = api::revocation(self.api_url(), &token.secret);
        let mut pauses = propagation::pauses();
        loop {
            let answer = self.client.send(&call).map_err(|error| Failure::of(&error))?;
            match answer.status {
                204 => return Ok(()),
                401 | 403 | 404 if pauses.next().is_some_and(|pause| self.client.deadline.wait(pause)) => {}
                _ => return Err(refusals::plain(&answer)),
            }
        }
    }
}

fn list(things: &[String]) -> String {
    let more = things.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", things.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
