//! AES key wrap with padding: RFC 5649, NIST SP 800-38F KWP, PKCS#11 `CKM_AES_KEY_WRAP_KWP`.
//!
//! Deterministic and authenticated: a blob that was altered, or wrapped under another key, is refused
//! by an integrity check of 64 bits. The wrapping key has 256 bits here; one of 128 bits wraps too, to be compared with
//! what a token's own key wraps, and unwraps nothing. The older KW (RFC 3394) has blobs of the same length for
//! keys of a whole number of 8 bytes, and is not taken for it.
//!
//! Tokens of the older text of PKCS#11 pad to 8 bytes as PKCS#7 does, and wrap that by KW: for them alone there
//! are [`wrap_padded`] and [`unwrap_padded`], whose integrity check tells them from the above.

use crate::secret::SecretBytes;
use aes_kw::cipher::KeyInit as _;
use aes_kw::{KwAes128, KwAes256, KwpAes128, KwpAes256};

/// Length in bytes of the key that wraps.
pub const KEY: usize = 32;
/// The most bytes that are wrapped: far more than any key has.
pub const LONGEST: usize = 1 << 20;

/// Why nothing was wrapped or unwrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KwpError {
    /// The wrapping key has another length.
    #[error("the wrapping key has {found} bytes instead of {KEY}")]
    Key {
        /// How many it has.
        found: usize,
    },
    /// Nothing, or too much, to wrap.
    #[error("{found} bytes can't be wrapped: a key has 1 to {LONGEST}")]
    Length {
        /// How many bytes there are.
        found: usize,
    },
    /// The integrity check failed.
    #[error("the blob was altered, or wrapped under another key or by another method")]
    Refused,
}

/// The blob of `key` under the key `kek`: 8 bytes more than `key` rounded up to a multiple of 8.
///
/// # Errors
/// [`KwpError::Key`], [`KwpError::Length`].
pub fn wrap(kek: &SecretBytes, key: &[u8]) -> Result<Vec<u8>, KwpError> {
    if !(1..=LONGEST).contains(&key.len()) {
        return Err(KwpError::Length { found: key.len() });
    }
    let length = key.len().next_multiple_of(8).saturating_add(8);
    let mut blob = vec![0; length];
    // The crate works in the buffer that it is given: a blob of a length that it expects is whole.
    let wrapped = if let Ok(small) = KwpAes128::new_from_slice(kek.expose()) {
        small.wrap_key(key, &mut blob).map(<[u8]>::len)
    } else {
        cipher(kek)?.wrap_key(key, &mut blob).map(<[u8]>::len)
    };
    if wrapped == Ok(length) { Ok(blob) } else { Err(KwpError::Length { found: key.len() }) }
}

/// The key in `blob`.
///
/// # Errors
/// [`KwpError`]; nothing of what came out is kept then.
pub fn unwrap(kek: &SecretBytes, blob: &[u8]) -> Result<SecretBytes, KwpError> {
    let padded = blob.len().checked_sub(8).filter(|padded| (8..=LONGEST).contains(padded));
    let padded = padded.filter(|padded| padded.is_multiple_of(8));
    let padded = padded.ok_or(KwpError::Length { found: blob.len() })?;
    let mut key = SecretBytes::zeroed(padded);
    let length = cipher(kek)?.unwrap_key(blob, key.expose_mut()).map(<[u8]>::len);
    key.truncate(length.map_err(|_| KwpError::Refused)?);
    Ok(key)
}

/// The blob of `key`, padded as PKCS#7 does to a multiple of 8 bytes, by KW (RFC 3394).
///
/// # Errors
/// [`KwpError::Key`], [`KwpError::Length`].
pub fn wrap_padded(kek: &SecretBytes, key: &[u8]) -> Result<Vec<u8>, KwpError> {
    if !(1..=LONGEST).contains(&key.len()) {
        return Err(KwpError::Length { found: key.len() });
    }
    let padded = key.len().saturating_add(1).next_multiple_of(8);
    let pad = u8::try_from(padded.saturating_sub(key.len())).unwrap_or_default();
    let plain = SecretBytes::filled(padded, |to| {
        to.fill(pad);
        to.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    });
    let mut blob = vec![0; padded.saturating_add(8)];
    let wrapped = if let Ok(small) = KwAes128::new_from_slice(kek.expose()) {
        small.wrap_key(plain.expose(), &mut blob).map(<[u8]>::len)
    } else {
        let large = KwAes256::new_from_slice(kek.expose()).map_err(|_| KwpError::Key { found: kek.len() })?;
        large.wrap_key(plain.expose(), &mut blob).map(<[u8]>::len)
    };
    if wrapped == Ok(blob.len()) { Ok(blob) } else { Err(KwpError::Length { found: key.len() }) }
}

