//! The App's bot as git's author: its name, and the address that GitHub links to it
//! (<https://github.com/actions/create-github-app-token#configure-git-cli-for-an-apps-bot-user>).

use anyhow::{Context, Result};
use serde::Deserialize;

use super::api::Api;
use super::refusal;
use crate::error::{Failure, Kind, escape};
use crate::http::{Answer, Call, Client};
use crate::settings::Settings;
use crate::token::Token;

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

/// The bot that a token acts as. Its number is that of the bot's user, not that of the App.
pub fn of(settings: &Settings, client: &Client, token: &Token) -> Result<Bot> {
    let login = viewer(settings, client, token).context("ask GitHub for the name of the App's bot")?;
    let encoded = login.replace('[', "%5B").replace(']', "%5D");
    let url = format!("{}/users/{encoded}", settings.api_url);
    let answer = client.send(&call("GET", url, token, None)).context("ask GitHub for the App's bot")?;
    let user: User = read(&answer, settings.into()).context("ask GitHub for the App's bot")?;
    let User { id, login } = user;
    let email = format!("{id}+{login}@users.noreply.{}", settings.host.name);
    Ok(Bot { name: login, email })
}

/// Installation tokens may not read `GET /user`, but GraphQL's `viewer` answers `SLUG[bot]` to them.
fn viewer(settings: &Settings, client: &Client, token: &Token) -> Result<String> {
    let base = settings.api_url.strip_suffix("/v3").unwrap_or(&settings.api_url);
    let body = r#"{"query":"query{viewer{login}}"}"#.to_owned();
    let answer = client.send(&call("POST", format!("{base}/graphql"), token, Some(body)))?;
    let login = read::<Viewer>(&answer, settings.into())?.data.viewer.login;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_[]".contains(c);
    if login.is_empty() || !login.chars().all(plain) {
        return Err(Failure::new(Kind::Other, format!("GitHub names the bot {}", escape(&login))).into());
    }
    Ok(login)
}

fn call(method: &'static str, url: String, token: &Token, body: Option<String>) -> Call {
    Call { body, ..Call::to_github(method, url, &token.secret) }
}

fn read<T: for<'de> Deserialize<'de>>(answer: &Answer, api: Api) -> Result<T> {
    if answer.status == 200 {
        return Ok(refusal::parse(answer, api)?);
    }
    api.check(answer)?;
    Err(refusal::plain(answer).hint("check the API URL, and that the App is installed").into())
}
