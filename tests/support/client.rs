//! A small HTTP client over one connection that is kept alive.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A client of one server, as one caller.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    authorization: Option<String>,
    connection: Option<TcpStream>,
}

impl Client {
    /// An anonymous client.
    #[must_use]
    pub const fn anonymous(address: SocketAddr) -> Self {
        Self { address, authorization: None, connection: None }
    }

    /// A client with a user's key.
    #[must_use]
    pub fn user(address: SocketAddr, user: &str, key: &str) -> Self {
        let encoded = STANDARD.encode(format!("{user}:{key}"));
        Self { authorization: Some(format!("Basic {encoded}")), ..Self::anonymous(address) }
    }

    /// Another client of the same server as the same caller, with a connection of its own.
    #[must_use]
    pub fn again(&self) -> Self {
        let authorization = self.authorization.clone();
        Self { address: self.address, authorization, connection: None }
    }

    /// Sends a request and waits for the answer. A request is never sent twice.
    ///
    /// # Errors
    /// When the server goes away.
    pub fn send(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Reply> {
        let mut stream = match self.connection.take() {
            Some(stream) => stream,
            None => connect(self.address)?,
        };
        let authorization = self.authorization.as_ref();
        let authorization =
            authorization.map_or(String::new(), |value| format!("Authorization: {value}\r\n"));
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n{authorization}\r\n",
            self.address
        );
        stream.write_all(&[head.as_bytes(), body].concat())?;
        let reply = read_reply(&mut stream, method)?;
        if reply.header("connection") != Some("close") {
            self.connection = Some(stream);
        }
        Ok(reply)
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

fn read_reply(stream: &mut TcpStream, method: &str) -> io::Result<Reply> {
    let mut buffer = Vec::new();
    let head_end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        read_some(stream, &mut buffer)?;
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    let mut rest = buffer.split_off(head_end);
    let (status, headers) = parse_head(&head).ok_or_else(|| broken("the head of an answer"))?;
    let mut reply = Reply { status, headers, body: Vec::new() };
    if method == "HEAD" || status == 304 || status == 204 {
        return Ok(reply);
    }
    let length = reply.header("content-length").and_then(|length| length.parse::<usize>().ok());
    let length = length.ok_or_else(|| broken("an answer without a length"))?;
    while rest.len() < length {
        read_some(stream, &mut rest)?;
    }
    reply.body = rest;
    Ok(reply)
}

fn read_some(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = [0; 64 << 10];
    match stream.read(&mut chunk)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => {
            buffer.extend_from_slice(&chunk[..count]);
            Ok(())
        }
    }
}

fn parse_head(head: &str) -> Option<(u16, Vec<(String, String)>)> {
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Some((status, lines.filter_map(header).collect()))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
