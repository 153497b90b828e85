//! The stanza `mlkem768x25519`: the file key under HPKE (RFC 9180) with MLKEM768-X25519, KEM 0x647a.
//!
//! The only file that names `hpke`. In: public keys of 1,216 bytes, seeds of 32 bytes, a generator;
//! out: an encapsulated key of 1,120 bytes and a body, or the file key. The crate takes a low-order
//! X25519 part, which the age specification and RFC 9180 section 7.1.4 forbid, so that is checked
//! here. Nothing is returned by the crate in a buffer of its own: bodies are sealed and opened in
//! place.

use super::header::{BODY, FILE_KEY};
use super::x25519;
use crate::primitive::aead::TAG;
use crate::primitive::random::Draws;
use crate::secret::{SecretBytes, Zeroize, scrubbed};
use hpke::aead::{AeadTag, ChaCha20Poly1305};
use hpke::kdf::HkdfSha256;
use hpke::kem::{Kem, XWing};
use hpke::{Deserializable as _, OpModeR, OpModeS, Serializable as _};

pub(super) const KIND: &str = "mlkem768x25519";
/// Length in bytes of a public key: ML-KEM-768's 1,184 and X25519's 32.
pub(super) const PUBLIC: usize = 1216;
/// Length in bytes of an encapsulated key: ML-KEM-768's 1,088 and X25519's 32.
pub(super) const ENC: usize = 1120;
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";

type PrivateKey = <XWing as Kem>::PrivateKey;

/// A public key, decoded and checked once, ready to encapsulate to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKey(Box<<XWing as Kem>::PublicKey>);

impl PublicKey {
    /// `None` for another length, an ML-KEM part out of range or an X25519 part of low order.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (_, classical) = bytes.split_last_chunk()?;
        if bytes.len() != PUBLIC || x25519::is_low_order(classical) {
            return None;
        }
        <XWing as Kem>::PublicKey::from_bytes(bytes).ok().map(|key| Self(Box::new(key)))
    }

    /// The public key of a seed. The work leaves no secret on the stack.
    pub(super) fn of_seed(seed: &[u8; 32]) -> Option<Self> {
        scrubbed(|| {
            let key = PrivateKey::from_bytes(seed).ok()?;
            Some(Self(Box::new(XWing::sk_to_pk(&key))))
        })
    }

    pub(super) fn to_bytes(&self) -> [u8; PUBLIC] {
        let mut bytes = [0; PUBLIC];
        self.0.write_exact(&mut bytes);
        bytes
    }

    /// Seals the file key: the encapsulated key and the body.
    pub(super) fn wrap(
        &self,
        file_key: &[u8; FILE_KEY],
        draws: &mut Draws<'_>,
    ) -> Option<([u8; ENC], [u8; BODY])> {
        let mut body = [0; BODY];
        let (key, tag) = body.split_first_chunk_mut::<FILE_KEY>()?;
        *key = *file_key;
        let sealed = hpke::single_shot_seal_inout_detached_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &OpModeS::Base,
            &self.0,
            INFO,
            key.as_mut_slice().into(),
            &[],
            draws,
        );
        let Ok((enc, sealed_tag)) = sealed else {
            key.zeroize();
            return None;
        };
        sealed_tag.write_exact(tag);
        let mut enc_bytes = [0; ENC];
        enc.write_exact(&mut enc_bytes);
        Some((enc_bytes, body))
    }
}

/// Whether the X25519 part of an encapsulated key has low order: then half of the hybrid is void.
pub(super) fn is_low_order(enc: &[u8; ENC]) -> bool {
    enc.split_last_chunk().is_none_or(|(_, classical)| x25519::is_low_order(classical))
}

/// Opens a body; `None` when it was sealed to another key. The work leaves no secret on the stack.
pub(super) fn unwrap(seed: &[u8; 32], enc: &[u8; ENC], body: &[u8; BODY]) -> Option<SecretBytes> {
    let (sealed, tag) = body.split_last_chunk::<TAG>()?;
    let mut file_key = SecretBytes::copy_of(sealed);
    scrubbed(|| {
        let key = PrivateKey::from_bytes(seed).ok()?;
        hpke::single_shot_open_inout_detached::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &OpModeR::Base,
            &key,
            &<XWing as Kem>::EncappedKey::from_bytes(enc).ok()?,
            INFO,
            file_key.expose_mut().into(),
            &[],
            &AeadTag::from_bytes(tag).ok()?,
        )
        .ok()
    })?;
    Some(file_key)
}
