//! The program with its engine, prepared for raw requests, and a client for them that does not
//! wait for what does not come.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::corpus::{Words, shown};
use crate::program::{PATIENCE, Program, by_shell, start};

const ADMIN_KEY: &str = "a-key-of-the-admin-of-the-corpus";
/// A program with what the rows need: alice and her package.
pub(crate) fn prepared(operator: SocketAddr, settings: &[(&str, &str)]) -> (Program, Words) {
    let data = tempfile::tempdir().unwrap();
    let line = format!(
        "exec \"$0\" --data \"$1\" --listen 127.0.0.1:0 --metrics-listen {operator} \
         --log-format json --log-level info"
    );
    let mut command = by_shell(&line, data.path());
    let log = File::create(data.path().join("log")).unwrap();
    command.env("PACKHOUSE_ADMIN_KEY", ADMIN_KEY).envs(settings.iter().copied()).stderr(log);
    let program = start(command, data);
    let mut words = Words { admin: basic("admin", ADMIN_KEY), alice: String::new() };
    let ask = |method: &str, path: &str, credentials: &str, body: &str| {
        let mut client = Client::of(program.address);
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {credentials}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        client.send(request.as_bytes()).unwrap();
        let answer = client.answer(false).unwrap();
        assert!(answer.status < 300, "{path}: {answer:?}");
        answer.body
    };
    let email = r#"{"email":"alice@example.org"}"#;
    let user = ask("PUT", "/management/v1/users/alice", &words.admin, email);
    let key = user.split(r#""api_key":""#).nth(1).unwrap().split('"').next().unwrap();
    words.alice = basic("alice", key);
    ask("POST", "/repos/alice/tools", &words.alice, "{}");
    ask("POST", "/packages/alice/tools", &words.alice, r#"{"name":"p","licenses":["MIT"]}"#);
    (program, words)
}

/// RFC 4648 without a crate: the keys are ASCII.
fn basic(user: &str, key: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let plain = format!("{user}:{key}");
    let coded = plain.as_bytes().chunks(3).flat_map(|chunk| {
        let bits = chunk.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        (0..4).map(move |at| match at <= chunk.len() {
            true => char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize]),
            false => '=',
        })
    });
    coded.collect()
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// An address that was free a moment ago.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Client {
    pub(crate) fn of(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    /// A server that has refused may have closed: what then cannot be sent is not wanted.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        match self.stream.write_all(bytes) {
            Err(error) if !is_end(error.kind()) => Err(format!("cannot send: {error}")),
            _ => Ok(()),
        }
    }

    fn more(&mut self) -> Result<usize, String> {
        let mut space = [0; 8192];
        match self.stream.read(&mut space) {
            Ok(count) => {
                self.read.extend_from_slice(&space[..count]);
                Ok(count)
            }
            Err(error) if is_end(error.kind()) => Ok(0),
            Err(error) => Err(format!("no answer: {error}")),
        }
    }

    pub(crate) fn answer(&mut self, no_body: bool) -> Result<Answer, String> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if self.more()? == 0 {
                return Err(format!("ended before an answer: {}", shown(&self.read)));
            }
        };
        let head: Vec<u8> = self.read.drain(..end).collect();
        let head = String::from_utf8(head).map_err(|_| "the head is no text")?.to_lowercase();
        let status = head.get(9..12).and_then(|status| status.parse().ok()).ok_or("no status")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(Ok(0), str::parse).map_err(|_| "no length")?;
        let length = if no_body || status == 100 { 0 } else { length };
        while self.read.len() < length {
            if self.more()? == 0 {
                return Err("ended within an answer".to_owned());
            }
        }
        let body = self.read.drain(..length).collect();
        let body = String::from_utf8(body).map_err(|_| "the body is no text")?;
        Ok(Answer { status, head, body })
    }

    pub(crate) fn ends(&mut self) -> Result<(), String> {
        while self.more()? > 0 {}
        match &self.read[..] {
            b"" => Ok(()),
            rest => Err(format!("more than was expected: {}", shown(rest))),
        }
    }
}

fn is_end(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted
    )
}
