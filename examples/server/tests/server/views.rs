//! How other readers of HTTP/1.1 split a stream into requests. They share no code with the server,
//! and each is lenient in ways that proxies and servers have been.

/// A way of reading; what is not set is read as RFC 9112 has it.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct View {
    pub(crate) name: &'static str,
    /// LF alone ends a line.
    bare_lf: bool,
    /// So does CR alone.
    bare_cr: bool,
    /// A line that begins with a space is a header of its own.
    unfolds: bool,
    /// `_` is `-` in names, and spaces around them are nothing.
    loose_names: bool,
    /// Of several lengths the last counts, in place of the first.
    last_length: bool,
    /// A length counts more than a coding.
    length_first: bool,
    /// Any coding that has the word `chunked` in it counts.
    loose_coding: bool,
    /// Codings count in HTTP/1.1 alone.
    coding_by_version: bool,
    /// Numbers have 32 bits; spaces, a sign and `0x` may stand before them, anything after them,
    /// and a zero before them makes them octal.
    loose_numbers: bool,
    /// The lines of chunks end with LF, whatever stands before it.
    loose_chunks: bool,
    /// The body ends with its last chunk: there are no trailers.
    no_trailers: bool,
}

/// The views. No two differ in the streams that the server takes.
pub(crate) fn views() -> Vec<View> {
    let view = View::default();
    let mut views = vec![
        View { name: "strict", ..view },
        View { name: "bare LF", bare_lf: true, ..view },
        View { name: "bare LF and CR", bare_lf: true, bare_cr: true, ..view },
        View { name: "unfolding", unfolds: true, ..view },
        View { name: "loose names", loose_names: true, ..view },
        View { name: "last length", last_length: true, ..view },
        View { name: "length first", length_first: true, ..view },
        View { name: "loose coding", loose_coding: true, ..view },
        View { name: "coding by version", coding_by_version: true, ..view },
        View { name: "loose numbers", loose_numbers: true, ..view },
        View { name: "loose chunks", loose_chunks: true, ..view },
        View { name: "no trailers", no_trailers: true, ..view },
    ];
    views.push(View {
        name: "all of them",
        bare_lf: true,
        bare_cr: true,
        unfolds: true,
        loose_names: true,
        last_length: true,
        length_first: true,
        loose_coding: true,
        coding_by_version: true,
        loose_numbers: true,
        loose_chunks: true,
        no_trailers: false,
    });
    views
}

impl View {
    /// The sizes of the requests that a stream begins with. What follows them is not whole, or
    /// makes no sense to this reader.
    pub(crate) fn split(&self, stream: &[u8]) -> Vec<usize> {
        let mut sizes = Vec::new();
        let mut at = 0;
        while let Some(end) = self.request(stream, at) {
            sizes.push(end - at);
            at = end;
        }
        sizes
    }

    fn request(&self, stream: &[u8], start: usize) -> Option<usize> {
        let mut at = start;
        let (mut line, mut next) = self.line(stream, at)?;
        while line.is_empty() {
            at = next;
            (line, next) = self.line(stream, at)?;
        }
        let is_http_11 = line.ends_with(b"1.1");
        let (mut lengths, mut is_chunked): (Vec<u64>, bool) = (Vec::new(), false);
        loop {
            let (line, after) = self.line(stream, next)?;
            next = after;
            if line.is_empty() {
                break;
            }
            let Some((name, value)) = self.field(line) else { continue };
            match &name[..] {
                b"content-length" => lengths.push(self.number(value, 10)?.0),
                b"transfer-encoding" if is_http_11 || !self.coding_by_version => {
                    is_chunked = if self.loose_coding {
                        value.to_ascii_lowercase().windows(7).any(|word| word == b"chunked")
                    } else {
                        value.eq_ignore_ascii_case(b"chunked")
                    };
                }
                _ => {}
            }
        }
        let length = if self.last_length { lengths.last() } else { lengths.first() };
        match (length, is_chunked) {
            (Some(length), true) if self.length_first => sized(stream, next, *length),
            (_, true) => self.chunks(stream, next),
            (Some(length), false) => sized(stream, next, *length),
            (None, false) => Some(next),
        }
    }

    /// A line from here, and where the next begins.
    fn line<'a>(&self, stream: &'a [u8], at: usize) -> Option<(&'a [u8], usize)> {
        let rest = stream.get(at..)?;
        (0..rest.len()).find_map(|end| {
            let size = match &rest[end..] {
                [b'\r', b'\n', ..] => 2,
                [b'\n', ..] if self.bare_lf => 1,
                [b'\r', _, ..] if self.bare_cr => 1,
                _ => return None,
            };
            Some((&rest[..end], at + end + size))
        })
    }

    fn field<'a>(&self, line: &'a [u8]) -> Option<(Vec<u8>, &'a [u8])> {
        if !self.unfolds && matches!(line[0], b' ' | b'\t') {
            return None;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let mut name = line[..colon].to_ascii_lowercase();
        if self.loose_names {
            name = name.trim_ascii().to_vec();
            name.iter_mut().filter(|byte| **byte == b'_').for_each(|byte| *byte = b'-');
        }
        Some((name, line[colon + 1..].trim_ascii()))
    }

    /// A number at the front, and what follows it.
    fn number<'a>(&self, text: &'a [u8], radix: u32) -> Option<(u64, &'a [u8])> {
        let (mut text, mut radix) = (text, radix);
        if self.loose_numbers {
            text = text.trim_ascii_start();
            text = text.strip_prefix(b"+").unwrap_or(text);
            match text {
                [b'0', b'x' | b'X', rest @ ..] => (text, radix) = (rest, 16),
                [b'0', b'0'..=b'7', ..] if radix == 10 => radix = 8,
                _ => {}
            }
        }
        let digits = text.iter().take_while(|byte| char::from(**byte).is_digit(radix)).count();
        let (digits, rest) = text.split_at(digits);
        let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.is_empty())?;
        let number = u128::from_str_radix(digits, radix).ok()?;
        if self.loose_numbers {
            // Lengths above 4 GiB are real, and nobody can read them in 32 bits.
            let bits = if radix == 16 { 32 } else { 64 };
            return Some((u64::try_from(number & ((1 << bits) - 1)).ok()?, rest));
        }
        Some((u64::try_from(number).ok()?, rest))
    }

    fn chunks(&self, stream: &[u8], start: usize) -> Option<usize> {
        let chunked = View {
            bare_lf: self.bare_lf || self.loose_chunks,
            bare_cr: self.bare_cr && !self.loose_chunks,
            ..*self
        };
        let mut at = start;
        loop {
            let (line, data) = chunked.line(stream, at)?;
            let (size, rest) = self.number(line, 16)?;
            if !(self.loose_numbers || rest.is_empty() || rest[0] == b';') {
                return None;
            }
            if size == 0 {
                at = data;
                break;
            }
            let end = sized(stream, data, size)?;
            at = chunked.line(stream, end)?.1;
        }
        loop {
            let (line, next) = chunked.line(stream, at)?;
            at = next;
            if line.is_empty() || self.no_trailers {
                return Some(at);
            }
        }
    }
}

fn sized(stream: &[u8], at: usize, length: u64) -> Option<usize> {
    let end = at.checked_add(usize::try_from(length).ok()?)?;
    (end <= stream.len()).then_some(end)
}
