//! The messages of one connection, one after the other.
//!
//! It must not read: it judges bytes that it is shown, and says how many belong together.

use super::chunks::Chunks;
use super::head::{Framing, Head};
use super::refusal::Refusal;

/// What is to be done with the bytes that were shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// So many of them belong to the current message and are well-formed: they can be passed on,
    /// and are not shown again.
    Pass(usize),
    /// They are a head that is not whole: show them again, with more after them.
    More,
    /// The message is refused, and nothing after it is looked at.
    Refuse(Refusal),
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    Head(Head),
    Length(u64),
    Chunks(Chunks),
}

/// How far the messages of a connection have been read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Messages {
    max_head: usize,
    state: State,
}

impl Messages {
    /// The messages of a connection that has just begun. A larger head than `max_head` bytes is
    /// refused.
    #[must_use]
    pub fn new(max_head: usize) -> Self {
        Self { max_head, state: State::Head(Head::default()) }
    }

    /// Whether the next byte is of a head.
    #[must_use]
    pub fn at_head(&self) -> bool {
        matches!(self.state, State::Head(_))
    }

    /// Judges bytes that lie at hand, of which there is at least one. None that is passed is of
    /// the next message.
    #[must_use]
    pub fn next(&mut self, bytes: &[u8]) -> Step {
        match self.advance(bytes) {
            Ok(Some(passed)) => Step::Pass(passed),
            Ok(None) => Step::More,
            Err(refusal) => Step::Refuse(refusal),
        }
    }

    fn advance(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        let (passed, next) = match &mut self.state {
            State::Head(head) => {
                let Some((size, framing)) = head.read(bytes, self.max_head)? else {
                    return Ok(None);
                };
                let body = match framing {
                    Framing::Length(0) => State::Head(Head::default()),
                    Framing::Length(length) => State::Length(length),
                    Framing::Chunked => State::Chunks(Chunks::new()),
                };
                (size, Some(body))
            }
            State::Length(left) => {
                let there = u64::try_from(bytes.len()).unwrap_or(u64::MAX).min(*left);
                *left -= there;
                let whole = *left == 0;
                let passed = usize::try_from(there).unwrap_or(usize::MAX);
                (passed, whole.then(|| State::Head(Head::default())))
            }
            State::Chunks(chunks) => {
                let passed = chunks.read(bytes)?;
                (passed, chunks.is_done().then(|| State::Head(Head::default())))
            }
        };
        if let Some(next) = next {
            self.state = next;
        }
        Ok(Some(passed))
    }
}
