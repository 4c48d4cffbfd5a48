//! Waits until GitHub knows a token everywhere: a new one may be refused for seconds, which git shows as
//! "repository not found". It is handed out in the end whatever the answers were. What time does not change ends the wait
//! at once: a policy, a limit, a repository that the installation does not have, an answer that is not GitHub's.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use crate::platform::clock;
use crate::tokens::error::escape;
use crate::tokens::github::as_app::App;
use crate::tokens::github::refusals;
use crate::tokens::http::{Answer, Call, retry};
use crate::tokens::scope::Repository;
use crate::tokens::secret::Secret;
use crate::tokens::token::Token;

/// The pauses between tries, in milliseconds.
const PAUSES: [u64; 4] = [500, 1000, 2000, 4000];

/// The pauses while GitHub may not know a token yet.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> {
    PAUSES.into_iter().map(Duration::from_millis)
}

/// Tries the token on the repository that git named, else on one cheap REST call, until it is not refused. Returns the
/// login of the token's owner where the answer tells it.
pub fn wait_until_known(app: &App, repository: Option<&Repository>, token: &Token) -> Option<String> {
    let repository = repository.filter(|repository| may_read(app, repository, token));
    let call = match repository {
        Some(repository) => git_call(&app.host_url(), repository, &token.secret),
        None => rest_call(app.api_url(), &token.secret),
    };
    let mut asked = false;
    for pause in pauses().map(Some).chain([None]) {
        let answer = app.client.probe(&call).ok()?;
        match answer.status {
            401 | 403 if is_lasting(app, repository, &answer) => return None,
            401 | 403 => {}
            // REST has no 404 for this call but where the call itself does not exist.
            404 if repository.is_some_and(|repository| asked || is_there(app, repository)) => asked = true,
            _ => return owner(&answer),
        }
        app.notes.note(|| "GitHub does not accept the new token everywhere yet".into());
        if !pause.is_some_and(|pause| app.client.deadline.wait(pause)) {
            break;
        }
    }
    None
}

/// Whether a refusal will be the same in some seconds. A policy is said in GitHub's own words; what anything else on the
/// way has written is not shown.
fn is_lasting(app: &App, repository: Option<&Repository>, answer: &Answer) -> bool {
    if !answer.is_marked_by_github() {
        return answer.is_page();
    }
    let words = answer.words();
    let Some(hint) = refusals::policy(&words) else { return retry::advice(answer, clock::now()).is_some() };
    let place = repository.map(|Repository { owner, name }| format!(" for {owner}/{name}"));
    let place = place.unwrap_or_default();
    let warning = format!("GitHub refuses the new token{place}: {}", escape(&words));
    app.notes.warn_with_hint(&warning, hint);
    true
}

/// Whether the installation has a repository, by what GitHub tells the App: its JWT is known everywhere, and "not found"
/// only to the token is the delay that is waited for.
fn is_there(app: &App, repository: &Repository) -> bool {
    let Repository { owner, name } = repository;
    let there = app.reaches(owner, name);
    if !there {
        app.notes.warn_with_hint(
            &format!(
                "the App's installation does not include {owner}/{name}, or there is no such repository"
            ),
            "an owner can add it to the installation under Settings, Applications",
        );
    }
    there
}

/// Whether the token covers the repository by what GitHub said of it. If not, git will find "repository not found",
/// which looks the same as the delay that is waited for here.
fn may_read(app: &App, repository: &Repository, token: &Token) -> bool {
    let Repository { owner, name } = repository;
    let contents = token.facts.permissions.as_ref().is_none_or(|granted| granted.contains_key("contents"));
    if !contents {
        app.notes.warn(&format!(
            "the token cannot read {owner}/{name}: it lacks the contents permission, because of --permission or of what the App was granted"
        ));
        return false;
    }
    // A repository that was followed to where it is now has another name there.
    let followed = app.settings.per_repository;
    let listed = token.facts.repositories.as_ref().is_none_or(|names| {
        followed || names.is_empty() || names.iter().any(|listed| listed.eq_ignore_ascii_case(name))
    });
    if !listed {
        app.notes.warn(&format!(
            "the token does not cover {owner}/{name}: --repository narrows it to other repositories"
        ));
    }
    listed
}

/// A call that git would begin with.
pub(crate) fn git_call(host_url: &str, repository: &Repository, token: &Secret) -> Call {
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

/// A call that any installation token may make.
pub(crate) fn rest_call(api_url: &str, token: &Secret) -> Call {
    Call::to_github("GET", format!("{api_url}/installation/repositories?per_page=1"), token)
}

/// The owner of the repositories that the REST call lists, if it was that call and there are any.
fn owner(answer: &Answer) -> Option<String> {
    #[derive(Deserialize)]
    struct ListingBody {
        repositories: Vec<ListedRepository>,
    }
    #[derive(Deserialize)]
    struct ListedRepository {
        owner: Owner,
    }
    #[derive(Deserialize)]
    struct Owner {
        login: String,
    }
    let body: ListingBody = serde_json::from_slice(&answer.body).ok()?;
    body.repositories.into_iter().next().map(|listed| listed.owner.login)
}
