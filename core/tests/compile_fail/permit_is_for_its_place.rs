//! A permit to read a repository is none to read the bytes of any file.
use packhouse_core::access::{Permit, RepoPlace, act};
use packhouse_core::blobs::ByteRange;
use packhouse_core::{Packhouse, downloads};

async fn misuse(packhouse: &Packhouse, permit: &Permit<act::Read, RepoPlace>) {
    let _ = downloads::open(packhouse, permit, ByteRange::ALL).await;
}

fn main() {}