/// The key in a blob of [`wrap_padded`].
///
/// # Errors
/// [`KwpError`]; nothing of what came out is kept then.
pub fn unwrap_padded(kek: &SecretBytes, blob: &[u8]) -> Result<SecretBytes, KwpError> {
    // KW takes two halves of 8 bytes at least.
    let padded = blob.len().checked_sub(8).filter(|padded| (16..=LONGEST).contains(padded));
    let padded = padded.filter(|padded| padded.is_multiple_of(8));
    let padded = padded.ok_or(KwpError::Length { found: blob.len() })?;
    let mut key = SecretBytes::zeroed(padded);
    let cipher = KwAes256::new_from_slice(kek.expose()).map_err(|_| KwpError::Key { found: kek.len() })?;
    cipher.unwrap_key(blob, key.expose_mut()).map_err(|_| KwpError::Refused)?;
    let pad = key.expose().last().copied().filter(|pad| (1..=8).contains(pad)).ok_or(KwpError::Refused)?;
    let length = padded.saturating_sub(usize::from(pad));
    if key.expose().iter().skip(length).any(|byte| *byte != pad) {
        return Err(KwpError::Refused);
    }
    key.truncate(length);
    Ok(key)
}

fn cipher(kek: &SecretBytes) -> Result<KwpAes256, KwpError> {
    KwpAes256::new_from_slice(kek.expose()).map_err(|_| KwpError::Key { found: kek.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(byte: u8) -> SecretBytes {
        SecretBytes::filled(KEY, |to| to.iter_mut().zip(byte..).for_each(|(to, from)| *to = from))
    }

    /// SP 800-38F gives no vector with 256 bits that is short; this one was made with OpenSSL 3.0:
    /// `openssl enc -id-aes256-wrap-pad -K 000102…1f -iv A65959A6`.
    #[test]
    fn openssl_wraps_the_same() {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let blob = wrap(&key(0), b"quorate").unwrap();
        assert_eq!(hex(&blob), "a128d241cd3fb1591cd1be999c9d8ad8");
        let blob = wrap(&key(0), b"a key of 20 bytes...").unwrap();
        assert_eq!(hex(&blob), "4598cc9e4aeb47628c0ab5377015268c6de252aaee93f51ec80312bed17b94e2");
    }

    /// The same of `openssl enc -id-aes128-wrap-pad -K 000102…0f -iv A65959A6`.
    #[test]
    fn openssl_wraps_the_same_under_a_short_key() {
        let short = SecretBytes::filled(16, |to| to.iter_mut().zip(0..).for_each(|(to, from)| *to = from));
        let expected = 0x6404_4823_aa36_90f6_2ce4_d3e5_c259_2caa_u128.to_be_bytes();
        assert_eq!(wrap(&short, b"quorate").unwrap(), expected);
    }

    #[test]
    fn the_limits_are_refused() {
        assert_eq!(wrap(&key(0), b""), Err(KwpError::Length { found: 0 }));
        assert_eq!(wrap(&SecretBytes::zeroed(24), b"k"), Err(KwpError::Key { found: 24 }));
        assert_eq!(wrap_padded(&SecretBytes::zeroed(24), b"k"), Err(KwpError::Key { found: 24 }));
        assert_eq!(unwrap(&SecretBytes::zeroed(16), &[7; 16]).err(), Some(KwpError::Key { found: 16 }));
        for length in [0, 8, 9, 15, 17, 23] {
            assert_eq!(unwrap(&key(0), &vec![7; length]).err(), Some(KwpError::Length { found: length }));
        }
        assert_eq!(unwrap(&key(0), &[7; 16]).err(), Some(KwpError::Refused));
    }

    proptest! {
        #[test]
        #[expect(clippy::arithmetic_side_effects, reason = "a blob is longer than 8 bytes")]
        fn what_was_wrapped_comes_back(bytes in proptest::collection::vec(any::<u8>(), 1..600)) {
            let blob = wrap(&key(3), &bytes).unwrap();
            prop_assert_eq!(blob.len() - 8, bytes.len().next_multiple_of(8));
            let back = unwrap(&key(3), &blob).unwrap();
            prop_assert_eq!(back.expose(), &bytes[..]);
            prop_assert_eq!(unwrap(&key(4), &blob).err(), Some(KwpError::Refused));
        }

        #[test]
        fn the_older_padding_comes_back_and_is_told_apart(bytes in proptest::collection::vec(any::<u8>(), 8..600)) {
            let older = wrap_padded(&key(3), &bytes).unwrap();
            let back = unwrap_padded(&key(3), &older).unwrap();
            prop_assert_eq!(back.expose(), &bytes[..]);
            prop_assert_eq!(unwrap(&key(3), &older).err(), Some(KwpError::Refused));
            let newer = wrap(&key(3), &bytes).unwrap();
            prop_assert!(unwrap_padded(&key(3), &newer).is_err());
        }

        #[test]
        fn an_altered_blob_is_refused(at in 0_usize..48, bit in 0_u8..8) {
            let mut blob = wrap(&key(3), &[5; 40]).unwrap();
            blob[at] ^= 1 << bit;
            prop_assert_eq!(unwrap(&key(3), &blob).err(), Some(KwpError::Refused));
        }
    }
}
