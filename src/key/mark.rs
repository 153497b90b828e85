//! A mark of a secret key that lives in a token: by what the key does, for whoever has it to do something.
//!
//! The log has the public key of a pair, and nothing of a secret key: its fingerprint is under a salt that is in the
//! backup. With a mark in the log a token can be asked, without the quorum, whether its key is the one that is backed
//! up. The question is made of the fingerprint, so that no two versions have the same; what the key makes of it (a
//! block, a code) is hashed, so that the mark is neither a ciphertext nor a code that anybody could use.
//!
//! A mark confirms a guess of the key. So it is made only of keys that a token has drawn at random, which have 128
//! bits or more: never of what people or other programs chose. `docs/format.md`, Marks.

use super::{Fingerprint, KeyKind, KeyMaterial};
use crate::primitive::block::{self, BLOCK};
use crate::primitive::hash;

const ASK: &[u8] = b"quorate/v1/mark/ask";
const MADE: &[u8] = b"quorate/v1/mark/made";

/// A mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark([u8; 32]);

/// What a key is asked to do for its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question([u8; 32]);

impl Question {
    /// The question to the key of a fingerprint.
    #[must_use]
    pub fn of(fingerprint: &Fingerprint) -> Self {
        Self(hash::sha256(&[ASK, fingerprint.bytes()]))
    }

    /// The block that an AES key is to encrypt.
    #[must_use]
    pub fn block(&self) -> [u8; BLOCK] {
        self.0.first_chunk().copied().unwrap_or_default()
    }

    /// The message that another secret key is to make a code of.
    #[must_use]
    pub const fn message(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Mark {
    /// The mark of a secret key of a fingerprint: nothing for kinds that do neither.
    #[must_use]
    pub fn of(key: &KeyMaterial, fingerprint: &Fingerprint) -> Option<Self> {
        let (question, bytes) = (Question::of(fingerprint), key.bytes().expose());
        let made = match key.kind() {
            KeyKind::Aes128 | KeyKind::Aes256 => block::encrypt(bytes, &question.block())?.to_vec(),
            kind => hash::hmac(code(kind)?, bytes, question.message())?,
        };
        Some(Self::of_made(&made))
    }

    /// The mark of a key that made this of its question.
    #[must_use]
    pub fn of_made(made: &[u8]) -> Self {
        Self(hash::sha256(&[MADE, made]))
    }

    /// The mark with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The bytes of the code that a key of `kind` makes.
const fn code(kind: KeyKind) -> Option<usize> {
    match kind {
        KeyKind::Hmac224 => Some(28),
        KeyKind::Hmac256 => Some(32),
        KeyKind::Hmac384 => Some(48),
        KeyKind::Hmac512 => Some(64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretBytes;
    use crate::wire::text::hex;

    fn mark(kind: KeyKind, length: usize, fingerprint: u8) -> Option<Mark> {
        let bytes =
            SecretBytes::filled(length, |to| to.iter_mut().zip(0..).for_each(|(to, from)| *to = from));
        let fingerprint = Fingerprint::parse(&hex(&[fingerprint; 32])).unwrap();
        Mark::of(&KeyMaterial::raw(kind, bytes).unwrap(), &fingerprint)
    }

    /// Made by `openssl dgst -sha256`, `openssl enc -aes-256-ecb -nopad` and `openssl dgst -hmac`.
    #[test]
    fn openssl_makes_the_same() {
        let aes = mark(KeyKind::Aes256, 32, 0x5a).unwrap();
        assert_eq!(hex(aes.bytes()), "9cab93245450f81b7d98434795b7c3bd380d04d5f329f3f0922037f7e44643a3");
        let code = mark(KeyKind::Hmac512, 64, 0x5a).unwrap();
        assert_eq!(hex(code.bytes()), "925a21ac1f8dd9b9e4b4c258f0100d452ba4609de62b38d09631e592cbcd2bd1");
    }

    #[test]
    fn another_fingerprint_makes_another_mark() {
        assert_ne!(mark(KeyKind::Aes128, 16, 1), mark(KeyKind::Aes128, 16, 2));
        assert_eq!(mark(KeyKind::Opaque, 16, 1), None);
    }
}
