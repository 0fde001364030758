//! Who holds a Packhouse (a dialect, say) has its use cases, and neither its records nor its bytes.
use packhouse_core::Packhouse;

async fn around(packhouse: &Packhouse) {
    let _ = packhouse.inner.ports.store;
    let _ = packhouse.blobs();
    let _ = packhouse.read_all(&[]).await;
    let _ = packhouse.secret();
}

fn main() {}
