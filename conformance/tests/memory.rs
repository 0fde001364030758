//! The in-memory backends pass the suites.

mod blobs {
    use std::sync::Arc;

    use packhouse_conformance::blobs::Fixture;
    use packhouse_core::Timestamp;
    use packhouse_core::memory::MemoryBlobs;
    use packhouse_core::ports::Clock;

    #[derive(Debug)]
    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_562_014_302_879)
        }
    }

    async fn empty() -> Fixture {
        Fixture::new(Arc::new(MemoryBlobs::new(Arc::new(Stopped))))
    }

    packhouse_conformance::blob_suite!(empty);
}

mod store {
    use std::sync::Arc;

    use packhouse_core::memory::MemoryStore;
    use packhouse_core::store::Store;

    async fn empty() -> Arc<dyn Store> {
        Arc::new(MemoryStore::new())
    }

    packhouse_conformance::store_suite!(empty);
}
