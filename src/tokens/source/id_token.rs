//! The id-token of a GitHub Actions job: one GET at a URL of the job's own, with a bearer of the job's own.
//! <https://docs.github.com/actions/security-for-github-actions/security-hardening-your-deployments/about-security-hardening-with-openid-connect>

use anyhow::{Context, Result};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::tokens::config::{IdTokenSource, JobIdentity};
use crate::tokens::error::{Failure, Kind};
use crate::tokens::http::{Answer, Call, Client};
use crate::tokens::secret::Secret;

const WHO: &str = "GitHub Actions";
/// What a workflow must say, for its jobs to get an id-token.
pub const PERMISSION: &str = "the job's workflow needs permissions: id-token: write";

#[derive(Deserialize)]
struct IdTokenBody {
    value: Zeroizing<String>,
}

/// Asks for an id-token for the audience.
///
/// # Errors
/// This is not a job that may ask, or GitHub issues no id-token; the message holds no secret.
pub fn fetch(source: &IdTokenSource, client: &Client) -> Result<Secret> {
    let context = || "get an id-token from GitHub Actions";
    let JobIdentity { url, bearer } = source.job.as_ref().map_err(Clone::clone).with_context(context)?;
    let separator = if url.contains('?') { '&' } else { '?' };
    let audience = utf8_percent_encode(&source.audience, NON_ALPHANUMERIC);
    let call = Call {
        method: "GET",
        url: format!("{url}{separator}audience={audience}"),
        authorization: Some(Secret::new(format!("Bearer {}", bearer.expose()))),
        headers: vec![("accept", "application/json".to_owned())],
        body: None,
        who: WHO,
    };
    let answer = client.send(&call).with_context(context)?;
    read(&answer).with_context(context)
}

fn read(answer: &Answer) -> Result<Secret, Failure> {
    let status = answer.status;
    let refused =
        |what: &str| Failure::new(Kind::Refused, format!("{WHO} answered {status}: {what}")).hint(PERMISSION);
    match status {
        200 => {}
        401 | 403 => {
            return Err(refused("it does not accept the job's ACTIONS_ID_TOKEN_REQUEST_TOKEN")
                .hint("that variable is valid only for its own job, and only while the job runs"));
        }
        400.. => return Err(refused("it gives no id-token for this audience")),
        _ => return Err(senseless(format!("{WHO} answered {status} instead of an id-token"))),
    }
    let body = serde_json::from_slice::<IdTokenBody>(&answer.body).ok();
    body.and_then(|body| Secret::of_bearer(&body.value))
        .ok_or_else(|| senseless(format!("the answer of {WHO} is not a JSON object with an id-token")))
}

fn senseless(message: String) -> Failure {
    Failure::new(Kind::Other, message)
        .hint("check that ACTIONS_ID_TOKEN_REQUEST_URL is as the runner has set it")
}
