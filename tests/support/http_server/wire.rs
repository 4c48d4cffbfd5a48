//! HTTP/1.1 on the wire: one request in, one response out. <https://www.rfc-editor.org/rfc/rfc9112>

use std::io::{self, BufRead, BufReader, Read, Write};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::message::{Request, Response};

/// No head that a test sends is longer; a runaway client is stopped here.
const LONGEST_LINE: u64 = 64 * 1024;

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Reads one request; `None` when the client has closed the connection between two requests.
pub fn read_request<C: Read + Write>(connection: &mut BufReader<C>) -> io::Result<Option<Request>> {
    let Some(line) = read_line(connection).unwrap_or(None) else { return Ok(None) };
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(bad("request line"));
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        ..Request::default()
    };
    loop {
        let line = read_line(connection)?.ok_or_else(|| bad("cut in the head"))?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| bad("header without colon"))?;
        request.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    request.body = read_body(connection, &request)?;
    Ok(Some(request))
}

fn read_body<C: Read + Write>(connection: &mut BufReader<C>, request: &Request) -> io::Result<Vec<u8>> {
    if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        connection.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        connection.get_mut().flush()?;
    }
    let chunked =
        request.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    if chunked {
        return read_chunks(connection);
    }
    let length = match request.header("content-length") {
        Some(text) => text.parse().map_err(|_| bad("content length"))?,
        None => 0,
    };
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    Ok(body)
}

fn read_chunks<C: Read>(connection: &mut BufReader<C>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(connection)?.ok_or_else(|| bad("cut between chunks"))?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| bad("chunk size"))?;
        if size == 0 {
            break;
        }
        let got = connection.by_ref().take(size).read_to_end(&mut body)?;
        if got as u64 != size || read_line(connection)?.as_deref() != Some("") {
            return Err(bad("cut in a chunk"));
        }
    }
    // Trailers, up to the blank line.
    while read_line(connection)?.is_some_and(|line| !line.is_empty()) {}
    Ok(body)
}

fn read_line<C: Read>(connection: &mut BufReader<C>) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    connection.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(bad("line too long or cut"));
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

/// Seconds since the epoch as a `Date` header.
pub fn http_date(seconds: i64) -> String {
    let timestamp = Timestamp::from_second(seconds).expect("a time within range");
    DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp).expect("a year of four digits")
}

/// A whole response as bytes, so that it goes out in one write.
pub fn encode(response: &Response, method: &str, date: Option<String>) -> Vec<u8> {
    let mut head = vec![format!("HTTP/1.1 {} {}", response.status, reason(response.status))];
    head.extend(response.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    let has = |wanted: &str| response.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    if let Some(date) = date.filter(|_| !has("date")) {
        head.push(format!("Date: {date}"));
    }
    let bodyless = matches!(response.status, 100..=199 | 204 | 304);
    if !bodyless && !has("content-length") {
        head.push(format!("Content-Length: {}", response.body.len()));
    }
    let mut bytes = (head.join("\r\n") + "\r\n\r\n").into_bytes();
    if !bodyless && method != "HEAD" {
        bytes.extend_from_slice(&response.body);
    }
    bytes
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
