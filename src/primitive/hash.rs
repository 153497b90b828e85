//! SHA-2 (FIPS 180-4), HMAC (RFC 2104) and HKDF (RFC 5869), over parts that follow each other.

use crate::secret::{SecretBytes, Zeroize};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
// The hash functions as types, for what is generic over them (RSA-OAEP). SHA-1 for nothing else.
pub(crate) use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
pub(crate) use sha2::{Sha256 as Sha256Type, Sha384 as Sha384Type, Sha512 as Sha512Type};

/// SHA-256 of `parts`, one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut state = Sha256::new();
    parts.iter().for_each(|part| state.update(part));
    state.finalize().into()
}

/// SHA-512 of `parts`, one after the other.
#[must_use]
pub fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    let mut state = Sha512::new();
    parts.iter().for_each(|part| state.update(part));
    state.finalize().into()
}

/// SHA-384 of `parts`, one after the other.
#[must_use]
pub fn sha384(parts: &[&[u8]]) -> [u8; 48] {
    let mut state = Sha384::new();
    parts.iter().for_each(|part| state.update(part));
    state.finalize().into()
}

/// HMAC under `key` of `message`, with the SHA-2 whose output has `length` bytes (28, 32, 48 or 64);
/// `None` for another length.
#[must_use]
pub fn hmac(length: usize, key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    macro_rules! of {
        ($hash:ty) => {{
            let mut state = <Hmac<$hash> as KeyInit>::new_from_slice(key).ok()?;
            state.update(message);
            Some(state.finalize().into_bytes().to_vec())
        }};
    }
    match length {
        28 => of!(Sha224),
        32 => of!(Sha256),
        48 => of!(Sha384),
        64 => of!(Sha512),
        _ => None,
    }
}

/// HMAC-SHA256 under `key` of `parts`, one after the other.
#[must_use]
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length; the crate's error can't occur, and an empty key stands for it.
    let Ok(mut state) = <Hmac<Sha256> as KeyInit>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| state.update(part));
    state.finalize().into_bytes().into()
}

/// HKDF-SHA256: 32 bytes expanded from `secret` under `salt` for the purpose `info`.
#[must_use]
pub fn hkdf_sha256(salt: &[u8], secret: &[u8], info: &[u8]) -> SecretBytes {
    let (mut prk, state) = Hkdf::<Sha256>::extract(Some(salt), secret);
    prk.zeroize();
    // 32 bytes are one block: far below the limit at which expanding fails.
    SecretBytes::filled(32, |to| {
        if state.expand(info, to).is_err() {
            to.fill(0);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn known_answers() {
        // FIPS 180-4 examples; RFC 4231 case 2; RFC 5869 case 1 (first 32 bytes).
        assert_eq!(
            hex(&sha256(&[b"a", b"", b"bc"])),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(hex(&sha512(&[b"abc"])).starts_with("ddaf35a193617abacc417349ae204131"));
        assert_eq!(
            hex(&hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"])),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(hmac(32, b"Jefe", b"what do ya want for nothing?").unwrap()[..2], [0x5b, 0xdc]);
        assert_eq!(hmac(28, b"Jefe", b"what do ya want for nothing?").unwrap()[..2], [0xa3, 0x0e]);
        assert_eq!(hmac(20, b"Jefe", b""), None);
        assert!(hex(&sha384(&[b"abc"])).starts_with("cb00753f45a35e8bb5a03d699ac65007"));
        let salt: Vec<u8> = (0..13).collect();
        let info: Vec<u8> = (0xf0..0xfa).collect();
        assert_eq!(
            hex(hkdf_sha256(&salt, &[0x0b; 22], &info).expose()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
        );
    }
}
