//! The head of a request: each line is checked once, when it is whole.
//!
//! It must keep no bytes: it notes where things stand in those that it is shown.

use std::ops::Range;

use super::bytes::{self, TOKEN, VALUE};
use super::refusal::Refusal;
use super::target;

/// As many as `hyper` takes.
const MAX_FIELDS: u32 = 100;
/// Longer ones are no names, and beyond 64 KiB the parser would fail.
const MAX_NAME: usize = 256;
/// The largest number that a signed reader has, too.
const MAX_LENGTH: u64 = i64::MAX as u64;

/// How the body of a message is framed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// How far a head has been read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Head {
    /// Where the line begins that is not whole yet.
    line: usize,
    /// Up to where its end was looked for.
    searched: usize,
    has_request_line: bool,
    is_http_11: bool,
    authority: Option<Range<usize>>,
    fields: u32,
    host: Option<Range<usize>>,
    length: Option<u64>,
    encodings: u32,
    is_chunked: bool,
    expects_other: bool,
}

impl Head {
    /// Reads on in a head; `bytes` are those from its begin, more than the last time. Gives its
    /// size and the framing of its body once it is whole.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        max_head: usize,
    ) -> Result<Option<(usize, Framing)>, Refusal> {
        self.check_begin(bytes)?;
        while let Some(found) = memchr::memchr(b'\n', &bytes[self.searched..]) {
            let end = self.searched + found;
            if end >= max_head {
                return Err(self.too_large());
            }
            let start = std::mem::replace(&mut self.line, end + 1);
            self.searched = end + 1;
            let line = bytes[start..end].strip_suffix(b"\r").ok_or(Refusal::BareLf)?;
            if !self.has_request_line {
                // One empty line before a request is ignored, as some clients send it after a
                // body. Clients that send more are none.
                if line.is_empty() && start == 0 {
                    self.check_begin(bytes)?;
                    continue;
                }
                self.request_line(start, line)?;
            } else if line.is_empty() {
                return Ok(Some((end + 1, self.framing(bytes)?)));
            } else {
                self.field(start, line)?;
            }
        }
        self.searched = bytes.len();
        if bytes.len() >= max_head {
            return Err(self.too_large());
        }
        Ok(None)
    }

    /// What speaks another protocol, TLS perhaps, may wait for an answer before it ends a line.
    fn check_begin(&self, bytes: &[u8]) -> Result<(), Refusal> {
        let is_junk = |byte: &u8| *byte != b'\r' && !bytes::is(TOKEN, *byte);
        if !self.has_request_line && bytes.get(self.line).is_some_and(is_junk) {
            return Err(Refusal::RequestLine);
        }
        Ok(())
    }

    fn too_large(&self) -> Refusal {
        if self.has_request_line { Refusal::HeadTooLarge } else { Refusal::TargetTooLong }
    }

    fn request_line(&mut self, start: usize, line: &[u8]) -> Result<(), Refusal> {
        let mut parts = line.splitn(3, |byte| *byte == b' ');
        let (Some(method), Some(target), Some(version)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::RequestLine);
        };
        if method.is_empty() || !bytes::all(TOKEN, method) {
            return Err(Refusal::RequestLine);
        }
        self.is_http_11 = match version {
            b"HTTP/1.1" => true,
            b"HTTP/1.0" => false,
            [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
                return Err(Refusal::Version);
            }
            _ => return Err(Refusal::RequestLine),
        };
        let offset = start + method.len() + 1;
        self.authority = target::check(method, target)?
            .map(|authority| offset + authority.start..offset + authority.end);
        self.has_request_line = true;
        Ok(())
    }

    fn field(&mut self, start: usize, line: &[u8]) -> Result<(), Refusal> {
        self.fields += 1;
        if self.fields > MAX_FIELDS {
            return Err(Refusal::HeadTooLarge);
        }
        if matches!(line[0], b' ' | b'\t') {
            return Err(Refusal::Folded);
        }
        let name = line.iter().position(|byte| !bytes::is(TOKEN, *byte));
        let name = name.filter(|at| *at > 0 && line[*at] == b':').ok_or(Refusal::FieldName)?;
        if name > MAX_NAME {
            return Err(Refusal::HeadTooLarge);
        }
        let value = &line[name + 1..];
        if !bytes::all(VALUE, value) {
            return Err(Refusal::FieldValue);
        }
        match name {
            4 | 6 | 14 | 17 => self.known_field(start, &line[..name], value),
            _ => Ok(()),
        }
    }

    fn known_field(&mut self, start: usize, name: &[u8], raw: &[u8]) -> Result<(), Refusal> {
        let value = trimmed(raw);
        if name.eq_ignore_ascii_case(b"host") {
            let padding = raw.len() - raw.trim_ascii_start().len();
            let at = start + name.len() + 1 + padding;
            let again = self.host.replace(at..at + value.len()).is_some();
            return if again || !target::is_host(value) { Err(Refusal::Host) } else { Ok(()) };
        }
        if name.eq_ignore_ascii_case(b"expect") {
            self.expects_other |= !value.eq_ignore_ascii_case(b"100-continue");
        } else if is_like(name, b"content-length") {
            let length = number(value).filter(|_| name[7] == b'-' && self.length.is_none());
            self.length = Some(length.ok_or(Refusal::Length)?);
        } else if is_like(name, b"transfer-encoding") {
            if name[8] != b'-' {
                return Err(Refusal::TransferEncoding);
            }
            self.encodings += 1;
            self.is_chunked = value.eq_ignore_ascii_case(b"chunked");
        }
        Ok(())
    }

    /// What only the whole head tells.
    fn framing(&self, bytes: &[u8]) -> Result<Framing, Refusal> {
        match &self.host {
            None if self.is_http_11 => return Err(Refusal::NoHost),
            Some(host) => {
                let other = |authority: &Range<usize>| {
                    !bytes[authority.clone()].eq_ignore_ascii_case(&bytes[host.clone()])
                };
                if self.authority.as_ref().is_some_and(other) {
                    return Err(Refusal::Authority);
                }
            }
            None if self.authority.is_some() => return Err(Refusal::NoHost),
            None => {}
        }
        if self.encodings > 0 {
            return match (self.encodings, self.length) {
                (_, Some(_)) => Err(Refusal::LengthAndCoding),
                (2.., _) => Err(Refusal::TransferEncoding),
                _ if !self.is_http_11 => Err(Refusal::TransferEncoding),
                _ if !self.is_chunked => Err(Refusal::Coding),
                _ => self.expected(Framing::Chunked),
            };
        }
        self.expected(Framing::Length(self.length.unwrap_or(0)))
    }

    /// HTTP/1.0 has no expectations: they are to be ignored there.
    fn expected(&self, framing: Framing) -> Result<Framing, Refusal> {
        if self.expects_other && self.is_http_11 { Err(Refusal::Expectation) } else { Ok(framing) }
    }
}

/// Without the spaces and tabs around it.
fn trimmed(value: &[u8]) -> &[u8] {
    // Other white space cannot be there: values have no control characters.
    value.trim_ascii()
}

/// Whether a field has this name, or one that gateways to CGI take for it, with `_` for `-`.
fn is_like(name: &[u8], known: &[u8]) -> bool {
    let same = |(one, other): (&u8, &u8)| {
        one.eq_ignore_ascii_case(other) || (*one == b'_' && *other == b'-')
    };
    name.len() == known.len() && name.iter().zip(known).all(same)
}

/// A number as everyone reads it: no sign, no list, no zeros before it.
fn number(value: &[u8]) -> Option<u64> {
    let plain =
        value.iter().all(u8::is_ascii_digit) && (value.len() == 1 || value.first()? != &b'0');
    let number = std::str::from_utf8(value).ok().filter(|_| plain)?.parse().ok()?;
    (number <= MAX_LENGTH).then_some(number)
}
