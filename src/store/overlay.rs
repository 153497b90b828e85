//! Two stores as one: what can't be written to the first goes to the second.
//!
//! For a disaster in which the escrow can be read but not written (a full disk, a read-only copy):
//! everything new, the log's next commits among it, is created in the other place. Copy it into the
//! escrow before anybody else writes there: two different commits of one number are a fork of the log,
//! of which the escrow's own is read.

use super::{Store, StoreError};
use std::collections::BTreeSet;

/// Reads from both, creates in the second only.
#[derive(Debug)]
pub struct OverlayStore<A, B> {
    first: A,
    second: B,
}

impl<A: Store, B: Store> OverlayStore<A, B> {
    /// `first` stays as it is; new objects go to `second`.
    pub const fn new(first: A, second: B) -> Self {
        Self { first, second }
    }
}

impl<A: Store, B: Store> Store for OverlayStore<A, B> {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        // Whatever its length, an object that is there is in the way.
        match self.first.read(name, 0) {
            Ok(None) => self.second.create(name, bytes),
            _ => Err(StoreError::Exists { name: name.to_owned() }),
        }
    }

    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        match self.first.read(name, limit)? {
            Some(bytes) => Ok(Some(bytes)),
            None => self.second.read(name, limit),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let names: BTreeSet<String> =
            self.first.list(folder)?.into_iter().chain(self.second.list(folder)?).collect();
        Ok(names.into_iter().collect())
    }
}
