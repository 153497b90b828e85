//! A store that fails on purpose, to show what a full disk or a broken one does to a ceremony.

use super::{Store, StoreError};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The write fails, nothing is made.
    Full,
    /// The write is made, and its success is never reported (a cut connection).
    LostReply,
    /// Somebody else takes the name first.
    Taken,
}

/// Passes everything on to another store, but for one `create`, which fails.
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: S,
    fault: Fault,
    left: AtomicUsize,
}

impl<S: Store> FaultyStore<S> {
    /// A store whose `create` number `at` (from 0) meets `fault`.
    pub const fn new(inner: S, fault: Fault, at: usize) -> Self {
        Self { inner, fault, left: AtomicUsize::new(at) }
    }

    /// The store behind it.
    pub fn into_inner(self) -> S {
        self.inner
    }

    /// The store behind it.
    pub const fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S: Store> Store for FaultyStore<S> {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let count = |left: usize| Some(left.checked_sub(1).unwrap_or(usize::MAX));
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count) != Ok(0) {
            return self.inner.create(name, bytes);
        }
        let name = name.to_owned();
        match self.fault {
            Fault::Full => Err(StoreError::Full { name }),
            Fault::Taken => {
                self.inner.create(&name, b"somebody else's")?;
                self.inner.create(&name, bytes)
            }
            Fault::LostReply => {
                self.inner.create(&name, bytes)?;
                Err(StoreError::System { name, message: "the reply was lost".to_owned() })
            }
        }
    }

    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.read(name, limit)
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.inner.remove(name)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list(folder)
    }
}
