//! The shortest sequence that still differs.

use super::command::Step;
use super::run::{Difference, Engines};

/// How many sequences are tried at most.
const TRIES: usize = 400;

/// Leaves out commands for as long as there is a difference.
pub(crate) async fn shrink(
    engines: &mut Engines,
    (steps, turn): (&[Step], usize),
    first: Box<Difference>,
) -> (Vec<Step>, Box<Difference>) {
    let mut left: Vec<Step> = steps[..steps.len().min(first.at + 1)].to_vec();
    let (mut difference, mut tries) = (first, 0);
    let mut size = left.len().div_ceil(2);
    loop {
        let (mut from, mut shorter) = (0, false);
        while from < left.len() && tries < TRIES {
            let mut without = left.clone();
            without.drain(from..(from + size).min(left.len()));
            tries += 1;
            match engines.play(&without, turn).await {
                Err(found) => {
                    without.truncate(found.at + 1);
                    (left, difference, shorter) = (without, found, true);
                }
                Ok(()) => from += size,
            }
        }
        if tries >= TRIES || (size == 1 && !shorter) {
            return (left, difference);
        }
        size = if shorter { size.min(left.len().max(1)) } else { size.div_ceil(2) };
    }
}
