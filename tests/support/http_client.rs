//! A bare HTTP/1.1 client that sends what it is given, byte for byte, and reads one response.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::{self, AddressFamily, SocketType};

/// A response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// 0: the connection was closed without one.
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// The first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Sends bytes to a port on loopback and reads one response.
pub fn send(port: u16, bytes: &[u8]) -> Answer {
    let mut stream = connect(port);
    // A server may refuse before it has read all.
    drop(stream.write_all(bytes));
    read(&mut BufReader::new(stream))
}

/// A connection that does not wait forever.
pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
    stream.set_read_timeout(Some(Duration::from_secs(45))).expect("a time limit");
    stream
}

/// The same from 127.0.0.`last`: loopback has many addresses, at least on Linux.
pub fn connect_from(last: u8, port: u16) -> TcpStream {
    try_connect_from(last, port).expect("somebody listens, and there are files")
}

/// The same where that may fail.
pub fn try_connect_from(last: u8, port: u16) -> io::Result<TcpStream> {
    let socket = net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    net::bind(&socket, &SocketAddr::from(([127, 0, 0, last], 0)))?;
    net::connect(&socket, &SocketAddr::from(([127, 0, 0, 1], port)))?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(45)))?;
    Ok(stream)
}

/// `GET` with a bearer and further header lines.
pub fn get(port: u16, target: &str, bearer: &str, more: &str) -> Answer {
    let authorization =
        if bearer.is_empty() { String::new() } else { format!("Authorization: Bearer {bearer}\r\n") };
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: x\r\n{authorization}{more}Connection: close\r\n\r\n");
    send(port, request.as_bytes())
}

/// `DELETE` with a bearer.
pub fn delete(port: u16, target: &str, bearer: &str) -> Answer {
    let authorization =
        if bearer.is_empty() { String::new() } else { format!("Authorization: Bearer {bearer}\r\n") };
    let request = format!("DELETE {target} HTTP/1.1\r\nHost: x\r\n{authorization}Connection: close\r\n\r\n");
    send(port, request.as_bytes())
}

/// `GET` over a Unix socket.
pub fn get_unix(path: &Path, target: &str) -> Answer {
    let mut stream = UnixStream::connect(path).expect("somebody listens");
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a reader");
    read(&mut BufReader::new(stream))
}

/// Reads one response.
pub fn read(stream: &mut impl BufRead) -> Answer {
    try_read(stream).expect("the whole answer")
}

/// The same where the connection may break within it.
pub fn try_read(stream: &mut impl BufRead) -> io::Result<Answer> {
    let mut answer = Answer::default();
    let mut line = String::new();
    if stream.read_line(&mut line).unwrap_or(0) == 0 {
        return Ok(answer);
    }
    answer.status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        answer.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let length = answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    answer.body = String::from_utf8(body).expect("text");
    Ok(answer)
}
