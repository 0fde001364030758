//! A server that is killed again and again while it is written to.
//!
//! `PACKHOUSE_CRASH_CYCLES` sets the number of cycles (200 by default), `PACKHOUSE_CRASH_SEED` the
//! seed of a run that failed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use packhouse_tests::random::Random;
use packhouse_tests::server::Server;
use packhouse_tests::settings;

use crate::witness::{Run, Writer};

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let cycles = settings::number("PACKHOUSE_CRASH_CYCLES").unwrap_or(200);
    let seed =
        settings::number("PACKHOUSE_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("{cycles} cycles, PACKHOUSE_CRASH_SEED={seed}");
    let mut random = Random::new(seed);
    let data = tempfile::tempdir().expect("a temporary folder");
    let run = Arc::new(Run::default());
    let server = Server::start(data.path());
    let mut writers = Writer::all(server.address, &mut random);
    server.kill();
    for cycle in 0..cycles {
        let server = Server::start(data.path());
        for writer in &mut writers {
            writer.check(server.address, cycle);
        }
        let running = Writer::run_all(writers, server.address, &run);
        thread::sleep(Duration::from_millis(10 + random.below(250)));
        server.kill();
        writers = Writer::join_all(running);
    }
    let server = Server::start(data.path());
    for writer in &mut writers {
        writer.check(server.address, cycles);
    }
    let acknowledged = run.acknowledged.load(Ordering::Relaxed);
    println!("{acknowledged} acknowledged changes in {cycles} cycles, none lost");
    assert!(acknowledged > cycles, "the writers hardly wrote: {acknowledged} changes");
}
