//! The kinds of keys that can be escrowed, by the names that records and the command line use.
//!
//! A kind fixes the encoding and, for a symmetric key, the length. The list is closed: a reader
//! refuses a kind that it doesn't know, and `opaque` takes what fits no other.

use core::fmt;
use core::str::FromStr;

/// The most bytes an opaque key may have: 64 KiB.
pub const OPAQUE_LIMIT: usize = 64 * 1024;

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// AES with 16 bytes (FIPS 197).
    Aes128,
    /// AES with 32 bytes (FIPS 197).
    Aes256,
    /// HMAC-SHA-224 with 28 bytes (FIPS 198-1); as long as its output, like the other HMAC kinds.
    Hmac224,
    /// HMAC-SHA-256 with 32 bytes.
    Hmac256,
    /// HMAC-SHA-384 with 48 bytes.
    Hmac384,
    /// HMAC-SHA-512 with 64 bytes.
    Hmac512,
    /// The curve P-256, secp256r1 (SP 800-186).
    EcP256,
    /// The curve P-384, secp384r1.
    EcP384,
    /// The curve P-521, secp521r1.
    EcP521,
    /// The curve secp256k1 (SEC 2).
    EcSecp256k1,
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// RSA with a modulus of 2048 bits (RFC 8017).
    Rsa2048,
    /// RSA with a modulus of 3072 bits.
    Rsa3072,
    /// RSA with a modulus of 4096 bits.
    Rsa4096,
    /// Any 1 to [`OPAQUE_LIMIT`] bytes: a seed, a token, a key of another kind. Nothing is checked.
    Opaque,
}

/// How the bytes of a key encode it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// The key itself.
    Raw,
    /// DER `PrivateKeyInfo` (RFC 5208) in the one form that `docs/format.md` fixes.
    Pkcs8,
}

/// A name that is no kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "that is no kind of key: the kinds are aes-128, aes-256, hmac-224, hmac-256, hmac-384, hmac-512, \
         ec-p256, ec-p384, ec-p521, ec-secp256k1, ed25519, rsa-2048, rsa-3072, rsa-4096 and opaque"
)]
pub struct UnknownKind;

impl KeyKind {
    /// Every kind, in the order in which they are listed to people.
    pub const ALL: [Self; 15] = [
        Self::Aes128,
        Self::Aes256,
        Self::Hmac224,
        Self::Hmac256,
        Self::Hmac384,
        Self::Hmac512,
        Self::EcP256,
        Self::EcP384,
        Self::EcP521,
        Self::EcSecp256k1,
        Self::Ed25519,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::Opaque,
    ];

    /// The kind's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes128 => "aes-128",
            Self::Aes256 => "aes-256",
            Self::Hmac224 => "hmac-224",
            Self::Hmac256 => "hmac-256",
            Self::Hmac384 => "hmac-384",
            Self::Hmac512 => "hmac-512",
            Self::EcP256 => "ec-p256",
            Self::EcP384 => "ec-p384",
            Self::EcP521 => "ec-p521",
            Self::EcSecp256k1 => "ec-secp256k1",
            Self::Ed25519 => "ed25519",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::Opaque => "opaque",
        }
    }

    /// Whether it is a private key, which has a public one.
    #[must_use]
    pub const fn is_asymmetric(self) -> bool {
        matches!(self.encoding(), Encoding::Pkcs8)
    }

    /// How its bytes encode it.
    #[must_use]
    pub const fn encoding(self) -> Encoding {
        match self {
            Self::Aes128
            | Self::Aes256
            | Self::Hmac224
            | Self::Hmac256
            | Self::Hmac384
            | Self::Hmac512
            | Self::Opaque => Encoding::Raw,
            Self::EcP256
            | Self::EcP384
            | Self::EcP521
            | Self::EcSecp256k1
            | Self::Ed25519
            | Self::Rsa2048
            | Self::Rsa3072
            | Self::Rsa4096 => Encoding::Pkcs8,
        }
    }

    /// The exact length in bytes of a symmetric kind; `None` for private keys and opaque ones.
    #[must_use]
    pub const fn symmetric_length(self) -> Option<usize> {
        match self {
            Self::Aes128 => Some(16),
            Self::Hmac224 => Some(28),
            Self::Aes256 | Self::Hmac256 => Some(32),
            Self::Hmac384 => Some(48),
            Self::Hmac512 => Some(64),
            _ => None,
        }
    }

    /// The RSA kind with a modulus of `bits` bits.
    pub(super) const fn of_rsa(bits: usize) -> Option<Self> {
        match bits {
            2048 => Some(Self::Rsa2048),
            3072 => Some(Self::Rsa3072),
            4096 => Some(Self::Rsa4096),
            _ => None,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for KeyKind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(UnknownKind)
    }
}

impl Encoding {
    /// The name in a key record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Pkcs8 => "pkcs8",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_no_other_is_taken() {
        for kind in KeyKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert_eq!(kind.name().to_uppercase().parse::<KeyKind>(), Err(UnknownKind));
            assert!(UnknownKind.to_string().contains(kind.name()));
            assert!(!(kind.is_asymmetric() && kind.symmetric_length().is_some()));
        }
        for wrong in ["", "aes", "aes256", "aes-256 ", "aes-192", "rsa-1024", "p256"] {
            assert_eq!(wrong.parse::<KeyKind>(), Err(UnknownKind));
        }
    }
}
