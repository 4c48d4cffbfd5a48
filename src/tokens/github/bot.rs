//! The App's bot as git's author: its name, and the address that GitHub links to it
//! (<https://github.com/actions/create-github-app-token#configure-git-cli-for-an-apps-bot-user>).

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::platform::clock::Deadline;
use crate::tokens::ask::{Ask, TokenProvider};
use crate::tokens::config::{AppConfig, Config};
use crate::tokens::error::{Failure, Kind, escape};
use crate::tokens::github::api::Api;
use crate::tokens::github::as_app::App;
use crate::tokens::github::refusals;
use crate::tokens::http::{Answer, Call, Client};
use crate::tokens::notes::Notes;
use crate::tokens::scope::Scope;
use crate::tokens::secret::Secret;
use crate::tokens::token::Token;

/// Name and address.
pub struct Bot {
    /// `SLUG[bot]`.
    pub name: String,
    /// `USERID+SLUG[bot]@users.noreply.HOST`.
    pub email: String,
}

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
}

#[derive(Deserialize)]
struct Viewer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    viewer: Login,
}

#[derive(Deserialize)]
struct Login {
    login: String,
}

/// The bot of the App whose key is configured: one for all its installations, so no owner is needed. GitHub
/// shows its user to any token of the App's, and mostly, but not on every server, to anybody.
pub fn of_app(settings: &Config, app: &AppConfig, deadline: Deadline, notes: Notes) -> Result<Bot> {
    let client = || Client::new(&settings.network, deadline, notes);
    let known = App::new(settings, app, client(), notes).identity();
    let slug = known.context("ask GitHub for the name of the App's bot")?.slug;
    let login = checked(format!("{slug}[bot]"))?;
    match any_token(settings, app, &client, notes) {
        Ok(token) => {
            let bot = of_login(settings, &client(), &login, Some(&token));
            // The token is used for nothing else.
            let url = format!("{}/installation/token", settings.api_url);
            if let Err(error) = client().once().send(&call("DELETE", url, Some(&token), None)) {
                notes.note(|| format!("the token for this look-up was not revoked: {error:#}"));
            }
            bot
        }
        Err(error) => {
            notes.note(|| {
                format!("cannot get a token to look up the bot's user ({error:#}); asking without one")
            });
            of_login(settings, &client().once(), &login, None).map_err(|_| error)
        }
    }
}

/// A token of the configured installation, or of any: it can read only what is public.
fn any_token<'a>(
    settings: &'a Config,
    app: &AppConfig,
    client: &impl Fn() -> Client<'a>,
    notes: Notes,
) -> Result<Token> {
    let mut app = app.clone();
    if app.installation_id.is_none() && settings.owner.is_none() {
        let all = App::new(settings, &app, client(), notes).installations()?;
        let usable = all.iter().find(|details| !details.is_suspended());
        app.installation_id = usable.map(|details| details.id);
        if usable.is_none() {
            let message = "all installations of the App are suspended, or it has none";
            return Err(Failure::new(Kind::Refused, message)
                .hint("install it on an account from the App's settings page, Install App")
                .into());
        }
    }
    let read = BTreeMap::from([("metadata".to_owned(), "read".to_owned())]);
    let scope = Scope::new(settings.owner.as_deref(), &[], &read);
    App::new(settings, &app, client(), notes).token(&Ask { scope, ..Ask::default() })
}

/// The bot that a token from a broker acts as.
pub fn of_token(settings: &Config, client: &Client, token: &Token) -> Result<Bot> {
    let login = viewer(settings, client, token).context("ask GitHub for the name of the App's bot")?;
    of_login(settings, client, &login, Some(token))
}

/// Its number is that of the bot's user, not that of the App.
fn of_login(settings: &Config, client: &Client, login: &str, token: Option<&Token>) -> Result<Bot> {
    let encoded = login.replace('[', "%5B").replace(']', "%5D");
    let url = format!("{}/users/{encoded}", settings.api_url);
    let answer = client.send(&call("GET", url, token, None)).context("ask GitHub for the App's bot")?;
    let User { id, login } = read(&answer, settings.into()).context("ask GitHub for the App's bot")?;
    let email = format!("{id}+{login}@users.noreply.{}", settings.host.without_port());
    Ok(Bot { name: login, email })
}

/// Installation tokens may not read `GET /user`, but GraphQL's `viewer` answers `SLUG[bot]` to them.
fn viewer(settings: &Config, client: &Client, token: &Token) -> Result<String> {
    let base = settings.api_url.strip_suffix("/v3").unwrap_or(&settings.api_url);
    let body = r#"{"query":"query{viewer{login}}"}"#.to_owned();
    let answer = client.send(&call("POST", format!("{base}/graphql"), Some(token), Some(body)))?;
    checked(read::<Viewer>(&answer, settings.into())?.data.viewer.login)
}

fn checked(login: String) -> Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_[]".contains(c);
    if login.is_empty() || !login.chars().all(plain) {
        return Err(Failure::new(Kind::Other, format!("GitHub names the bot {}", escape(&login))).into());
    }
    Ok(login)
}

fn call(method: &'static str, url: String, token: Option<&Token>, body: Option<String>) -> Call {
    let none = Secret::new(String::new());
    let call = Call::to_github(method, url, token.map_or(&none, |token| &token.secret));
    let authorization = call.authorization.filter(|_| token.is_some());
    Call { authorization, body, ..call }
}

fn read<T: for<'de> Deserialize<'de>>(answer: &Answer, api: Api) -> Result<T> {
    if answer.status == 200 {
        return Ok(refusals::parse(answer, api)?);
    }
    api.check(answer)?;
    Err(refusals::plain(answer).hint("check the API URL, and that the App is installed").into())
}
