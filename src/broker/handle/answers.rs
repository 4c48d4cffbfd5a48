//! The wire format of the platform's endpoint. Clients search statuses and texts, so they are part of the contract.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::tokens::error::{Failure, Kind};

/// A failure in the endpoint's form.
pub fn failure(status: StatusCode, text: &str) -> Response {
    json_response(status, &json!({ "error": text }))
}

/// The answer to too many requests.
pub fn limited(seconds: u64) -> Response {
    let body = json!({ "error": "rate limit exceeded", "retry_after": seconds });
    after(seconds, json_response(StatusCode::TOO_MANY_REQUESTS, &body))
}

/// Adds the seconds that the client should wait.
pub fn after(seconds: impl Into<HeaderValue>, mut response: Response) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

/// A JSON answer.
pub fn json_response(status: StatusCode, body: &serde_json::Value) -> Response {
    with_headers(status, body.to_string())
}

/// A JSON answer from text.
pub fn with_headers(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer without a body.
pub fn no_content() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// No token; the log names the cause.
pub fn no_token(failed: &Failure) -> Response {
    let mut body = json!({ "error": "token refresh failed" });
    if failed.kind != Kind::Temporary {
        body["retry"] = false.into();
    }
    let response = json_response(StatusCode::INTERNAL_SERVER_ERROR, &body);
    match failed.wait {
        Some(seconds) => after(seconds, response),
        None => response,
    }
}
