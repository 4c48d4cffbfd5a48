//! Explains why GitHub does not mint for an installation by what the installation itself says: which permission or
//! repository is missing, and the page where its owner can grant it. Only asked once minting was refused.

use crate::tokens::error::{Failure, escape};
use crate::tokens::github::as_app::App;
use crate::tokens::github::inspect::Details;
use crate::tokens::github::mint_target::MintTarget;
use crate::tokens::github::refusals;
use crate::tokens::http::Answer;
use crate::tokens::scope;

/// How many repositories of a long list are looked at one by one.
const LOOKED_AT: usize = 10;

impl App<'_> {
    /// The failure for an answer to a mint that is not 201.
    pub(crate) fn explain_mint(&self, target: &MintTarget, answer: &Answer) -> Failure {
        let plain = self.explain(answer);
        let about =
            [refusals::is_suspended, refusals::is_unknown_permission, refusals::is_unknown_repository];
        let about = about.map(|is| is(answer));
        if !about.contains(&true) {
            return plain;
        }
        // A failure here would hide the one that matters.
        let Some(grants) = self.grants(target) else { return plain };
        let hints = match about {
            [true, ..] => suspended(&grants),
            [_, true, _] => permissions(target, &grants),
            _ => self.repositories(target, &grants),
        };
        if hints.is_empty() { plain } else { Failure { hints, ..plain } }
    }

    fn grants(&self, target: &MintTarget) -> Option<Details> {
        let url = format!("{}/app/installations/{}", self.api_url(), target.installation.id);
        let answer = self.look(&url).ok().filter(|answer| answer.status == 200)?;
        refusals::parse(&answer, self.api()).ok()
    }

    fn repositories(&self, target: &MintTarget, grants: &Details) -> Vec<String> {
        let missing = match (target.repositories.as_slice(), grants.owner()) {
            ([only], _) => vec![only.clone()],
            (several, Some(owner)) if several.len() <= LOOKED_AT => {
                several.iter().filter(|name| !self.reaches(owner, name)).cloned().collect()
            }
            _ => Vec::new(),
        };
        let mut hints = Vec::new();
        if !missing.is_empty() {
            hints.push(format!("missing: {}", missing.join(", ")));
        }
        hints.push(format!(
            "check the names given to --repository; an owner can add repositories to the installation at {}",
            escape(grants.page())
        ));
        hints
    }

    /// Whether the App is installed for a repository; `true` where GitHub does not say.
    pub(crate) fn reaches(&self, owner: &str, name: &str) -> bool {
        let url = format!("{}/repos/{owner}/{name}/installation", self.api_url());
        self.look(&url).map_or(true, |answer| answer.status != 404 || !answer.is_githubs_refusal())
    }

    /// Once: a failure must not be delayed by its explanation.
    fn look(&self, url: &str) -> anyhow::Result<Answer> {
        self.client.probe(&self.call("GET", url, None)?)
    }
}

fn suspended(grants: &Details) -> Vec<String> {
    let owner = grants.owner().map_or_else(|| "the account".to_owned(), escape);
    vec![format!("an owner of {owner} must unsuspend the App's installation at {}", escape(grants.page()))]
}

fn permissions(target: &MintTarget, grants: &Details) -> Vec<String> {
    let missing = scope::missing_permissions(target.permissions, &grants.permissions);
    if missing.is_empty() {
        return Vec::new();
    }
    vec![
        format!("missing: {}", missing.join(", ")),
        format!("ask for less with --permission, or let an owner grant it at {}", escape(grants.page())),
        "an owner can grant only the permissions that the App requests on its own settings page".to_owned(),
    ]
}
