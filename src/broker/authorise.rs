//! Who asks, and what they may have: the bearer of a request, and the scope that its line and the server's settings
//! allow. Pure. The texts are a contract with clients that search them.

use axum::http::{HeaderMap, StatusCode, header};

use crate::broker::bearers::{self, Bearer, Bearers};
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

/// Whose request it is; without bearers (on a Unix socket) root's and the server's own user's (`me`) alone.
pub fn authenticate<'a>(
    bearers: Option<&'a Bearers>,
    route: &Route,
    (peer, me): (Peer, u32),
    headers: &HeaderMap,
) -> Result<Option<&'a Bearer>, Denial> {
    let (missing, invalid) = match route {
        Route::Admin => ("admin auth required", "invalid admin auth token"),
        Route::Workspace(Some(id)) if id.is_empty() => {
            return Err(Denial(StatusCode::UNAUTHORIZED, "missing workspace ID"));
        }
        Route::Workspace(_) => ("missing workspace auth token", "invalid workspace auth token"),
    };
    let Some(bearers) = bearers else {
        let own = "without bearers only the broker's own user and root are served";
        return if peer.needs_no_bearer(me) { Ok(None) } else { Err(Denial(StatusCode::FORBIDDEN, own)) };
    };
    let denied = |text| Err(Denial(StatusCode::UNAUTHORIZED, text));
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, more) = (values.next(), values.next());
    if more.is_some() {
        return denied(invalid);
    }
    // Exactly `Bearer `, as the platform has it.
    let text = value.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let text = text.map(<[u8]>::trim_ascii).unwrap_or_default();
    if text.is_empty() {
        return denied(missing);
    }
    bearers.find(text).map_or_else(|| denied(invalid), |bearer| Ok(Some(bearer)))
}

/// What the asker gets: never more than the server's settings and the bearer's line allow.
pub fn authorise(
    bearer: Option<&Bearer>,
    route: &Route,
    asked: &Scope,
    limits: &Scope,
) -> Result<Scope, Denial> {
    let denied = |text| Err(Denial(StatusCode::FORBIDDEN, text));
    if let Some(workspace) = bearer.and_then(|bearer| bearer.workspace.as_ref()) {
        match route {
            Route::Admin => return denied("this bearer is for its workspace's route only"),
            Route::Workspace(Some(id)) if id == workspace => {}
            Route::Workspace(_) => return denied("this bearer is for another workspace"),
        }
    }
    let own = bearer.map(|bearer| &bearer.limits);
    let within_own = own.map_or_else(|| Some(asked.clone()), |own| bearers::within(own, asked));
    match within_own.and_then(|scope| bearers::within(limits, &scope)) {
        Some(scope) => Ok(scope),
        None => denied("this bearer may not have what is asked for"),
    }
}
