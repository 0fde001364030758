//! A search of a long range, shared: the thread that was asked walks along the blocks of a
//! range from its beginning, one that has nothing else to do from its end, until they meet.
//!
//! Both read the same snapshot, in which no two blocks begin alike, so that each block is claimed
//! once. Whoever helps leaves as soon as somebody asks something else, between two blocks.

use std::cell::Cell;
use std::ops::Deref;
#[cfg(test)]
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use packhouse_core::store::Query;
use rusqlite::Connection;

use super::matches::Matches;
use super::source::Source;
use super::span::{Span, Turn};
use crate::block::Bound;
use crate::fault::{Fault, Outcome};

/// Offers a search to whoever has nothing else to do.
pub(crate) type Offer<'o> = dyn Fn(&Arc<Share>) + 'o;

/// A search that is shared.
#[derive(Debug)]
pub(crate) struct Share {
    pub(super) query: Query,
    span: Span,
    /// The snapshot that it reads.
    revision: i64,
    deadline: Option<Instant>,
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The last block that was claimed from the beginning of the range, and from its end.
    low: Option<Bound>,
    high: Option<Bound>,
    /// Nobody may claim any more.
    closed: bool,
    /// How many help.
    helping: usize,
    /// Something was committed since the search began: nobody who comes now reads its snapshot.
    stale: bool,
    found: Vec<Matches>,
    /// Why what somebody claimed was not searched.
    failed: Option<Fault>,
}

/// From where a range is walked along.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    Beginning,
    End,
}

/// The snapshot that a connection reads.
pub(super) fn revision(db: &Connection) -> Outcome<i64> {
    Ok(db.prepare_cached("SELECT revision FROM latest")?.query_row([], |row| row.get(0))?)
}

impl Share {
    pub(super) fn new(
        query: &Query,
        span: &Span,
        revision: i64,
        deadline: Option<Instant>,
    ) -> Self {
        let (query, span) = (query.clone(), span.clone());
        Self { query, span, revision, deadline, state: Mutex::default(), left: Condvar::new() }
    }

    /// What whoever asks is to do with a block.
    pub(super) fn claim(&self, from: Side, (value, rest): (&[u8], &[u8])) -> Turn {
        let block = (value, rest);
        let is_before = |one: &Bound| (one.0.as_slice(), one.1.as_slice()) < block;
        let is_after = |one: &Bound| block < (one.0.as_slice(), one.1.as_slice());
        let mut state = self.lock();
        let is_below = state.high.as_ref().is_none_or(is_after);
        let is_above = state.low.as_ref().is_none_or(is_before);
        let claimed = match (from, is_above, is_below) {
            _ if state.closed => return Turn::Stop,
            (Side::Beginning, _, false) | (Side::End, false, _) => return Turn::Stop,
            // Several may come from the end.
            (Side::End, true, false) => return Turn::Skip,
            (Side::Beginning, _, true) => &mut state.low,
            (Side::End, true, true) => &mut state.high,
        };
        let (to_value, to_rest) = claimed.get_or_insert_default();
        to_value.clear();
        to_value.extend_from_slice(value);
        to_rest.clear();
        to_rest.extend_from_slice(rest);
        Turn::Take
    }

    /// Whether somebody who comes now could help.
    pub(super) fn is_open(&self) -> bool {
        let state = self.lock();
        !state.closed && !state.stale
    }

    /// From now on nobody claims anything.
    fn close(&self) {
        self.lock().closed = true;
    }

    /// Waits for those who help, and gives what they found.
    pub(super) fn end(&self) -> Outcome<Vec<Matches>> {
        self.close();
        let mut state = self
            .left
            .wait_while(self.lock(), |state| state.helping > 0)
            .unwrap_or_else(PoisonError::into_inner);
        let found = std::mem::take(&mut state.found);
        state.failed.take().map_or(Ok(found), Err)
    }

