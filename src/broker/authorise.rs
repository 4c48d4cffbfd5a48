//! What a request presents, and the scope it may have within the identity's limits and the server's settings. Pure.
//! Clients search the texts, so they are part of the contract.

use axum::http::{HeaderMap, StatusCode, header};

use crate::broker::bearers;
use crate::broker::identity::Identity;
use crate::broker::peer::Peer;
use crate::tokens::scope::Scope;

/// One of the two token routes.
pub enum Route {
    /// The route without a workspace.
    Admin,
    /// A workspace's route, with the decoded ID from the path; `None`: it is not UTF-8, so it belongs to no workspace.
    Workspace(Option<String>),
}

/// A refusal, with the text that clients search for.
#[derive(Debug, PartialEq, Eq)]
pub struct Denial(pub StatusCode, pub &'static str);

impl Route {
    /// The texts for a missing and for an invalid credential.
    pub fn refusals(&self) -> (&'static str, &'static str) {
        match self {
            Self::Admin => ("admin auth required", "invalid admin auth token"),
            Self::Workspace(_) => ("missing workspace auth token", "invalid workspace auth token"),
        }
    }

    /// # Errors
    /// It is a workspace's route without an ID.
    pub fn check(&self) -> Result<(), Denial> {
        match self {
            Self::Workspace(Some(id)) if id.is_empty() => {
                Err(Denial(StatusCode::UNAUTHORIZED, "missing workspace ID"))
            }
            _ => Ok(()),
        }
    }
}

/// The credential of a request: a bearer or an OIDC token.
///
/// # Errors
/// There is none, or more than one.
pub fn presented<'a>(route: &Route, headers: &'a HeaderMap) -> Result<&'a [u8], Denial> {
    let (missing, invalid) = route.refusals();
    let denied = |text| Err(Denial(StatusCode::UNAUTHORIZED, text));
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, more) = (values.next(), values.next());
    if more.is_some() {
        return denied(invalid);
    }
    // Exactly `Bearer `, as the platform does.
    let text = value.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let text = text.map(<[u8]>::trim_ascii).unwrap_or_default();
    if text.is_empty() { denied(missing) } else { Ok(text) }
}

/// Checks that a request without identities, on a Unix socket, comes from root or the server's own user (`me`).
///
/// # Errors
/// It comes from another user.
pub fn check_peer((peer, me): (Peer, u32)) -> Result<(), Denial> {
    let own = "without bearers only the broker's own user and root are served";
    if peer.needs_no_bearer(me) { Ok(()) } else { Err(Denial(StatusCode::FORBIDDEN, own)) }
}

/// The scope that the asker gets: never more than the server's settings and the identity's own limits allow.
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
