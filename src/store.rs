//! Where an escrow lives: named, immutable objects that are created once and never rewritten.
//!
//! [`Store`] is the whole contract: create if absent, durably and atomically; read within a limit;
//! list a folder; and remove one object for good, which a store may refuse to do. `folder` keeps it on a disk, `memory` in memory (tests, rehearsals), `overlay`
//! writes elsewhere than it reads, `faulty` fails on purpose. Because nothing is ever replaced, an object store with object lock can serve
//! as well, and two writers at once conflict cleanly: the second `create` of a name is refused.
//!
//! Nothing secret passes here. What the objects mean, `log` knows.

mod faulty;
mod folder;
mod memory;
mod overlay;

pub use faulty::{Fault, FaultyStore};
pub use folder::FolderStore;
pub use memory::MemoryStore;
pub use overlay::OverlayStore;

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The name is taken: somebody else was first.
    #[error("{name} exists already")]
    Exists {
        /// The object.
        name: String,
    },
    /// The object is longer than its kind may be.
    #[error("{name} is longer than the {limit} bytes that it may have")]
    TooLong {
        /// The object.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// A link, a device or a folder stands where a file should.
    #[error("{name} is not a plain file, or is reached over a link: an escrow holds its own files")]
    NotAFile {
        /// The object.
        name: String,
    },
    /// A link or a file stands where a folder should.
    #[error("{name} is a link or a file, not a folder: an escrow holds its own folders")]
    NotAFolder {
        /// The folder.
        name: String,
    },
    /// No space is left.
    #[error("no space is left to write {name}: free some, then run the command again")]
    Full {
        /// The object.
        name: String,
    },
    /// The object is there, but the disk could not be told to keep it.
    #[error("{name} may not survive a power cut: the disk failed; copy the escrow to another one")]
    Unsynced {
        /// The object.
        name: String,
    },
    /// The store keeps what it has.
    #[error("{name} can't be removed: this store keeps everything that it has")]
    Kept {
        /// The object.
        name: String,
    },
    /// Not allowed.
    #[error("the system does not allow access to {name}: check the folder's owner and mode")]
    Denied {
        /// The object.
        name: String,
    },
    /// Anything else that the system says.
    #[error("{name}: {message}")]
    System {
        /// The object.
        name: String,
        /// The system's words.
        message: String,
    },
}

impl StoreError {
    fn of(name: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let name = name.to_owned();
        match error.kind() {
            Kind::AlreadyExists => Self::Exists { name },
            Kind::StorageFull | Kind::QuotaExceeded => Self::Full { name },
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::Denied { name },
            _ => Self::System { name, message: error.to_string() },
        }
    }
}

/// An object's name and bytes.
pub type Object = (String, Vec<u8>);
/// An object that is to be stored, or why there will be none.
pub type Made = Result<Object, StoreError>;

/// Named, immutable objects. Names are relative paths of ASCII letters, digits, `.`, `_` and `-`.
pub trait Store: Send + Sync {
    /// Creates `name` with `bytes`. When this succeeds, the object is whole and survives a power cut.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when the name is taken, and then this call made nothing: a store that
    /// tries again by itself must know its own object. [`StoreError::Unsynced`] when the object was
    /// made and may not last. After any other error it is whole or not there; only [`Self::read`]
    /// can tell, since a reply can be lost.
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// Creates many objects, each as [`Self::create`] does, once `objects` has given the last; the
    /// work that can be done before is done while the next is made. A failure may leave some of them,
    /// but an error among `objects` leaves none.
    ///
    /// # Errors
    /// The first error.
    fn create_all(&self, objects: &mut dyn Iterator<Item = Made>) -> Result<(), StoreError> {
        let objects: Vec<Object> = objects.collect::<Result<_, _>>()?;
        objects.iter().try_for_each(|(name, bytes)| self.create(name, bytes))
    }

    /// The bytes of `name`, `None` when there is none; never more than `limit` bytes are read.
    ///
    /// # Errors
    /// [`StoreError::TooLong`], [`StoreError::NotAFile`], or what the system says.
    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError>;

    /// The names in `folder` (of files and folders, without the folder's own), in ascending order;
    /// empty when there is no such folder.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError>;

    /// Removes `name` for good; its name is not to be used again. Only what a record says is destroyed is
    /// ever removed. A store that keeps everything (object lock, write-once media) refuses, and so does
    /// any that doesn't say otherwise.
    ///
    /// # Errors
    /// [`StoreError::Kept`]; [`StoreError::Unsynced`] when it may be there again after a power cut; what
    /// the system says.
    fn remove(&self, name: &str) -> Result<(), StoreError> {
        Err(StoreError::Kept { name: name.to_owned() })
    }
}

/// Whether `name` can be an object's name: no way out of the escrow, nothing that a file system mangles.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let part = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && part.len() <= 100 && part.chars().all(plain)
    };
    name.split('/').all(part)
}

#[cfg(test)]
mod tests;