    /// Takes part, unless it is too late.
    pub(super) fn join(&self) -> Option<Helping<'_>> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        state.helping += 1;
        Some(Helping { share: self, claimed: Cell::new(false), outcome: Err(Fault::Lost) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The share of whoever was asked; closed when this is dropped, so that nobody helps in vain.
#[derive(Debug)]
pub(super) struct Shared(Arc<Share>);

impl Shared {
    pub(super) fn new(share: Share) -> Self {
        Self(Arc::new(share))
    }
}

impl Deref for Shared {
    type Target = Arc<Share>;

    fn deref(&self) -> &Arc<Share> {
        &self.0
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// How many blocks were taken by searchers of stores who helped.
#[cfg(test)]
pub(super) static TAKEN_FROM_THE_END: AtomicU64 = AtomicU64::new(0);

/// Somebody who helps, until this is dropped.
#[derive(Debug)]
pub(super) struct Helping<'a> {
    share: &'a Share,
    /// Whether a block was.
    claimed: Cell<bool>,
    /// What was found in the blocks that were claimed.
    outcome: Outcome<Matches>,
}

impl Helping<'_> {
    pub(super) fn end(mut self, outcome: Outcome<Matches>) {
        self.outcome = outcome;
    }

    /// What is to be done with a block.
    pub(super) fn claim(&self, block: (&[u8], &[u8])) -> Turn {
        let turn = self.share.claim(Side::End, block);
        #[cfg(test)]
        if std::thread::current().name() == Some("sqlite-select") && turn == Turn::Take {
            TAKEN_FROM_THE_END.fetch_add(1, Ordering::Relaxed);
        }
        self.claimed.set(self.claimed.get() || turn == Turn::Take);
        turn
    }

    /// The whole range.
    pub(super) fn source(&self) -> Source {
        Source::Span(self.share.span.clone())
    }

    /// When it has taken too long.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.share.deadline
    }

    /// What is left of the range, if anything is, and if a connection reads the snapshot.
    pub(super) fn rest(&self, db: &Connection) -> Outcome<Option<Span>> {
        if revision(db)? != self.share.revision {
            self.share.lock().stale = true;
            return Ok(None);
        }
        let mut span = self.share.span.clone();
        let state = self.share.lock();
        if state.closed {
            return Ok(None);
        }
        if let Some(high) = &state.high {
            span.high.clone_from(high);
        }
        Ok(Some(span))
    }
}

impl Drop for Helping<'_> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Err(Fault::Lost));
        let mut state = self.share.lock();
        match outcome {
            Ok(found) => state.found.push(found),
            // Whoever shares the search must not take it for whole.
            Err(fault) if self.claimed.get() => state.failed = Some(fault),
            Err(_) => {}
        }
        state.helping -= 1;
        drop(state);
        self.share.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use packhouse_core::store::{KeyRange, Kind};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_block_is_taken_once(
            count in 0..20_u8,
            steps in prop::collection::vec(0..4_usize, 100),
        ) {
            let query = Query::within(KeyRange::within(Kind::new("thing"), []));
            let span = Span::between((1, 1), Vec::new(), Vec::new(), vec![0xff]);
            let share = Share::new(&query, &span, 1, None);
            // The first one walks from the beginning, the others from the end.
            let mut walks: Vec<Vec<u8>> = vec![(0..count).rev().collect()];
            walks.resize(4, (0..count).collect());
            let mut taken = Vec::new();
            for walk in steps.into_iter().chain((0..4).flat_map(|walk| [walk; 20])) {
                let from = if walk == 0 { Side::Beginning } else { Side::End };
                let Some(block) = walks[walk].pop() else { continue };
                match share.claim(from, (&[block], &[])) {
                    Turn::Take => taken.push(block),
                    Turn::Skip => {}
                    Turn::Stop => walks[walk].clear(),
                }
            }
            taken.sort_unstable();
            prop_assert_eq!(taken, (0..count).collect::<Vec<_>>());
        }
    }
}
