//! Waits until GitHub knows a token everywhere: a new one may be refused for seconds, which git shows as
//! "repository not found". It is handed out in the end whatever the answers were.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::app::App;
use crate::http::{Answer, Call};
use crate::scope::Repository;
use crate::secret::Secret;
use crate::token::Token;

/// The pauses between tries, in milliseconds.
const PAUSES: [u64; 4] = [500, 1000, 2000, 4000];

/// Tries the token on the repository that git named, else on one cheap REST call, until it is not refused. Returns the
/// login of the token's owner where the answer tells it.
pub fn wait_until_known(app: &App, repository: Option<&Repository>, token: &Token) -> Option<String> {
    let repository = repository.filter(|repository| may_read(app, repository, token));
    let call = match repository {
        Some(repository) => git_call(&app.host_url(), repository, &token.secret),
        None => rest_call(app.api_url(), &token.secret),
    };
    for pause in PAUSES.map(Duration::from_millis).into_iter().map(Some).chain([None]) {
        let answer = app.client.probe(&call);
        match answer.as_ref().map(|answer| answer.status) {
            // REST has no 404 for this call but where the call itself does not exist.
            Ok(401 | 403) => {}
            Ok(404) if repository.is_some() => {}
            _ => return answer.ok().and_then(|answer| owner(&answer)),
        }
        app.report.note(|| "the new token is not known everywhere yet".into());
        if !pause.is_some_and(|pause| app.client.deadline.wait(pause)) {
            break;
        }
    }
    None
}

/// Whether the token covers the repository by what GitHub said of it. If not, git will find "repository not found",
/// which nobody could tell from the delay that is waited for here.
fn may_read(app: &App, repository: &Repository, token: &Token) -> bool {
    let Repository { owner, name } = repository;
    let contents = token.facts.permissions.as_ref().is_none_or(|granted| granted.contains_key("contents"));
    if !contents {
        app.report.warn(&format!(
            "the token may not read {owner}/{name}: it lacks the permission contents, by --permission or by what the App was granted"
        ));
        return false;
    }
    // A repository that was followed to where it is now has another name there.
    let followed = app.settings.per_repository;
    let listed = token.facts.repositories.as_ref().is_none_or(|names| {
        followed || names.is_empty() || names.iter().any(|listed| listed.eq_ignore_ascii_case(name))
    });
    if !listed {
        app.report.warn(&format!(
            "the token does not cover {owner}/{name}: --repository narrows it to other repositories"
        ));
    }
    listed
}

fn git_call(host_url: &str, repository: &Repository, token: &Secret) -> Call {
    let Repository { owner, name } = repository;
    let basic = STANDARD.encode(format!("x-access-token:{}", token.expose()));
    Call {
        method: "GET",
        url: format!("{host_url}/{owner}/{name}.git/info/refs?service=git-upload-pack"),
        authorization: Some(Secret::new(format!("Basic {basic}"))),
        // Version 2 answers with capabilities instead of all refs (gitprotocol-http(5), gitprotocol-v2(5)).
        headers: vec![("git-protocol", "version=2".to_owned())],
        body: None,
        who: "GitHub",
    }
}

fn rest_call(api_url: &str, token: &Secret) -> Call {
    Call::to_github("GET", format!("{api_url}/installation/repositories?per_page=1"), token)
}

/// The owner of the repositories that the REST call lists, if it was that call and there are any.
fn owner(answer: &Answer) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        repositories: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        owner: Owner,
    }
    #[derive(Deserialize)]
    struct Owner {
        login: String,
    }
    let body: Body = serde_json::from_slice(&answer.body).ok()?;
    body.repositories.into_iter().next().map(|listed| listed.owner.login)
}
