//! Any `Range` header has an answer within the size.
#![no_main]

use libfuzzer_sys::fuzz_target;
use packhouse_http::support::ranges::{MAX_PARTS, RangeAnswer, answer};

fuzz_target!(|input: (u64, &str)| {
    let (size, header) = input;
    match answer(header, size) {
        RangeAnswer::Whole | RangeAnswer::Unsatisfiable => {}
        RangeAnswer::One { start, end } => assert!(start < end && end <= size),
        RangeAnswer::Many(parts) => {
            assert!((2..=MAX_PARTS).contains(&parts.len()));
            assert!(parts.iter().all(|part| part.start < part.end && part.end <= size));
            assert!(parts.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
});
