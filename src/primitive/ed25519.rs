//! Ed25519 signatures (RFC 8032), verified strictly: no small-order key, no malleable signature.

use crate::secret::SecretBytes;
use core::fmt;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

/// Length in bytes of a seed and of a public key.
pub const KEY: usize = 32;
/// Length in bytes of a signature.
pub const SIGNATURE: usize = 64;

/// A signing key; wiped on drop.
pub struct Signer(Box<SigningKey>);

impl Signer {
    /// The signing key of a seed of 32 bytes; `None` for another length.
    #[must_use]
    pub fn from_seed(seed: &SecretBytes) -> Option<Self> {
        let seed: &[u8; KEY] = seed.expose().try_into().ok()?;
        Some(Self(Box::new(SigningKey::from_bytes(seed))))
    }

    /// The public key, 32 bytes compressed.
    #[must_use]
    pub fn public(&self) -> [u8; KEY] {
        self.0.verifying_key().to_bytes()
    }

    /// The signature of `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Whether `signature` is that of `message` under `public`.
#[must_use]
pub fn verify(public: &[u8; KEY], message: &[u8], signature: &[u8; SIGNATURE]) -> bool {
    VerifyingKey::from_bytes(public)
        .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answer_of_rfc_8032() {
        let seed = SecretBytes::copy_of(&[
            0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e, 0x0f,
            0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb,
        ]);
        let signer = Signer::from_seed(&seed).unwrap();
        let signature = signer.sign(&[0x72]);
        assert_eq!(signature[..4], [0x92, 0xa0, 0x09, 0xa9]);
        assert!(verify(&signer.public(), &[0x72], &signature));
        assert!(!verify(&signer.public(), &[0x73], &signature));
        let mut altered = signature;
        altered[63] ^= 1;
        assert!(!verify(&signer.public(), &[0x72], &altered));
        // The identity point signs anything under a lax verifier.
        let mut identity = [0; KEY];
        identity[0] = 1;
        let mut forged = [0; SIGNATURE];
        forged[0] = 1;
        assert!(!verify(&identity, &[0x72], &forged));
    }
}
