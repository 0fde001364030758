//! Any stream is split by every reader as the server splits it, however it is cut into reads.
#![no_main]

// The server is a program with a database in it, which takes long to build: its module is taken
// here as it is, and called as the tests call it.
extern crate self as packhouse_server;

use libfuzzer_sys::fuzz_target;

#[path = "../../examples/server/src/framing/mod.rs"]
pub mod framing;

#[path = "../../examples/server/tests/server/agreement.rs"]
mod agreement;
#[path = "../../examples/server/tests/server/views.rs"]
mod views;

fuzz_target!(|stream: &[u8]| {
    agreement::assert_agreed(stream);
    let whole = agreement::judged(stream, usize::MAX);
    assert_eq!(agreement::judged(stream, stream.len() % 13 + 1), whole);
});
