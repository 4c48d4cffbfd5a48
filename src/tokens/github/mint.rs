//! One mint: the call, and the token in its answer
//! (<https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app>).

use anyhow::{Context, Result};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::platform::clock;
use crate::tokens::cache::looked_up::Installation;
use crate::tokens::github::as_app::App;
use crate::tokens::github::granted::Grant;
use crate::tokens::github::mint_target::MintTarget;
use crate::tokens::github::refusals;
use crate::tokens::http::Answer;
use crate::tokens::secret::Secret;
use crate::tokens::token::{self, Facts, Source, Token};

#[derive(Deserialize)]
struct Minted {
    token: Zeroizing<String>,
    #[serde(default)]
    expires_at: serde_json::Value,
    #[serde(flatten)]
    grant: Grant,
}

impl App<'_> {
    /// Asks for a token.
    pub(crate) fn post(&self, target: &MintTarget) -> Result<Answer> {
        let id = target.installation.id;
        let url = format!("{}/app/installations/{id}/access_tokens", self.api_url());
        self.as_app("POST", &url, Some(serde_json::to_string(target)?))
            .with_context(|| format!("mint a token for installation {id}"))
    }

    /// The token in an answer.
    ///
    /// # Errors
    /// It was refused, or may do more than was asked for.
    pub(crate) fn read(&self, target: &MintTarget, answer: &Answer) -> Result<Token> {
        if answer.status != 201 {
            return Err(self.explain_mint(target, answer).into());
        }
        let minted: Minted = refusals::parse(answer, self.api())?;
        token::check_text(&minted.token)?;
        let Installation { id, account } = &target.installation;
        self.notes.note(|| format!("minted a token for installation {id}"));
        let at = clock::moment();
        let facts = Facts {
            expiry: token::local_expiry(minted.expires_at.as_str(), answer.date(), at.wall),
            source: Source::App,
            installation_id: Some(*id),
            account: account.clone().or_else(|| self.settings.owner.clone()),
            permissions: minted.grant.permissions.clone(),
            repositories: minted.grant.repositories(),
        };
        let token = Token::fresh(Secret::new(minted.token.to_string()), facts, at);
        self.check_grant(target, &minted.grant, &token)?;
        Ok(token)
    }
}
