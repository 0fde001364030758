//! Changing the rows of a block, which may become several blocks or none.

use std::ops::Range;

use super::build::{Builder, Load};
use super::{Block, Encoded, Lengths};
use crate::encoding::{Carried, FieldId};
use crate::fault::Outcome;

/// A change of one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowChange<'a> {
    pub(crate) value: &'a [u8],
    pub(crate) rest: &'a [u8],
    /// The field of the row's own term.
    pub(crate) field: FieldId,
    pub(crate) to: RowState<'a>,
}

/// What a row is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RowState<'a> {
    Absent,
    /// There, without what else its record is found by.
    Bare,
    /// There, with that.
    Carrying(Carried<'a>),
}

/// The first value and rest of a key that lie in a block.
pub(crate) type Bound = (Vec<u8>, Vec<u8>);

/// The rows of a block and of what is put into it, in their order.
#[derive(Default)]
struct Rows<'a> {
    bytes: Vec<u8>,
    rows: Vec<Row<'a>>,
}

/// A row: where its value and rest are among the bytes, and what it carries.
#[derive(Clone)]
struct Row<'a> {
    value: Range<usize>,
    rest: Range<usize>,
    load: Load<'a>,
}

/// Changes the rows of a block; `changes` are in the order of value and rest. Gives what takes its
/// place, and that of the `next` block if there is one: blocks of about the size `most` at most, each
/// but the first with its bound.
pub(crate) fn merge(
    block: Option<&Encoded>,
    changes: &[RowChange<'_>],
    next: Option<&Encoded>,
    most: usize,
) -> Outcome<Vec<(Bound, Encoded)>> {
    let block = block.map(Encoded::block).transpose()?;
    let next = next.map(Encoded::block).transpose()?;
    let mut rows = Rows::default();
    let mut waiting = changes.iter().peekable();
    // Whether nothing is put before a row that was there.
    let mut appending = true;
    if let Some(block) = &block {
        let (mut value, mut rest) = (block.value.to_vec(), block.rest.to_vec());
        for row in block.rows() {
            let row = row?;
            value.truncate(block.value.len());
            value.extend_from_slice(row.value);
            rest.truncate(block.rest.len());
            rest.extend_from_slice(row.rest);
            let this = (value.as_slice(), rest.as_slice());
            while let Some(change) = waiting.next_if(|change| (change.value, change.rest) < this) {
                appending &= !rows.change(change);
            }
            match waiting.next_if(|change| (change.value, change.rest) == this) {
                Some(change) => _ = rows.change(change),
                None => {
                    let load = row.carried.map_or(Load::Nothing, |held| Load::Of(block, held));
                    rows.push(&value, &rest, load);
                }
            }
        }
    }
    for change in waiting {
        rows.change(change);
    }
    let cut = Cut { appending, spread: next.is_some() };
    match &next {
        None => Ok(rows.blocks(block.as_ref(), cut, most)),
        Some(next) => {
            rows.copy(next)?;
            // What the rows of both carry has no slots in common.
            Ok(rows.blocks(None, cut, most))
        }
    }
}

/// One block out of two, the second of which follows the first.
pub(crate) fn join(first: &Encoded, second: &Encoded) -> Outcome<Encoded> {
    let (first, second) = (first.block()?, second.block()?);
    let mut rows = Rows::default();
    rows.copy(&first)?;
    rows.copy(&second)?;
    let (bytes, _) = rows.block(0..rows.rows.len(), None);
    Ok(bytes)
}

/// How rows that are too many for one block are divided.
#[derive(Clone, Copy)]
struct Cut {
    /// Nothing was put before a row that was there. More is likely to come at the end, so that what
    /// lies before becomes full.
    appending: bool,
    /// The rows of the next block are among them: three blocks that two were too few for have room
    /// enough. A block that is divided alone leaves two that are half full, for long.
    spread: bool,
}

impl<'a> Rows<'a> {
    fn push(&mut self, value: &[u8], rest: &[u8], load: Load<'a>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(value);
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(rest);
        self.rows.push(Row { value: start..middle, rest: middle..self.bytes.len(), load });
    }

    /// Adds all rows of a block.
    fn copy(&mut self, block: &'a Block<'a>) -> Outcome<()> {
        for row in block.rows() {
            let row = row?;
            let load = row.carried.map_or(Load::Nothing, |held| Load::Of(block, held));
            self.push(&[block.value, row.value].concat(), &[block.rest, row.rest].concat(), load);
        }
        Ok(())
    }

    /// Puts what a row is to be; `false` if it is not to be.
    fn change(&mut self, change: &RowChange<'a>) -> bool {
        let load = match change.to {
            RowState::Absent => return false,
            RowState::Bare => Load::Nothing,
            RowState::Carrying(found) => Load::Found(found, change.field),
        };
        self.push(change.value, change.rest, load);
        true
    }

    fn value(&self, at: usize) -> &[u8] {
        &self.bytes[self.rows[at].value.clone()]
    }

    fn rest(&self, at: usize) -> &[u8] {
        &self.bytes[self.rows[at].rest.clone()]
    }

    /// How many bytes the values of some rows share, and their rests.
    fn shared(&self, rows: Range<usize>) -> (usize, usize) {
        // They are sorted by value.
        let value = shared(self.value(rows.start), self.value(rows.end - 1));
        let first = self.rest(rows.start);
        (value, rows.map(|at| shared(first, self.rest(at))).min().unwrap_or(0))
    }

    /// Some of the rows as a block, and how many bytes it has after each of them. `before` is a
    /// block whose slots are kept.
    fn block(&self, rows: Range<usize>, before: Option<&Block<'_>>) -> (Encoded, Vec<Lengths>) {
        let (value, rest) = self.shared(rows.clone());
        let mut builder =
            Builder::new(&self.value(rows.start)[..value], &self.rest(rows.start)[..rest]);
        let before = before.filter(|before| before.has_room());
        if let Some(before) = before {
            builder = builder.with_slots_of(before);
        }
        let mut ends = Vec::with_capacity(rows.len());
        for at in rows {
            let load = match (self.rows[at].load, before) {
                (Load::Of(_, carried), Some(_)) => Load::Verbatim(carried),
                (load, _) => load,
            };
            builder.push(self.value(at), self.rest(at), load);
            ends.push(builder.lengths());
        }
        (builder.finish(), ends)
    }

    fn blocks(&self, before: Option<&Block<'_>>, cut: Cut, most: usize) -> Vec<(Bound, Encoded)> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let (whole, ends) = self.block(0..self.rows.len(), before);
        if whole.size() <= most || self.rows.len() == 1 {
            return vec![(Bound::default(), whole)];
        }
        let sizes = Sizes::new(self, &whole, ends, most);
        let mut cuts = match cut {
            Cut { appending: true, spread: false } => sizes.cut(0, most),
            Cut { appending: true, spread: true } => sizes.cut(0, most)[..1].to_vec(),
            Cut { appending: false, .. } => Vec::new(),
        };
        let start = cuts.last().map_or(0, |piece| piece.end);
        // Not to the last byte: the next row would have them divided again.
        let full = if cut.spread { most / 20 * 19 } else { most / 4 * 3 };
        cuts.extend(sizes.even(start, full));
        let starts = std::iter::once(0).chain(cuts.iter().map(|piece| piece.end));
        let piece = |(start, piece): (usize, &Piece)| {
            let bound = if start == 0 { Bound::default() } else { self.bound(start) };
            (bound, self.block(start..piece.end, None).0)
        };
        starts.zip(&cuts).map(piece).collect()
    }

    /// What lies between a row and the one before it, in few bytes.
    fn bound(&self, at: usize) -> Bound {
        let (before, value) = (self.value(at - 1), self.value(at));
        if before == value {
            let rest = self.rest(at);
            return (value.to_vec(), rest[..=shared(self.rest(at - 1), rest)].to_vec());
        }
        (value[..=shared(before, value)].to_vec(), Vec::new())
    }
}

/// How large blocks of some of the rows would be. What few rows share may be far more than what
/// all of them do.
struct Sizes<'r> {
    rows: &'r Rows<'r>,
    /// How many bytes one block of all of them has after each of them, and before the first one.
    ends: Vec<Lengths>,
    header: Lengths,
    /// How many bytes all values share, and all rests.
    value: usize,
    rest: usize,
}

