//! The AES block (FIPS 197) and CMAC over it (RFC 4493, SP 800-38B), for check values alone.
//!
//! A check value tells whether a token holds the key that it should hold: it is computed here from the
//! key and there by an operation. Nothing is kept secret by these two, so no mode of operation is here.

use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use aes::{Aes128, Aes192, Aes256};
use cmac::{Cmac, Mac as _};

/// Length in bytes of a block.
pub const BLOCK: usize = 16;

/// The block `plain` encrypted under an AES key of 16, 24 or 32 bytes; `None` for another length.
#[must_use]
pub fn encrypt(key: &[u8], plain: &[u8; BLOCK]) -> Option<[u8; BLOCK]> {
    let mut block = (*plain).into();
    match key.len() {
        16 => Aes128::new_from_slice(key).ok()?.encrypt_block(&mut block),
        24 => Aes192::new_from_slice(key).ok()?.encrypt_block(&mut block),
        32 => Aes256::new_from_slice(key).ok()?.encrypt_block(&mut block),
        _ => return None,
    }
    Some(block.into())
}

/// The CMAC of `message` under an AES key of 16, 24 or 32 bytes; `None` for another length.
#[must_use]
pub fn cmac(key: &[u8], message: &[u8]) -> Option<[u8; BLOCK]> {
    macro_rules! of {
        ($cipher:ty) => {{
            let mut state = <Cmac<$cipher> as cmac::KeyInit>::new_from_slice(key).ok()?;
            state.update(message);
            Some(state.finalize().into_bytes().into())
        }};
    }
    match key.len() {
        16 => of!(Aes128),
        24 => of!(Aes192),
        32 => of!(Aes256),
        _ => None,
    }
}

/// The first subkey of CMAC from the encrypted block of zeros: the CMAC of a block `m` is the encryption of
/// `m` xor this (SP 800-38B, section 6.1).
#[must_use]
pub fn subkey(zeros: [u8; BLOCK]) -> [u8; BLOCK] {
    let number = u128::from_be_bytes(zeros);
    let carried = if number >> 127 == 1 { 0x87 } else { 0 };
    (number << 1 ^ carried).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn known_answers() {
        // FIPS 197 appendix C: the key 00 01 02 …, the block 00 11 22 ….
        let key: Vec<u8> = (0..32).collect();
        let block: [u8; BLOCK] = core::array::from_fn(|at| u8::try_from(at).unwrap() * 0x11);
        let answers = [
            (16, "69c4e0d86a7b0430d8cdb78070b4c55a"),
            (24, "dda97ca4864cdfe06eaf70a0ec0d7191"),
            (32, "8ea2b7ca516745bfeafc49904b496089"),
        ];
        for (length, answer) in answers {
            assert_eq!(hex(&encrypt(&key[..length], &block).unwrap()), answer);
        }
        // RFC 4493, the empty message.
        let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
        assert_eq!(hex(&cmac(&key, b"").unwrap()), "bb1d6929e95937287fa37d129b756746");
        for key in [&[7; 16][..], &[8; 24], &[9; 32], &[0xa5; 32], &key] {
            let block = subkey(encrypt(key, &[0; BLOCK]).unwrap());
            assert_eq!(encrypt(key, &block), cmac(key, &[0; BLOCK]));
        }
        assert!(encrypt(&[0; 31], &block).is_none() && cmac(&[0; 8], b"").is_none());
    }
}
