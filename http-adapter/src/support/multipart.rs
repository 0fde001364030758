//! The frame of `multipart/byteranges` (RFC 9110, 14.6): what stands around the parts.
//!
//! Pure. Where the bytes come from is for the caller; how many there will be is known here before
//! the first is read.

use std::ops::Range;

/// The frame of several ranges of one representation.
#[derive(Clone, Debug)]
pub(crate) struct Multipart {
    boundary: String,
    heads: Vec<(String, Range<u64>)>,
    end: String,
}

impl Multipart {
    /// A frame around ranges of a representation of so many bytes. No line of the representation
    /// may begin with the boundary.
    pub(crate) fn new(
        boundary: &str,
        content_type: &str,
        ranges: &[Range<u64>],
        size: u64,
    ) -> Self {
        let head = |(place, range): (usize, &Range<u64>)| {
            // The line break before a boundary belongs to the boundary; nothing precedes the first.
            let before = if place == 0 { "" } else { "\r\n" };
            let (first, last) = (range.start, range.end - 1);
            let head = format!(
                "{before}--{boundary}\r\nContent-Type: {content_type}\r\n\
                 Content-Range: bytes {first}-{last}/{size}\r\n\r\n"
            );
            (head, range.clone())
        };
        let heads = ranges.iter().enumerate().map(head).collect();
        Self { boundary: boundary.to_owned(), heads, end: format!("\r\n--{boundary}--\r\n") }
    }

    /// The value of `Content-Type`.
    pub(crate) fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    /// The number of bytes of the whole.
    pub(crate) fn length(&self) -> u64 {
        let part =
            |(head, range): &(String, Range<u64>)| head.len() as u64 + (range.end - range.start);
        self.heads.iter().map(part).sum::<u64>() + self.end.len() as u64
    }

    /// What precedes each range, and the ranges.
    pub(crate) fn heads(&self) -> &[(String, Range<u64>)] {
        &self.heads
    }

    /// What follows the last range.
    pub(crate) fn end(&self) -> &str {
        &self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_that_of_the_rfc() {
        let frame = Multipart::new("B", "text/plain", &[0..2, 5..6], 10);
        let whole = format!("{}01{}5{}", frame.heads()[0].0, frame.heads()[1].0, frame.end());
        let expected = "--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\
                        \r\n--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 5-5/10\r\n\r\n5\
                        \r\n--B--\r\n";
        assert_eq!(whole, expected);
        assert_eq!(frame.length(), expected.len() as u64);
        assert_eq!(frame.content_type(), "multipart/byteranges; boundary=B");
    }
}
