//! Whether the backends can do their work, asked without leaving anything behind.

use std::time::Duration;

use packhouse_core::{ErrorKind, health};

use crate::world::{World, run};
use packhouse_conformance::faults::{Counted, How};

#[test]
fn a_probe_of_sound_backends_leaves_no_bytes_and_holds_for_two_seconds() {
    let world = World::new();
    world.faults.fail(Counted::Every, 0..0, How::Unavailable);
    run(health::probe(&world.packhouse)).unwrap();
    let calls = world.faults.calls();
    assert!(calls > 0);
    run(health::probe(&world.packhouse)).unwrap();
    assert_eq!(world.faults.calls(), calls, "the answer is fresh");
    world.clock.advance(Duration::from_secs(2));
    run(health::probe(&world.packhouse)).unwrap();
    assert_eq!(world.faults.calls(), 2 * calls);
    assert_eq!(world.blob_count(), 0);
    world.check();
}

#[test]
fn a_probe_tells_any_call_that_fails_and_says_so_for_two_seconds() {
    for (how, kind) in [(How::Full, ErrorKind::Full), (How::Unavailable, ErrorKind::Unavailable)] {
        for call in 0..7 {
            let world = World::new();
            run(health::probe(&world.packhouse)).unwrap();
            world.clock.advance(Duration::from_secs(2));
            world.faults.fail(Counted::Every, call..call + 1, how);
            let told = run(health::probe(&world.packhouse)).unwrap_err();
            assert_eq!(*told.kind(), kind, "call {call}");
            world.faults.heal();
            let again = run(health::probe(&world.packhouse)).unwrap_err();
            assert_eq!(*again.kind(), ErrorKind::Unavailable);
            world.clock.advance(Duration::from_secs(2));
            run(health::probe(&world.packhouse)).unwrap();
        }
    }
}
