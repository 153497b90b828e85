//! The name of a quorum: on every card, in every record, and derived from the quorum secret, so
//! that it certifies itself.

use crate::primitive::hash::sha256;
use crate::wire::text;
use core::fmt;

/// The first 10 bytes of SHA-256 of the quorum's Ed25519 public key.
///
/// Shown as four groups of four base32 characters. Finding another key with the same name takes
/// 2^80 tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuorumId([u8; Self::LENGTH]);

impl QuorumId {
    /// Length in bytes.
    pub const LENGTH: usize = 10;

    /// The name that belongs to an Ed25519 public key.
    #[must_use]
    pub fn of_signer(public: &[u8; 32]) -> Self {
        let digest = sha256(&[public]);
        let mut id = [0; Self::LENGTH];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(id)
    }

    /// The id in these bytes of a card.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes on a card.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// The 16 base32 characters without hyphens, as in records and file names.
    #[must_use]
    pub fn text(&self) -> String {
        text::base32(&self.0).as_str().to_owned()
    }

    /// Reads [`Self::text`]; `None` for any other spelling.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        text::from_base32(text)?.as_slice().try_into().ok().map(Self)
    }
}

impl fmt::Display for QuorumId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::grouped(&self.text()))
    }
}
