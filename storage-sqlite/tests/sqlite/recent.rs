//! Records in memory are never old, and what is read at once is of one moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use packhouse_core::store::{Change, Record, Store};
use packhouse_sqlite::{SqliteOptions, SqliteStore};

use crate::support::{Place, batch, put, thing, things};

fn number(record: Option<&Record>) -> u64 {
    record.map_or(0, |record| record.body.parse().unwrap())
}

/// Writes both records again and again while others read them.
fn race(recent_bytes: usize) {
    let place = Place::new();
    let mut options = SqliteOptions::default();
    options.recent_bytes = recent_bytes;
    let store = Arc::new(SqliteStore::open(&place.path, &options).unwrap());
    let (done, told, seen) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let keys = [thing("a"), thing("b")];
    let read_both = || {
        let least = told.load(Ordering::SeqCst).max(seen.load(Ordering::SeqCst));
        let records = block_on(store.read(&keys)).unwrap();
        let [one, other] = [0, 1].map(|at| number(records[at].as_ref()));
        assert_eq!(one, other, "of two moments");
        assert!(one >= least, "{one} was read after {least} was told or seen");
        seen.fetch_max(one, Ordering::SeqCst);
    };
    let end = Instant::now() + Duration::from_millis(1500);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    while !done.load(Ordering::SeqCst) {
                        read_both();
                    }
                })
            })
            .collect();
        for count in 1.. {
            let body = count.to_string();
            block_on(store.commit(&batch([put("a", &body), put("b", &body)]))).unwrap();
            told.store(count, Ordering::SeqCst);
            if Instant::now() > end || readers.iter().any(thread::ScopedJoinHandle::is_finished) {
                break;
            }
        }
        done.store(true, Ordering::SeqCst);
    });
}

#[test]
fn what_was_absent_and_what_was_deleted_is_remembered_no_longer_than_it_is_so() {
    let place = Place::new();
    let store = place.open();
    let read = || block_on(store.read(&[thing("a")])).unwrap().remove(0);
    let write = |change| block_on(store.commit(&batch([change]))).unwrap();
    assert_eq!((read(), read()), (None, None));
    for body in ["1", "2"] {
        write(put("a", body));
        let body_of = |record: Option<Record>| record.map(|record| record.body.to_string());
        assert_eq!((body_of(read()), body_of(read())), (Some(body.into()), Some(body.into())));
    }
    write(Change::DeleteWithin(things()));
    assert_eq!((read(), read()), (None, None));
}

#[test]
fn what_is_read_is_never_older_than_what_anyone_was_told() {
    race(1 << 20);
}
