//! Keys: what is escrowed, in the one encoding that a key has.
//!
//! Owns [`KeyKind`] and [`Label`] (what a key is and what it is called), [`KeyMaterial`] (the secret
//! bytes, checked when they are made), `generate`, `import` and export, [`Fingerprint`] and
//! [`KeyRecord`] (the plaintext of a backup). In: entropy, files. Out: canonical bytes and public
//! facts. Symmetric keys are raw bytes; private keys are PKCS#8 DER that is always written here, so
//! that one key has one byte string and one fingerprint, wherever it came from.
//!
//! [`WrappingKey`] is somebody else's public key, which keys are sent to; [`PublicKey`] is one that
//! signatures are verified under. It uses no private key, reads no files and knows no provider. It is the only
//! module that names `rsa`, `p256`, `p384`, `p521`, `k256` and `crypto-primes`. Their types wipe
//! themselves on drop; copies that their arithmetic makes on the heap are wiped by the program's
//! allocator alone (`docs/threat-model.md`). Normative: `docs/format.md`, Keys.

mod der;
mod ec;
mod export;
mod fingerprint;
mod generate;
mod import;
mod kind;
mod label;
mod mark;
mod pem;
mod pkcs8;
mod public;
mod raw;
mod record;
mod refusal;
mod rsa;
mod wrapping;

pub use fingerprint::{Fingerprint, SALT};
pub use generate::{GenerateError, generate, generate_opaque};
pub use import::import;
pub use kind::{Encoding, KeyKind, OPAQUE_LIMIT, UnknownKind};
pub use label::{KeyId, KeyName, Label, LabelError};
pub use mark::{Mark, Question};
pub use public::{PublicKey, PublicKeyError, RsaHash};
pub use record::{KeyFacts, KeyRecord, RECORD_LIMIT, RecordError};
pub use refusal::ImportError;
pub use wrapping::{EncryptError, OaepHash, WrappingKey, WrappingKeyError};

use crate::primitive::hash::sha256;
use crate::secret::SecretBytes;
use core::fmt;

/// A key: its kind and its secret bytes in canonical form.
///
/// It can't hold anything else: every constructor checks the bytes against the kind.
pub struct KeyMaterial {
    kind: KeyKind,
    bytes: SecretBytes,
    spki: Option<Vec<u8>>,
}

impl KeyMaterial {
    /// The key of a symmetric or opaque `kind` whose bytes these are.
    ///
    /// # Errors
    /// [`ImportError`]: a wrong length, bytes that are all the same, or an asymmetric kind.
    pub fn raw(kind: KeyKind, bytes: SecretBytes) -> Result<Self, ImportError> {
        raw::check(kind, bytes.expose())?;
        Ok(Self { kind, bytes, spki: None })
    }

    /// The key whose canonical bytes these are, as a key record keeps them.
    ///
    /// # Errors
    /// [`ImportError`] as for an import, and [`ImportError::NotCanonical`] for another encoding of
    /// the same key.
    pub fn stored(kind: KeyKind, bytes: SecretBytes) -> Result<Self, ImportError> {
        if !kind.is_asymmetric() {
            return Self::raw(kind, bytes);
        }
        let material = pkcs8::read(bytes.expose(), None)?.material()?;
        if material.kind != kind {
            return Err(ImportError::KindMismatch { wanted: kind, found: material.kind });
        }
        if material.bytes.ct_eq(&bytes) { Ok(material) } else { Err(ImportError::NotCanonical) }
    }

    /// What kind of key it is.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The canonical bytes: raw, or PKCS#8 DER.
    #[must_use]
    pub const fn bytes(&self) -> &SecretBytes {
        &self.bytes
    }

    /// The public key as DER `SubjectPublicKeyInfo` (RFC 5280 section 4.1), of an asymmetric kind.
    #[must_use]
    pub fn public_spki(&self) -> Option<&[u8]> {
        self.spki.as_deref()
    }

    /// SHA-256 of [`Self::public_spki`].
    #[must_use]
    pub fn spki_sha256(&self) -> Option<[u8; 32]> {
        self.public_spki().map(|spki| sha256(&[spki]))
    }

    /// Whether both are the same key, in time that depends on kind and length only.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.bytes.ct_eq(&other.bytes)
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyMaterial({}, <redacted>)", self.kind)
    }
}

#[cfg(test)]
mod tests;
