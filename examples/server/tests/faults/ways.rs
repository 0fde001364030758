//! The ways in which calls fail.

use packhouse_conformance::faults::{Counted, How};

/// A way for calls to fail: which of them count, how, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) counted: Counted,
    pub(crate) how: How,
    pub(crate) lasts: Lasts,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lasts {
    Once,
    /// Until it is lifted.
    ForGood,
    /// The client waits, and the call goes on in the end.
    Waited,
    /// The client goes away.
    GivenUp,
}

/// The ways of the test command, or all.
pub(crate) fn ways(all: bool) -> Vec<Way> {
    use Counted::{Bytes, Commits, Every};
    use Lasts::{ForGood, GivenUp, Once, Waited};
    let mut ways = Vec::new();
    for (counted, how, always, more) in [
        (Every, How::Unavailable, [Once, ForGood].as_slice(), [].as_slice()),
        (Every, How::Full, &[Once], &[ForGood]),
        (Commits, How::UnknownApplied, &[Once, ForGood], &[]),
        (Commits, How::UnknownNotApplied, &[ForGood], &[Once]),
        (Bytes, How::Short, &[Once], &[ForGood]),
        (Every, How::Stalled, &[GivenUp], &[Waited]),
        (Commits, How::StalledAfter, &[Waited, GivenUp], &[]),
        (Every, How::StalledAfter, &[], &[Waited, GivenUp]),
    ] {
        let more = more.iter().filter(|_| all);
        ways.extend(always.iter().chain(more).map(|lasts| Way { counted, how, lasts: *lasts }));
    }
    ways
}
