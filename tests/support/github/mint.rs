//! Minting: what may be asked for, and what GitHub answers when too much is.
//! <https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app>

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::APP_ID;
use super::answers::{failure, repository_json};
use super::state::{Installation, Repository, State, Token, includes};
use crate::support::http_server::{Request, Response, lock};
use crate::support::tokens::{classic_token, rfc3339, stateless_token};

/// GitHub's limit on listed repositories.
const MOST_REPOSITORIES: usize = 500;

/// What a mint asks for besides the installation.
#[derive(Clone, Debug, Default)]
pub struct Narrowing {
    pub repositories: Option<Vec<String>>,
    pub repository_ids: Option<Vec<usize>>,
    pub permissions: Option<BTreeMap<String, String>>,
}

/// A new token.
#[derive(Clone)]
pub struct Minted {
    pub token: String,
    /// Seconds since the epoch, by the server's clock.
    pub expires_at: i64,
    pub permissions: BTreeMap<String, String>,
}

impl Minted {
    /// The expiry as GitHub writes it.
    pub fn expires_at_text(&self) -> String {
        rfc3339(self.expires_at)
    }
}

/// Why there is no token: status and GitHub's message.
#[derive(Clone, Debug)]
pub struct MintError {
    pub status: u16,
    pub message: &'static str,
}

fn refuse<T>(status: u16, message: &'static str) -> Result<T, MintError> {
    Err(MintError { status, message })
}

impl Narrowing {
    fn from_body(body: &[u8]) -> Result<Self, MintError> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return refuse(400, "Problems parsing JSON");
        };
        let Value::Object(fields) = value else { return refuse(400, "Body should be a JSON object") };
        let mut narrowing = Self::default();
        for (key, value) in &fields {
            match key.as_str() {
                "repositories" => narrowing.repositories = Some(strings(value)?),
                "repository_ids" => narrowing.repository_ids = Some(numbers(value)?),
                "permissions" => narrowing.permissions = Some(levels(value)?),
                _ => return refuse(422, "Invalid request. A key is not permitted."),
            }
        }
        Ok(narrowing)
    }
}

fn strings(value: &Value) -> Result<Vec<String>, MintError> {
    let list =
        value.as_array().and_then(|list| list.iter().map(|item| item.as_str().map(str::to_owned)).collect());
    list.map_or_else(|| refuse(422, "Invalid request. repositories is not an array of strings."), Ok)
}

fn numbers(value: &Value) -> Result<Vec<usize>, MintError> {
    let number = |item: &Value| usize::try_from(item.as_u64()?).ok();
    let list = value.as_array().and_then(|list| list.iter().map(number).collect());
    list.map_or_else(|| refuse(422, "Invalid request. repository_ids is not an array of integers."), Ok)
}

fn levels(value: &Value) -> Result<BTreeMap<String, String>, MintError> {
    let pair = |(name, level): (&String, &Value)| Some((name.clone(), level.as_str()?.to_owned()));
    let map = value.as_object().and_then(|map: &Map<String, Value>| map.iter().map(pair).collect());
    map.map_or_else(|| refuse(422, "Invalid request. permissions is not an object of strings."), Ok)
}

impl State {
    /// Mints, or says why not.
    pub fn mint(&self, id: u64, narrowing: &Narrowing, now: i64) -> Result<Minted, MintError> {
        let Some(installation) = self.installation(id) else { return refuse(404, "Not Found") };
        if installation.suspended {
            return refuse(403, "This installation has been suspended");
        }
        self.check_repositories(&installation, narrowing)?;
        let permissions = permissions(&installation, narrowing.permissions.as_ref())?;
        let text = if self.options.classic_tokens { classic_token() } else { stateless_token(APP_ID) };
        let mut inner = lock(&self.inner);
        let token = Token {
            installation: id,
            repositories: narrowing.repositories.clone(),
            repository_ids: narrowing.repository_ids.clone(),
            permissions: permissions.clone(),
            expires_at: now + inner.token_life,
            dead: false,
            denied_until: Instant::now() + inner.deny_for,
            denied_uses: inner.deny_uses,
        };
        let expires_at = token.expires_at;
        inner.tokens.insert(text.clone(), token);
        Ok(Minted { token: text, expires_at, permissions })
    }

    fn check_repositories(&self, of: &Installation, narrowing: &Narrowing) -> Result<(), MintError> {
        let reached = self.repositories_of(of);
        let (names, ids) = (narrowing.repositories.as_deref(), narrowing.repository_ids.as_deref());
        let listed = names.map_or(0, <[_]>::len) + ids.map_or(0, <[_]>::len);
        if names.is_some_and(<[_]>::is_empty)
            || ids.is_some_and(<[_]>::is_empty)
            || listed > MOST_REPOSITORIES
        {
            return refuse(422, "Invalid request. repositories must hold between 1 and 500 names.");
        }
        let known_name = |name: &String| reached.iter().any(|repository| repository.is(&of.owner, name));
        let known_id = |id: &usize| reached.iter().any(|repository| repository.id == *id);
        if !names.unwrap_or_default().iter().all(known_name) || !ids.unwrap_or_default().iter().all(known_id)
        {
            return refuse(
                422,
                "There is at least one repository that does not exist or is not accessible to the parent installation.",
            );
        }
        Ok(())
    }
}

fn permissions(
    installation: &Installation,
    wanted: Option<&BTreeMap<String, String>>,
) -> Result<BTreeMap<String, String>, MintError> {
    let Some(wanted) = wanted else { return Ok(installation.permissions.clone()) };
    if !wanted.iter().all(|(name, level)| includes(installation.permissions.get(name), level)) {
        return refuse(422, "The permissions requested are not granted to this installation.");
    }
    let mut given = wanted.clone();
    // Comes with every set.
    given.entry("metadata".to_owned()).or_insert_with(|| "read".to_owned());
    Ok(given)
}

/// Answers `POST /app/installations/{id}/access_tokens`.
pub fn answer(state: &State, id: u64, request: &Request) -> Response {
    let minted = Narrowing::from_body(&request.body).and_then(|narrowing| {
        let minted = state.mint(id, &narrowing, request.now)?;
        Ok((narrowing, minted))
    });
    let (narrowing, minted) = match minted {
        Ok(both) => both,
        Err(refusal) => return failure(refusal.status, refusal.message),
    };
    let selected = state.installation(id).is_some_and(|installation| installation.selected.is_some());
    let narrowed = narrowing.repositories.is_some() || narrowing.repository_ids.is_some();
    let mut body = json!({
        "token": minted.token,
        "expires_at": rfc3339(minted.expires_at),
        "permissions": minted.permissions,
        "repository_selection": if selected || narrowed { "selected" } else { "all" },
    });
    if narrowed {
        let token = lock(&state.inner).tokens.get(&minted.token).cloned();
        let reached: Vec<Repository> = token.map(|token| state.reach(&token)).unwrap_or_default();
        body["repositories"] = reached.iter().map(repository_json).collect();
    }
    if let Some(alter) = lock(&state.inner).altered {
        alter(&mut body);
    }
    Response::json(201, body)
}
