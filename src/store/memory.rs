//! An escrow in memory: for rehearsals and tests.

use super::{Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Objects in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<BTreeMap<String, Vec<u8>>>);

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts `bytes` in the place of `name`, as an attacker who holds the disk would; `None` removes it.
    pub fn tamper(&self, name: &str, bytes: Option<Vec<u8>>) {
        let mut objects = self.objects();
        match bytes {
            Some(bytes) => objects.insert(name.to_owned(), bytes),
            None => objects.remove(name),
        };
    }

    /// Every name there is.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.objects().keys().cloned().collect()
    }
}

impl Store for MemoryStore {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut objects = self.objects();
        if objects.contains_key(name) {
            return Err(StoreError::Exists { name: name.to_owned() });
        }
        objects.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let objects = self.objects();
        match objects.get(name) {
            Some(bytes) if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) => {
                Err(StoreError::TooLong { name: name.to_owned(), limit })
            }
            found => Ok(found.cloned()),
        }
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.objects().remove(name);
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        if self.objects().contains_key(folder) {
            return Err(StoreError::System { name: folder.to_owned(), message: "not a folder".to_owned() });
        }
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let inside = |name: &String| Some(name.strip_prefix(&prefix)?.split('/').next()?.to_owned());
        let names: BTreeSet<String> = self.objects().keys().filter_map(inside).collect();
        Ok(names.into_iter().collect())
    }
}
