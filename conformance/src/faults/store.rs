//! The wrapper of a store.

use std::sync::Arc;

use async_trait::async_trait;
use packhouse_core::store::{
    Batch, CommitError, Committed, Key, Page, Query, Record, RecordStream, Store, StoreError,
    StoreErrorKind,
};

use super::{Counted, Faults, How, store_error};

/// A store whose calls fail as planned.
#[derive(Clone, Debug)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    faults: Faults,
}

impl FaultyStore {
    /// A wrapper of a store that `faults` steers.
    pub fn new(inner: Arc<dyn Store>, faults: &Faults) -> Self {
        Self { inner, faults: faults.clone() }
    }

    /// A call that changes nothing.
    async fn ask<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let how = self.faults.call(&[Counted::Records]).await;
        match how.and_then(store_error) {
            Some(error) => Err(error),
            None => self.faults.answer(how, call.await).await,
        }
    }
}

/// A commit that was not made, and of which no more is known.
fn unknown() -> CommitError {
    CommitError::Unknown(StoreErrorKind::Unavailable.because("as planned"))
}

#[async_trait]
impl Store for FaultyStore {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        self.ask(self.inner.read(keys)).await
    }

    async fn select(&self, query: &Query) -> Result<Page, StoreError> {
        let page = self.ask(self.inner.select(query)).await?;
        self.faults.plan().rows += page.rows.len();
        Ok(page)
    }

    async fn scan(&self, query: &Query) -> Result<RecordStream, StoreError> {
        self.ask(self.inner.scan(query)).await
    }

    async fn commit(&self, batch: &Batch) -> Result<Committed, CommitError> {
        let how = self.faults.call(&[Counted::Records, Counted::Commits]).await;
        match how {
            None => {
                let refusal = self.faults.plan().refusal;
                match refusal {
                    Some(kind) => Err(CommitError::Failed(kind.because("as planned"))),
                    None => self.inner.commit(batch).await,
                }
            }
            Some(How::UnknownApplied) => match self.inner.commit(batch).await {
                Ok(_) => Err(unknown()),
                told => told,
            },
            Some(How::UnknownNotApplied) => Err(unknown()),
            Some(kind) => match store_error(kind) {
                Some(error) => Err(CommitError::Failed(error)),
                None => self.faults.answer(how, self.inner.commit(batch).await).await,
            },
        }
    }
}
