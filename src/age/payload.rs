//! The payload of an age file: STREAM over ChaCha20-Poly1305 in chunks of 64 KiB (C2SP age.md).
//!
//! A chunk's nonce is its number and whether it is the last, so that cutting, swapping and adding
//! chunks all show. In: the payload key and bytes; out: the sealed chunks, or the whole plaintext
//! in one secret. Nothing of the plaintext is released when any chunk is refused.

use super::PayloadError;
use crate::primitive::aead::{self, KEY, Refused, TAG};
use crate::secret::{SecretBytes, Zeroize};

/// Length in bytes of the plaintext of a full chunk.
const CHUNK: usize = 64 * 1024;
/// Length in bytes of a full chunk with its tag.
const SEALED_CHUNK: usize = CHUNK + TAG;

/// The length in bytes of the sealed form of `length` bytes of plaintext.
pub(super) const fn sealed_length(length: usize) -> usize {
    length.saturating_add(chunk_count(length, CHUNK).saturating_mul(TAG))
}

/// How many chunks of `size` bytes `length` bytes make; an empty plaintext makes one.
const fn chunk_count(length: usize, size: usize) -> usize {
    let count = length.div_ceil(size);
    if count == 0 { 1 } else { count }
}

/// The parts of `size` bytes of `bytes` with their numbers; the flag tells the last one.
fn chunks(bytes: &[u8], size: usize) -> impl Iterator<Item = (u64, &[u8], bool)> {
    let mut left = Some((0_u64, bytes));
    core::iter::from_fn(move || {
        let (number, bytes) = left.take()?;
        match bytes.split_at_checked(size) {
            Some((chunk, rest)) if !rest.is_empty() => {
                left = Some((number.checked_add(1)?, rest));
                Some((number, chunk, false))
            }
            _ => Some((number, bytes, true)),
        }
    })
}

const fn nonce(number: u64, last: bool) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    [0, 0, 0, a, b, c, d, e, f, g, h, last as u8]
}

/// Appends the sealed form of `plain` to `out`, encrypting in `out` itself.
pub(super) fn seal(key: &[u8; KEY], plain: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
    out.reserve(sealed_length(plain.len()));
    for (number, chunk, last) in chunks(plain, CHUNK) {
        let start = out.len();
        out.extend_from_slice(chunk);
        let place = out.get_mut(start..).unwrap_or_default();
        let tag = aead::seal(key, &nonce(number, last), &[], place).inspect_err(|_| place.zeroize())?;
        out.extend_from_slice(&tag);
    }
    Ok(())
}

/// The plaintext of `sealed`, all of it or nothing.
pub(super) fn open(key: &[u8; KEY], sealed: &[u8]) -> Result<SecretBytes, PayloadError> {
    let tags = chunk_count(sealed.len(), SEALED_CHUNK).saturating_mul(TAG);
    let length = sealed.len().checked_sub(tags).ok_or(PayloadError::Truncated)?;
    SecretBytes::try_filled(length, |to| {
        let mut rest = to;
        for (number, chunk, last) in chunks(sealed, SEALED_CHUNK) {
            let (chunk, tag) = chunk.split_last_chunk::<TAG>().ok_or(PayloadError::Truncated)?;
            if chunk.is_empty() && number > 0 {
                return Err(PayloadError::EmptyChunk);
            }
            let (place, after) = rest.split_at_mut_checked(chunk.len()).ok_or(PayloadError::Truncated)?;
            rest = after;
            place.copy_from_slice(chunk);
            if aead::open(key, &nonce(number, last), &[], place, tag).is_err() {
                // Only the flag differs between a whole chunk and one at the wrong end of a file.
                let misplaced = aead::open(key, &nonce(number, !last), &[], place, tag).is_ok();
                return Err(match (misplaced, last) {
                    (true, true) => PayloadError::Truncated,
                    (true, false) => PayloadError::Trailing,
                    (false, _) => PayloadError::Altered { chunk: number },
                });
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; KEY] = [7; KEY];

    fn sealed(length: usize) -> Vec<u8> {
        let mut out = Vec::new();
        seal(&SECRET, &vec![0x5a; length], &mut out).unwrap();
        assert_eq!(out.len(), sealed_length(length));
        out
    }

    fn error(sealed: &[u8]) -> PayloadError {
        open(&SECRET, sealed).unwrap_err()
    }

    #[test]
    fn every_length_around_a_border_comes_back() {
        for length in [0, 1, 15, 16, 17, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK] {
            assert_eq!(open(&SECRET, &sealed(length)).unwrap().expose(), vec![0x5a; length]);
        }
    }

    #[test]
    fn what_happened_is_named() {
        let whole = sealed(2 * CHUNK + 5);
        assert_eq!(error(&whole[..2 * SEALED_CHUNK]), PayloadError::Truncated);
        assert_eq!(error(&whole[..SEALED_CHUNK]), PayloadError::Truncated);
        assert_eq!(error(&whole[..whole.len() - 1]), PayloadError::Altered { chunk: 2 });
        assert_eq!(error(&whole[..2 * SEALED_CHUNK + 15]), PayloadError::Truncated);
        assert_eq!(error(&[]), PayloadError::Truncated);
        let full = sealed(CHUNK);
        assert_eq!(error(&[&full[..], &[0]].concat()), PayloadError::Truncated);
        assert_eq!(error(&[&full[..], &[0; 30]].concat()), PayloadError::Trailing);
        let mut altered = whole;
        altered[SEALED_CHUNK + 9] ^= 1;
        assert_eq!(error(&altered), PayloadError::Altered { chunk: 1 });
    }

    #[test]
    fn an_empty_last_chunk_is_refused() {
        let (mut out, mut plain) = (Vec::new(), vec![0x5a; CHUNK]);
        let tag = aead::seal(&SECRET, &nonce(0, false), &[], &mut plain).unwrap();
        out.extend_from_slice(&plain);
        out.extend_from_slice(&tag);
        out.extend_from_slice(&aead::seal(&SECRET, &nonce(1, true), &[], &mut []).unwrap());
        assert_eq!(error(&out), PayloadError::EmptyChunk);
    }

    #[test]
    fn chunks_cannot_change_places() {
        let whole = sealed(2 * CHUNK + 5);
        let (first, rest) = whole.split_at(SEALED_CHUNK);
        let (second, third) = rest.split_at(SEALED_CHUNK);
        assert_eq!(error(&[second, first, third].concat()), PayloadError::Altered { chunk: 0 });
    }
}
