//! A permit to publish a file is none to read its bytes.
use packhouse_core::access::{FilePlace, Permit, act};
use packhouse_core::blobs::ByteRange;
use packhouse_core::{Packhouse, downloads};

async fn misuse(packhouse: &Packhouse, permit: &Permit<act::Publish, FilePlace>) {
    let _ = downloads::open(packhouse, permit, ByteRange::ALL).await;
}

fn main() {}
