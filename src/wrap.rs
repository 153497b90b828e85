//! Wrapping: a key under the wrapping key of an HSM or a provider, as bytes that only it can open.
//!
//! Two forms serve every service. *Direct*: RSAES-OAEP of the key itself. *Hybrid* (PKCS#11
//! `CKM_RSA_AES_KEY_WRAP`): OAEP of a fresh AES-256 key, then the key under that one by AES key wrap with
//! padding (RFC 5649). What a service takes (form, hash, encoding, envelope) is its own table's
//! matter; here is the arithmetic, and every limit is checked before anything is encrypted.
//!
//! In: [`WrappingKey`], the bytes of a key. Out: public bytes. Wrapping authenticates nobody: whoever
//! exchanged the wrapping key opens the blob, so its fingerprint is compared first.

use crate::key::{EncryptError, OaepHash, WrappingKey};
use crate::primitive::kwp::{self, KwpError};
use crate::primitive::random::{Entropy, NoEntropy};
use crate::secret::SecretBytes;

/// How a key is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// RSAES-OAEP of the key.
    Direct,
    /// RSAES-OAEP of an AES-256 key, and the key under that one.
    Hybrid,
}

/// Why nothing was wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrapError {
    /// OAEP refused.
    #[error(transparent)]
    Oaep(#[from] EncryptError),
    /// AES key wrap refused.
    #[error(transparent)]
    Kwp(#[from] KwpError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// The length in bytes of the blob that [`wrap`] makes of a key of `length` bytes.
#[must_use]
pub const fn wrapped_length(form: Form, to: &WrappingKey, length: usize) -> usize {
    let modulus = to.bits() >> 3;
    match form {
        Form::Direct => modulus,
        Form::Hybrid => modulus.saturating_add(length.next_multiple_of(8)).saturating_add(8),
    }
}

/// Wraps `key` under `to`.
///
/// # Errors
/// [`WrapError`].
pub fn wrap(
    form: Form,
    hash: OaepHash,
    to: &WrappingKey,
    key: &[u8],
    entropy: &mut Entropy,
) -> Result<Vec<u8>, WrapError> {
    match form {
        Form::Direct if key.is_empty() => Err(KwpError::Length { found: 0 }.into()),
        Form::Direct => Ok(to.encrypt(hash, key, entropy)?),
        Form::Hybrid => {
            let kek: SecretBytes = entropy.secret(kwp::KEY)?;
            let inner = kwp::wrap(&kek, key)?;
            let mut blob = to.encrypt(hash, kek.expose(), entropy)?;
            blob.extend_from_slice(&inner);
            Ok(blob)
        }
    }
}
