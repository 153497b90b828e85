//! AES-GCM (NIST SP 800-38D) with a nonce of 12 bytes, and AES-CBC with PKCS#7 padding (SP 800-38A).
//!
//! For proofs of providers alone: a few bytes encrypted under a key that a service is given too, which
//! tell whether it has the same key. Nothing is kept secret by them and nothing that comes from outside
//! is decrypted, so there is no opening here. GHASH is computed bit by bit, without a table or a branch
//! on secret bits: slow, and the messages are of some tens of bytes.

use super::block::{BLOCK, encrypt};

/// Length in bytes of a nonce of GCM.
pub const NONCE: usize = 12;

/// `plain` under an AES key of 16 or 32 bytes, without associated data, and the tag of 16 bytes behind it;
/// `None` for a key of another length. A nonce is used once.
#[must_use]
pub fn gcm(key: &[u8], nonce: &[u8; NONCE], plain: &[u8]) -> Option<Vec<u8>> {
    let counter = |number: u32| {
        let mut block = [0; BLOCK];
        let (start, end) = block.split_at_mut(NONCE);
        start.copy_from_slice(nonce);
        end.copy_from_slice(&number.to_be_bytes());
        encrypt(key, &block)
    };
    let point = u128::from_be_bytes(encrypt(key, &[0; BLOCK])?);
    let mut sent = Vec::with_capacity(plain.len().saturating_add(BLOCK));
    for (number, chunk) in (2_u32..).zip(plain.chunks(BLOCK)) {
        let pad = counter(number)?;
        sent.extend(chunk.iter().zip(pad).map(|(byte, pad)| byte ^ pad));
    }
    let mut hash = 0_u128;
    for chunk in sent.chunks(BLOCK) {
        let mut block = [0; BLOCK];
        block.iter_mut().zip(chunk).for_each(|(to, byte)| *to = *byte);
        hash = multiply(hash ^ u128::from_be_bytes(block), point);
    }
    let bits = u128::try_from(sent.len()).ok()?.checked_mul(8)?;
    let tag = multiply(hash ^ bits, point) ^ u128::from_be_bytes(counter(1)?);
    sent.extend_from_slice(&tag.to_be_bytes());
    Some(sent)
}

/// The product in the field of GHASH (section 6.3): bit 0 is the highest.
const fn multiply(x: u128, y: u128) -> u128 {
    const REDUCE: u128 = 0xe1 << 120;
    let (mut product, mut power, mut left) = (0_u128, y, x);
    let mut bits = 128_u32;
    while let Some(fewer) = bits.checked_sub(1) {
        product ^= power & 0_u128.wrapping_sub(left >> 127);
        left <<= 1;
        power = (power >> 1) ^ (REDUCE & 0_u128.wrapping_sub(power & 1));
        bits = fewer;
    }
    product
}

/// `plain`, padded by PKCS#7 (RFC 5652, section 6.3), under an AES key of 16 or 32 bytes; `None` for a
/// key of another length.
#[must_use]
pub fn cbc(key: &[u8], iv: &[u8; BLOCK], plain: &[u8]) -> Option<Vec<u8>> {
    let padding = BLOCK.checked_sub(plain.len().checked_rem(BLOCK)?)?;
    let mut padded = plain.to_vec();
    padded.extend(core::iter::repeat_n(u8::try_from(padding).ok()?, padding));
    let mut before = *iv;
    let mut sent = Vec::with_capacity(padded.len());
    for chunk in padded.as_chunks::<BLOCK>().0 {
        let mixed: [u8; BLOCK] = core::array::from_fn(|at| {
            chunk.get(at).copied().unwrap_or_default() ^ before.get(at).copied().unwrap_or_default()
        });
        before = encrypt(key, &mixed)?;
        sent.extend_from_slice(&before);
    }
    Some(sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn known_answers() {
        // The GCM specification (McGrew, Viega), test cases 1, 2, 13 and 14.
        assert_eq!(hex(&gcm(&[0; 16], &[0; 12], &[]).unwrap()), "58e2fccefa7e3061367f1d57a4e7455a");
        assert_eq!(
            hex(&gcm(&[0; 16], &[0; 12], &[0; 16]).unwrap()),
            "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"
        );
        assert_eq!(hex(&gcm(&[0; 32], &[0; 12], &[]).unwrap()), "530f8afbc74536b9a963b4f1c4cb738b");
        assert_eq!(
            hex(&gcm(&[0; 32], &[0; 12], &[0; 16]).unwrap()),
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
        );
        // SP 800-38A, F.2.5: the first block of AES-256 in CBC.
        let key: [u8; 32] = [
            0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae, 0xf0, 0x85, 0x7d, 0x77, 0x81,
            0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61, 0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4,
        ];
        let iv: [u8; 16] = core::array::from_fn(|at| u8::try_from(at).unwrap());
        let plain = 0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128.to_be_bytes();
        let sent = cbc(&key, &iv, &plain).unwrap();
        assert_eq!((hex(&sent[..16]), sent.len()), ("f58c4c04d6e5f1ba779eabfb5f7bfbd6".to_owned(), 32));
        assert!(gcm(&[0; 31], &[0; 12], &[]).is_none() && cbc(&[0; 8], &iv, &plain).is_none());
    }

    #[test]
    fn the_field_is_one() {
        let one = 1_u128 << 127;
        for x in [0, 1, one, u128::MAX, 0x0123_4567_89ab_cdef] {
            assert_eq!((multiply(x, one), multiply(one, x)), (x, x));
            assert_eq!(multiply(x, 77), multiply(77, x));
        }
    }
}
