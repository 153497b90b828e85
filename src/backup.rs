//! A backup: one key version, encrypted to a quorum, as a stock age file.
//!
//! Sealing needs the quorum's public recipient only, so any machine backs up a new or rotated key
//! without custodians. Opening needs a [`Quorum`](crate::quorum::Quorum), and gives a key only when the record inside is
//! the one that the log says: same name, same version, same fingerprint. Anything else is an error
//! that names what differs. `docs/format.md`, Backups.

use crate::age::{
    DecryptError, EncryptError, Header, Identity, LIMITS, Limits, Recipient, Stanzas, decrypt, encrypt,
};
use crate::key::{Fingerprint, KeyId, KeyRecord, Label, RecordError};
use crate::primitive::hash::sha256;
use crate::primitive::random::Entropy;
use core::num::NonZeroU32;

/// The longest backup in bytes: the largest key record and the age file around it.
pub const LONGEST: u64 = 256 * 1024;

/// The bytes of a backup, public, and what the log says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    bytes: Vec<u8>,
    digest: [u8; 32],
}

/// What recovery expects to find in a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// SHA-256 of the backup.
    pub backup: [u8; 32],
    /// The key's id.
    pub key: KeyId,
    /// The key's name.
    pub label: Label,
    /// The version.
    pub version: NonZeroU32,
    /// The fingerprint.
    pub fingerprint: Fingerprint,
}

/// Why a backup gave no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Not the bytes that the log has.
    #[error("the backup is not the one that the log names: it was altered or exchanged")]
    Digest,
    /// Not an age file, or one that something else than this quorum could open.
    #[error("the backup can't be decrypted: {0}")]
    Decrypt(#[from] DecryptError),
    /// What was encrypted is no key record.
    #[error("the backup holds no key record: {0}")]
    Record(#[from] RecordError),
    /// The record is of another key or version.
    #[error("the backup holds {label} version {version}, not the key that was asked for")]
    OtherKey {
        /// The name in it.
        label: Label,
        /// The version in it.
        version: NonZeroU32,
    },
    /// The key isn't the one that the log names.
    #[error(
        "the key in the backup has fingerprint {found}, the log says {wanted}: this is not the key that was backed up"
    )]
    Fingerprint {
        /// The log's.
        wanted: Fingerprint,
        /// The key's.
        found: Fingerprint,
    },
}

impl Backup {
    /// Encrypts `record` to a quorum's recipient.
    ///
    /// # Errors
    /// [`EncryptError`].
    pub fn seal(
        record: &KeyRecord,
        recipient: &Recipient,
        entropy: &mut Entropy,
    ) -> Result<Self, EncryptError> {
        let bytes = encrypt(record.to_bytes().expose(), core::slice::from_ref(recipient), entropy)?;
        Ok(Self::from_bytes(bytes))
    }

    /// The bytes of a file that should be a backup.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        let digest = sha256(&[&bytes]);
        Self { bytes, digest }
    }

    /// The file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file, given away.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// SHA-256 of the file.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Whether it has the form of a backup: one stanza, `mlkem768x25519`. Needs no quorum.
    ///
    /// # Errors
    /// [`DecryptError`].
    pub fn inspect(&self) -> Result<(), DecryptError> {
        // A second stanza of the right kind would be somebody else's way in.
        let header = Header::parse(&self.bytes, &Limits { stanzas: 1, ..LIMITS })?;
        header.refuse_foreign()?;
        Ok(())
    }

    /// Decrypts it and checks what comes out against what is expected.
    ///
    /// # Errors
    /// [`OpenError`]; never a key that isn't the expected one.
    pub fn open(&self, identity: &Identity, expected: &Expected) -> Result<KeyRecord, OpenError> {
        if self.digest != expected.backup {
            return Err(OpenError::Digest);
        }
        let record = self.open_unlogged(identity)?;
        let facts = record.facts();
        if facts.label != expected.label || facts.version != expected.version || facts.key != expected.key {
            return Err(OpenError::OtherKey { label: facts.label.clone(), version: facts.version });
        }
        let found = record.fingerprint();
        if found != expected.fingerprint {
            return Err(OpenError::Fingerprint { wanted: expected.fingerprint, found });
        }
        Ok(record)
    }

    /// Decrypts it when no log is left to say what it should hold; the caller compares by hand.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_unlogged(&self, identity: &Identity) -> Result<KeyRecord, OpenError> {
        let plain = decrypt(&self.bytes, &[identity], Stanzas::OnlyHybrid, &LIMITS)?;
        Ok(KeyRecord::from_bytes(plain.expose())?)
    }
}

#[cfg(test)]
mod tests;
