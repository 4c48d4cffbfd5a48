//! A response, and what it says of itself: its clock, GitHub's marks, and the sentences in it.

use serde::Deserialize;
use serde_json::Value;
use ureq::http::HeaderMap;
use zeroize::Zeroizing;

/// Sentences are shorter.
const MAX_LINE: usize = 1024;

/// A response with its whole body.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Who answered in the end, after redirects.
    pub url: String,
    pub(crate) headers: HeaderMap,
    /// May hold a token.
    pub body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// What a server has answered, with headers as `Name: value` lines.
    pub fn of_text(status: u16, headers: &str, body: &[u8]) -> Self {
        let pairs = headers.lines().filter_map(|line| line.split_once(": "));
        let headers = pairs.filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
        let headers = headers.collect::<HeaderMap>();
        Self { status, url: String::new(), headers, body: Zeroizing::new(body.to_vec()) }
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The server's clock, in seconds since 1970.
    pub fn date(&self) -> Option<i64> {
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(self.header("date")?).ok()?;
        Some(date.as_second())
    }

    /// Whether GitHub's API has refused something in its own form: a JSON object with a `message`, and a header that
    /// github.com and Enterprise Server send with every answer, and no proxy, login page or gateway does.
    pub fn is_githubs_refusal(&self) -> bool {
        self.is_marked_by_github() && !self.message().is_empty()
    }

    /// Whether it has come from GitHub at all, be it the API, the git host or a page.
    pub fn is_marked_by_github(&self) -> bool {
        ["x-github-request-id", "x-github-media-type"].iter().any(|mark| self.headers.contains_key(*mark))
    }

    /// Whether it is a web page: the API answers in JSON.
    pub fn is_page(&self) -> bool {
        let named = self.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        named || self.body.trim_ascii_start().first() == Some(&b'<')
    }

    /// The `message` of GitHub's JSON errors, not yet escaped; empty where there is none.
    pub fn message(&self) -> String {
        self.refusal().message.as_str().unwrap_or_default().to_owned()
    }

    /// The page of the manual that GitHub's JSON errors name.
    pub fn documentation(&self) -> String {
        self.refusal().documentation_url.as_str().unwrap_or_default().to_owned()
    }

    /// What is said in words, not yet escaped: a JSON `message`, or the first line of a plain text, as the git host has it.
    pub fn words(&self) -> String {
        let message = self.message();
        if !message.is_empty()
            || !self.header("content-type").is_some_and(|kind| kind.starts_with("text/plain"))
        {
            return message;
        }
        let line = self.body.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        String::from_utf8_lossy(&line[..line.len().min(MAX_LINE)]).into_owned()
    }

    /// Whether a broker says that the same request would fail again, until somebody acts.
    pub fn says_no_retry(&self) -> bool {
        self.refusal().retry == Value::Bool(false)
    }

    fn refusal(&self) -> ErrorBody {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// GitHub's JSON errors, and a broker's; all else in a body stays there, as it may be a secret.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    message: Value,
    documentation_url: Value,
    retry: Value,
}
