//! Tries a cached token that no client has reported on: see `reports`. As after a mint, but once, and only a plain 401
//! proves that the token was revoked: anything else may have other causes, and the user of the token will see it.

use crate::tokens::cache::entry::Label;
use crate::tokens::github::propagation::{git_call, rest_call};
use crate::tokens::http::Client;
use crate::tokens::scope::Repository;
use crate::tokens::secret::Secret;

/// Whether the git host, or the API where no repository is known, says that there is no such token.
pub fn is_revoked(client: &Client, label: &Label, repository: Option<&Repository>, token: &Secret) -> bool {
    let call = match repository {
        Some(repository) => git_call(&label.host_url, repository, token),
        None => rest_call(&label.api_url, token),
    };
    client.once().probe(&call).is_ok_and(|answer| answer.status == 401)
}
