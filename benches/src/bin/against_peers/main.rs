//! Packhouse against its peers in one run: downloads beside nginx, durable uploads beside Debian's
//! docker-registry and a floor.
//!
//! ```text
//! apt-get install nginx-light docker-registry wrk
//! cargo build --release -p packhouse-server
//! cargo run --release -p packhouse-benches --bin against_peers
//! ```
//!
//! Every server listens on 127.0.0.1 and is loaded in turn within each round, so that a noisy
//! neighbour hits all alike. Client and servers share the machine's cores: compare the ratios.
//! `ROUNDS` (3) and `SECONDS` (4) set how long it takes. What is not installed is left out.

mod downloads;
mod floor;
mod peers;
mod uploads;

use std::io;

use packhouse_benches::{Peer, setting};

fn main() -> io::Result<()> {
    let rounds = setting("ROUNDS", 3);
    let work = tempfile::tempdir()?;
    let packhouse = Peer::packhouse(&work.path().join("packhouse"))?;
    let key = peers::prepare(packhouse.address)?;
    downloads::compare(work.path(), &packhouse, rounds)?;
    uploads::compare(work.path(), &packhouse, &key, rounds)
}
