//! The stanza `X25519`: the file key under an ephemeral Diffie-Hellman key (C2SP age.md, X25519).
//!
//! The only file that names `x25519_dalek`. In: public keys and scalars of 32 bytes; out: an
//! ephemeral share and a body, or the file key. A shared secret of zero is never used.

use super::header::{BODY, FILE_KEY};
use crate::primitive::aead::{self, TAG};
use crate::primitive::hash::hkdf_sha256;
use crate::primitive::random::{Entropy, NoEntropy};
use crate::secret::{SecretBytes, Zeroize, ct_eq, scrubbed};
use x25519_dalek::{PublicKey, StaticSecret};

pub(super) const KIND: &str = "X25519";
/// Length in bytes of a public key, a share and a scalar.
pub(super) const KEY: usize = 32;
const INFO: &[u8] = b"age-encryption.org/v1/X25519";
/// Every wrap key is used once.
const NONCE: [u8; 12] = [0; 12];

/// An ephemeral share and a body.
pub(super) type Sealed = ([u8; KEY], [u8; BODY]);

/// Whether a point has low order: any clamped scalar, being a multiple of 8, takes it to zero.
pub(super) fn is_low_order(point: &[u8; KEY]) -> bool {
    ct_eq(&x25519_dalek::x25519([0; KEY], *point), &[0; KEY])
}

/// The public key of a scalar. The work leaves no secret on the stack.
pub(super) fn public(scalar: &[u8; KEY]) -> [u8; KEY] {
    scrubbed(|| PublicKey::from(&StaticSecret::from(*scalar)).to_bytes())
}

/// Seals the file key; `None` for a recipient of low order.
pub(super) fn wrap(
    recipient: &[u8; KEY],
    file_key: &[u8; FILE_KEY],
    entropy: &mut Entropy,
) -> Result<Option<Sealed>, NoEntropy> {
    let ephemeral = entropy.secret(KEY)?;
    let sealed = || {
        let ephemeral: &[u8; KEY] = ephemeral.expose().try_into().ok()?;
        let share = public(ephemeral);
        let wrap_key = wrap_key(ephemeral, recipient, &share, recipient)?;
        let mut body = [0; BODY];
        let (key, tag) = body.split_first_chunk_mut::<FILE_KEY>()?;
        *key = *file_key;
        match aead::seal(wrap_key.expose().try_into().ok()?, &NONCE, &[], key) {
            Ok(sealed_tag) => tag.copy_from_slice(&sealed_tag),
            Err(aead::Refused) => {
                key.zeroize();
                return None;
            }
        }
        Some((share, body))
    };
    Ok(sealed())
}

/// What opening a body gives, other than the file key.
pub(super) enum Refusal {
    /// The share has low order: the stanza is malformed.
    LowOrder,
    /// It was sealed to another key.
    NotMine,
}

/// Opens a body.
pub(super) fn unwrap(
    scalar: &[u8; KEY],
    share: &[u8; KEY],
    body: &[u8; BODY],
) -> Result<SecretBytes, Refusal> {
    let wrap_key = wrap_key(scalar, share, share, &public(scalar)).ok_or(Refusal::LowOrder)?;
    let wrap_key = wrap_key.expose().try_into().map_err(|_| Refusal::NotMine)?;
    let (sealed, tag) = body.split_last_chunk::<TAG>().ok_or(Refusal::NotMine)?;
    let mut file_key = SecretBytes::copy_of(sealed);
    aead::open(wrap_key, &NONCE, &[], file_key.expose_mut(), tag).map_err(|_| Refusal::NotMine)?;
    Ok(file_key)
}

/// The wrap key; `None` when the shared secret is zero. The work leaves no secret on the stack.
fn wrap_key(
    scalar: &[u8; KEY],
    point: &[u8; KEY],
    share: &[u8; KEY],
    recipient: &[u8; KEY],
) -> Option<SecretBytes> {
    scrubbed(|| {
        let shared = StaticSecret::from(*scalar).diffie_hellman(&PublicKey::from(*point));
        let salt = [*share, *recipient];
        shared.was_contributory().then(|| hkdf_sha256(salt.as_flattened(), shared.as_bytes(), INFO))
    })
}
