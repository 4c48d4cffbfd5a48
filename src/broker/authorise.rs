//! What a request presents, and what its identity may have: the scope that the identity's limits and the server's settings
//! allow. Pure. The texts are a contract with clients that search them.

use axum::http::{HeaderMap, StatusCode, header};

use crate::broker::bearers;
use crate::broker::identity::Identity;
use crate::broker::peer::Peer;
use crate::tokens::scope::Scope;

/// Which of the two token routes.
pub enum Route {
    /// Of no workspace.
    Admin,
    /// With the ID as it stands in the path, decoded; `None`: it is not UTF-8, and so no workspace's.
    Workspace(Option<String>),
}

/// A refusal, with the text that clients look for.
#[derive(Debug, PartialEq, Eq)]
pub struct Denial(pub StatusCode, pub &'static str);

impl Route {
    /// What those hear who present nothing, and those who present what is not valid.
    pub fn refusals(&self) -> (&'static str, &'static str) {
        match self {
            Self::Admin => ("admin auth required", "invalid admin auth token"),
            Self::Workspace(_) => ("missing workspace auth token", "invalid workspace auth token"),
        }
    }

    /// # Errors
    /// It is a workspace's, and names none.
    pub fn check(&self) -> Result<(), Denial> {
        match self {
            Self::Workspace(Some(id)) if id.is_empty() => {
                Err(Denial(StatusCode::UNAUTHORIZED, "missing workspace ID"))
            }
            _ => Ok(()),
        }
    }
}

/// What a request presents: a bearer, or an OIDC token.
///
/// # Errors
/// Nothing, or more than one thing.
pub fn presented<'a>(route: &Route, headers: &'a HeaderMap) -> Result<&'a [u8], Denial> {
    let (missing, invalid) = route.refusals();
    let denied = |text| Err(Denial(StatusCode::UNAUTHORIZED, text));
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, more) = (values.next(), values.next());
    if more.is_some() {
        return denied(invalid);
    }
    // Exactly `Bearer `, as the platform has it.
    let text = value.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let text = text.map(<[u8]>::trim_ascii).unwrap_or_default();
    if text.is_empty() { denied(missing) } else { Ok(text) }
}

/// Whether a request without identities, on a Unix socket, is root's or the server's own user's (`me`).
///
/// # Errors
/// It is somebody else's.
pub fn check_peer((peer, me): (Peer, u32)) -> Result<(), Denial> {
    let own = "without bearers only the broker's own user and root are served";
    if peer.needs_no_bearer(me) { Ok(()) } else { Err(Denial(StatusCode::FORBIDDEN, own)) }
}

/// What the asker gets: never more than the server's settings and the identity's own limits allow.
pub fn authorise(
    identity: Option<&Identity>,
    route: &Route,
    asked: &Scope,
    limits: &Scope,
) -> Result<Scope, Denial> {
    let denied = |text| Err(Denial(StatusCode::FORBIDDEN, text));
    if let Some(workspace) = identity.and_then(|identity| identity.workspace.as_ref()) {
        match route {
            Route::Admin => return denied("this bearer is for its workspace's route only"),
            Route::Workspace(Some(id)) if id == workspace => {}
            Route::Workspace(_) => return denied("this bearer is for another workspace"),
        }
    }
    let own = identity.map(|identity| &identity.limits);
    let within_own = own.map_or_else(|| Some(asked.clone()), |own| bearers::within(own, asked));
    match within_own.and_then(|scope| bearers::within(limits, &scope)) {
        Some(scope) => Ok(scope),
        None => denied("this bearer may not have what is asked for"),
    }
}
