//! A caller that goes away: each step of a release is polled any number of times and dropped.

use std::task::{Context, Waker};

use crate::faults::{RELEASE, clean, retry, seen, seen_after, world_after};

#[test]
fn a_step_that_is_dropped_at_any_moment_is_done_or_not_done() {
    for (step, op) in RELEASE.iter().enumerate() {
        let (before, after) = (seen_after(step), seen_after(step + 1));
        for polls in 0.. {
            let (world, anna) = world_after(step);
            world.faults.step_aside();
            let mut future = op.1(&world.packhouse, &world, &anna);
            let mut context = Context::from_waker(Waker::noop());
            let done = (0..polls).any(|_| future.as_mut().poll(&mut context).is_ready());
            drop(future);
            let seen_now = seen(&world);
            assert!(seen_now == before || seen_now == after, "{} {polls}:\n{seen_now}", op.0);
            world.check();
            retry(&world, &anna, op);
            assert_eq!(seen(&world), after, "{} {polls}, again", op.0);
            clean(&world);
            assert_eq!(seen(&world), after, "{} {polls}, cleaned", op.0);
            if done {
                assert!(polls >= 2, "{} has moments to be dropped at", op.0);
                break;
            }
        }
    }
}
