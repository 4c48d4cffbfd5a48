//! `token`: prints one installation token and a newline, nothing else. `--json` also prints what is known about it.

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::commands::print;
use crate::platform::clock::{Deadline, rfc3339};
use crate::programs::git::here::Here;
use crate::report::Report;
use crate::session::{Asks, chosen, provider};
use crate::settings::{self, Sources};
use crate::tokens::ask::TokenProvider;
use crate::tokens::config::Config;
use crate::tokens::secret::Secret;
use crate::tokens::token::Token;

/// Options of `token`
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// Print the token and its properties as JSON
    #[arg(long)]
    pub json: bool,
    /// Ask for a token valid for at least this long, such as 40m
    #[arg(long, value_name = "DUR")]
    pub min_life: Option<String>,
}

/// Runs the command.
pub fn run(sources: &Sources, arguments: &TokenArgs, report: Report) -> Result<()> {
    let min_life = settings::option_duration("--min-life", arguments.min_life.as_deref())?;
    let here = Here::default();
    let settings = chosen(sources, &here, report)?.settings()?;
    let deadline = Deadline::after(settings.timeout);
    let min_life = i64::try_from(min_life.as_secs()).unwrap_or(i64::MAX);
    let asks = Asks::here(&settings, &here, report)?.with_min_life(min_life).handing_out(&settings);
    let token = asks.run(|ask| provider(&settings, &ask.scope, deadline, report).token(ask))?;
    let text = if arguments.json { json_text(&token, &settings) } else { token.secret.expose().to_owned() };
    print(&Secret::new(text + "\n"))
}

fn json_text(token: &Token, settings: &Config) -> String {
    let facts = &token.facts;
    json!({
        "token": token.secret.expose(),
        "expires_at": facts.expiry.map(rfc3339),
        "host": settings.host.name,
        "api_url": settings.api_url,
        "installation_id": facts.installation_id,
        "account": facts.account,
        "permissions": facts.permissions,
        "repositories": facts.repositories,
        "source": facts.source,
    })
    .to_string()
}