/// Rows up to one of them, and the size of a block of them.
#[derive(Clone, Copy, Debug)]
struct Piece {
    end: usize,
    size: usize,
}

impl<'r> Sizes<'r> {
    /// Of rows that are a block, which ends so after each.
    fn new(rows: &'r Rows<'r>, whole: &Encoded, ends: Vec<Lengths>, most: usize) -> Self {
        let (whole, last) = (whole.lengths(), ends.last().copied().unwrap_or_default());
        let (value, rest) = rows.shared(0..ends.len());
        // A part may need few of the slots of all: many long ones must not leave no room for rows.
        let slots = (whole.carried - last.carried).min(most / 4);
        let header = Lengths { rows: whole.rows - last.rows, carried: slots };
        Self { rows, ends, header, value, rest }
    }

    /// Divides the rows from one on so that no block but of one row is larger.
    fn cut(&self, from: usize, most: usize) -> Vec<Piece> {
        let (mut pieces, mut start) = (Vec::new(), from);
        while start < self.ends.len() {
            let piece = self.piece(start, most);
            start = piece.end;
            pieces.push(piece);
        }
        pieces
    }

    /// The same, with blocks of about one size.
    fn even(&self, from: usize, most: usize) -> Vec<Piece> {
        let full = self.cut(from, most);
        if full.len() < 2 {
            return full;
        }
        let sum: usize = full.iter().map(|piece| piece.size).sum();
        // And a row more, so that nothing is left over at the end.
        let share = sum / full.len() + sum / (self.ends.len() - from);
        let even = self.cut(from, share.min(most));
        if even.len() > full.len() { full } else { even }
    }

    fn piece(&self, start: usize, most: usize) -> Piece {
        let used = start.checked_sub(1).map_or_else(Lengths::default, |before| self.ends[before]);
        let (mut value, mut rest) = (self.rows.value(start).len(), self.rows.rest(start).len());
        let mut piece = Piece { end: start, size: 0 };
        for at in start..self.ends.len() {
            value = shared(&self.rows.value(start)[..value], self.rows.value(at));
            rest = shared(&self.rows.rest(start)[..rest], self.rows.rest(at));
            // Written once in place of once a row.
            let saved = (at - start) * (value - self.value + rest - self.rest);
            let end = self.ends[at];
            let rows = self.header.rows + end.rows - used.rows - saved;
            let carried = self.header.carried + end.carried - used.carried;
            let size = Lengths { rows, carried }.size();
            if size > most && at > start {
                break;
            }
            piece = Piece { end: at + 1, size };
        }
        piece
    }
}

/// How many bytes both begin with.
fn shared(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}
