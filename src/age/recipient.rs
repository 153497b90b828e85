//! Whom a file is encrypted to: `age1pq1…` (ML-KEM-768 with X25519) and `age1…` (X25519).
//!
//! A [`Recipient`] is decoded and checked once and then used for any number of files. A public key
//! of low order is refused: anybody could open what is encrypted to it. Recipients of plugins are
//! named as such and not read.

use super::bech::{Case, Form};
use super::{hybrid, x25519};
use core::fmt;
use core::str::FromStr;

/// Which of age's native key pairs: they don't mix in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// ML-KEM-768 with X25519 (X-Wing), post-quantum: `age1pq1…`, stanza `mlkem768x25519`.
    Hybrid,
    /// X25519 alone: `age1…`, stanza `X25519`.
    X25519,
}

impl Kind {
    /// The first argument of this kind's stanzas.
    #[must_use]
    pub const fn stanza(self) -> &'static str {
        match self {
            Self::Hybrid => hybrid::KIND,
            Self::X25519 => x25519::KIND,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.stanza())
    }
}

/// A public key to encrypt to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient(pub(super) Key);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Hybrid(hybrid::PublicKey),
    X25519([u8; x25519::KEY]),
}

/// Why a text is no recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipientError {
    /// It doesn't begin as one.
    #[error("not an age recipient: one begins with age1pq1 or age1")]
    NotRecipient,
    /// A recipient of a plugin or a kind that isn't read here.
    #[error("an age recipient of a plugin: only age1pq1 and plain age1 recipients are known here")]
    Plugin,
    /// Wrong length, checksum, case or padding.
    #[error("the {0} recipient is mistyped or cut: its length or its checksum is wrong")]
    Text(Kind),
    /// The text is whole, but what it holds is no public key of its kind.
    #[error("the {0} recipient holds no usable public key")]
    Key(Kind),
}

const HYBRID: Form = Form::new("age1pq", Case::Lower);
const X25519: Form = Form::new("age", Case::Lower);

impl Recipient {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self.0 {
            Key::Hybrid(_) => Kind::Hybrid,
            Key::X25519(_) => Kind::X25519,
        }
    }
}

impl FromStr for Recipient {
    type Err = RecipientError;

    fn from_str(text: &str) -> Result<Self, RecipientError> {
        // The longer prefix first: `age1pq1…` begins with `age1` too.
        if text.starts_with("age1pq1") {
            let bytes = HYBRID.decode(text.as_bytes(), hybrid::PUBLIC);
            let bytes = bytes.ok_or(RecipientError::Text(Kind::Hybrid))?;
            let key = hybrid::PublicKey::from_bytes(bytes.expose());
            return key.map(|key| Self(Key::Hybrid(key))).ok_or(RecipientError::Key(Kind::Hybrid));
        }
        let data = text.strip_prefix("age1").ok_or(RecipientError::NotRecipient)?;
        // Bech32's data has no `1`, so a second one ends a longer human-readable part.
        if data.contains('1') {
            return Err(RecipientError::Plugin);
        }
        let bytes = X25519.decode(text.as_bytes(), x25519::KEY).ok_or(RecipientError::Text(Kind::X25519))?;
        let key = bytes.expose().try_into().ok().filter(|key| !x25519::is_low_order(key));
        key.map(|key| Self(Key::X25519(key))).ok_or(RecipientError::Key(Kind::X25519))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match &self.0 {
            Key::Hybrid(key) => HYBRID.encode(&key.to_bytes()),
            Key::X25519(key) => X25519.encode(key),
        };
        f.write_str(core::str::from_utf8(text.expose()).unwrap_or_default())
    }
}
