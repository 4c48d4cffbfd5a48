//! Requests and responses as the handlers of the test server see them.

use std::time::Duration;

use serde_json::Value;

/// How much of a body is recorded: enough for REST, little of a push.
const RECORDED_BODY: usize = 64 * 1024;

/// A request, fully read.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// The part before `?`, as sent.
    pub path: String,
    /// The part after `?`, or empty.
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The server's clock (with its offset) when the request had arrived.
    pub now: i64,
    /// Scheme and `Host` header, for links.
    pub base_url: String,
}

/// What is kept of a request.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    /// The first 64 KiB of the body.
    pub body: Vec<u8>,
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

impl Request {
    /// The first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// All values of a query key, decoded.
    pub fn query_values(&self, key: &str) -> Vec<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| percent_decode(name) == key).map(|(_, text)| percent_decode(text)).collect()
    }

    /// What `HttpServer::requests` keeps.
    pub fn recorded(&self) -> Recorded {
        Recorded {
            method: self.method.clone(),
            target: self.target.clone(),
            headers: self.headers.clone(),
            body: self.body[..self.body.len().min(RECORDED_BODY)].to_vec(),
        }
    }

    pub(super) fn wants_close(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

impl Recorded {
    /// The first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The body as JSON; `Null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// Decodes `%XX` and leaves everything else, a bad escape too.
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// What the connection does with a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Sends it.
    #[default]
    Normal,
    /// Sends nothing and keeps the connection until the client leaves or the server stops.
    Hang,
    /// Sends nothing and closes the connection.
    Drop,
}

/// An answer, or the refusal to give one.
#[derive(Clone, Debug, Default)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub behaviour: Behaviour,
    /// How long the answer is held back.
    pub delay: Duration,
}

impl Response {
    /// A response without body.
    pub fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// A JSON body, compact.
    pub fn json(status: u16, value: impl Into<Value>) -> Self {
        let body = value.into().to_string();
        Self::bytes(status, "application/json; charset=utf-8", body.into_bytes())
    }

    /// A plain text body.
    pub fn text(status: u16, text: &str) -> Self {
        Self::bytes(status, "text/plain; charset=utf-8", text.as_bytes().to_vec())
    }

    /// Any body.
    pub fn bytes(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self { body, ..Self::empty(status) }.with_header("Content-Type", content_type)
    }

    /// Never answers.
    pub fn hang() -> Self {
        Self { behaviour: Behaviour::Hang, ..Self::empty(0) }
    }

    /// Closes the connection instead of an answer.
    pub fn drop_connection() -> Self {
        Self { behaviour: Behaviour::Drop, ..Self::empty(0) }
    }

    /// The first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Holds the answer back.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}
