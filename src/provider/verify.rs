//! Waits until GitHub knows a token everywhere: a new one may be refused for seconds, which git shows as
//! "repository not found". It is handed out in the end whatever the answers were.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::http::{Call, Client, github_headers};
use crate::report::Report;
use crate::scope::Repository;
use crate::secret::Secret;

/// The pauses between tries, in milliseconds.
const PAUSES: [u64; 4] = [500, 1000, 2000, 4000];

/// Where to try.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The git host.
    pub host_url: &'a str,
    /// The REST base.
    pub api_url: &'a str,
}

/// Tries the token on the repository that git named, else on one cheap REST call, until it is not refused.
pub fn wait_until_known(
    client: &Client,
    place: Place,
    repository: Option<&Repository>,
    token: &Secret,
    report: Report,
) {
    let call = match repository {
        Some(repository) => git_call(place.host_url, repository, token),
        None => rest_call(place.api_url, token),
    };
    for pause in PAUSES.map(Duration::from_millis).into_iter().map(Some).chain([None]) {
        match client.probe(&call).map(|answer| answer.status) {
            // REST has no 404 for this call but where the call itself does not exist.
            Ok(401 | 403) => {}
            Ok(404) if repository.is_some() => {}
            _ => return,
        }
        report.note(|| "the new token is not known everywhere yet".into());
        if !pause.is_some_and(|pause| client.deadline.wait(pause)) {
            return;
        }
    }
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
    Call {
        method: "GET",
        url: format!("{api_url}/installation/repositories?per_page=1"),
        authorization: Some(Secret::new(format!("Bearer {}", token.expose()))),
        headers: github_headers(),
        body: None,
        who: "GitHub",
    }
}
