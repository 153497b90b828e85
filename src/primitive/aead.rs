//! ChaCha20-Poly1305 (RFC 8439) and XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), in place.
//!
//! Neither commits to its key: whoever uses them checks what comes out against something that does
//! (the commitments of a quorum, the header MAC of an age file).

use chacha20poly1305::aead::{AeadInOut, KeyInit, Nonce, Tag};
use chacha20poly1305::{ChaCha20Poly1305, XChaCha20Poly1305};

/// Length in bytes of the tag of both.
pub(crate) const TAG: usize = 16;
/// Length in bytes of the key of both.
pub(crate) const KEY: usize = 32;

/// The ciphertext or its associated data was altered, or the key is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

/// Encrypts `bytes` in place and returns the tag.
pub(crate) fn seal(
    key: &[u8; KEY],
    nonce: &[u8; 12],
    aad: &[u8],
    bytes: &mut [u8],
) -> Result<[u8; TAG], Refused> {
    seal_with(&ChaCha20Poly1305::new(key.into()), nonce.into(), aad, bytes)
}

/// Decrypts `bytes` in place; they are unchanged ciphertext when it is refused.
pub(crate) fn open(
    key: &[u8; KEY],
    nonce: &[u8; 12],
    aad: &[u8],
    bytes: &mut [u8],
    tag: &[u8; TAG],
) -> Result<(), Refused> {
    open_with(&ChaCha20Poly1305::new(key.into()), nonce.into(), aad, bytes, tag)
}

/// As [`seal`], with a nonce long enough to be random.
pub(crate) fn xseal(
    key: &[u8; KEY],
    nonce: &[u8; 24],
    aad: &[u8],
    bytes: &mut [u8],
) -> Result<[u8; TAG], Refused> {
    seal_with(&XChaCha20Poly1305::new(key.into()), nonce.into(), aad, bytes)
}

/// As [`open`], for what [`xseal`] sealed.
pub(crate) fn xopen(
    key: &[u8; KEY],
    nonce: &[u8; 24],
    aad: &[u8],
    bytes: &mut [u8],
    tag: &[u8; TAG],
) -> Result<(), Refused> {
    open_with(&XChaCha20Poly1305::new(key.into()), nonce.into(), aad, bytes, tag)
}

fn seal_with<A: AeadInOut<TagSize = chacha20poly1305::consts::U16>>(
    cipher: &A,
    nonce: &Nonce<A>,
    aad: &[u8],
    bytes: &mut [u8],
) -> Result<[u8; TAG], Refused> {
    let tag: Tag<A> = cipher.encrypt_inout_detached(nonce, aad, bytes.into()).map_err(|_| Refused)?;
    Ok(tag.into())
}

fn open_with<A: AeadInOut<TagSize = chacha20poly1305::consts::U16>>(
    cipher: &A,
    nonce: &Nonce<A>,
    aad: &[u8],
    bytes: &mut [u8],
    tag: &[u8; TAG],
) -> Result<(), Refused> {
    cipher.decrypt_inout_detached(nonce, aad, bytes.into(), tag.into()).map_err(|_| Refused)
}
