//! The public name of a key: 32 bytes that tell a right key from any other, and nothing else.
//!
//! HMAC-SHA256 under a random salt that stays inside the backup: who sees fingerprints can neither
//! test guesses of a weak key nor see that two escrows hold the same one. Kind and length are
//! under it too, so the same bytes as another kind of key are another key.

use super::KeyMaterial;
use crate::primitive::hash::hmac_sha256;
use crate::secret::{SecretBytes, ct_eq};
use crate::wire::text;
use core::fmt;

/// Length in bytes of a salt.
pub const SALT: usize = 32;

/// The fingerprint of a key; compared in constant time.
#[derive(Clone, Copy, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of `material` under `salt`, which has [`SALT`] bytes.
    #[must_use]
    pub fn of(salt: &SecretBytes, material: &KeyMaterial) -> Self {
        let name = material.kind().name().as_bytes();
        // A kind's name has at most 12 bytes and material at most 64 KiB.
        let name_length = u8::try_from(name.len()).unwrap_or(u8::MAX);
        let length = u32::try_from(material.bytes().len()).unwrap_or(u32::MAX);
        Self(hmac_sha256(
            salt.expose(),
            &[&[name_length], name, &length.to_be_bytes(), material.bytes().expose()],
        ))
    }

    /// The fingerprint that 64 lower-case hexadecimal digits spell.
    #[must_use]
    pub fn parse(hex: &str) -> Option<Self> {
        text::array_from_hex(hex).map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 80 bits in base32, in four groups of four: what people compare by eye.
    #[must_use]
    pub fn short(&self) -> String {
        text::grouped(&text::base32(self.0.first_chunk::<10>().map_or(&[][..], |first| first)))
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        ct_eq(&self.0, &other.0)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&text::hex(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::super::KeyKind;
    use super::*;

    fn of(salt: u8, kind: KeyKind, bytes: &[u8]) -> Fingerprint {
        let material = KeyMaterial::raw(kind, SecretBytes::copy_of(bytes)).unwrap();
        Fingerprint::of(&SecretBytes::filled(SALT, |to| to.fill(salt)), &material)
    }

    #[test]
    fn known_answer() {
        // Computed with Python: hmac.new(bytes([7]*32), b"\x07aes-128" + struct.pack(">I", 16) + bytes(range(16)), "sha256").
        let bytes: Vec<u8> = (0..16).collect();
        let print = of(7, KeyKind::Aes128, &bytes);
        assert_eq!(print.to_string(), "2aac2a468780ddb13a4352feaa7e97aa50c9053087af0263d599d6ccc3ec1fc2");
        assert_eq!(print.short().len(), 19);
        assert_eq!(Fingerprint::parse(&print.to_string()), Some(print));
        assert_eq!(Fingerprint::parse(&print.to_string().to_uppercase()), None);
    }

    #[test]
    fn salt_kind_and_bytes_count() {
        let bytes: Vec<u8> = (0..32).collect();
        let print = of(1, KeyKind::Aes256, &bytes);
        assert_ne!(print, of(2, KeyKind::Aes256, &bytes));
        assert_ne!(print, of(1, KeyKind::Hmac256, &bytes));
        assert_ne!(print, of(1, KeyKind::Opaque, &bytes));
        assert_ne!(print, of(1, KeyKind::Opaque, &bytes[1..]));
    }
}
