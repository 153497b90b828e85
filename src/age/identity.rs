//! The secret half: `AGE-SECRET-KEY-PQ-1…` (ML-KEM-768 with X25519) and `AGE-SECRET-KEY-1…` (X25519).
//!
//! An [`Identity`] is the 32 bytes that the text holds, in memory for secrets; everything that they
//! expand to is made for one use and overwritten. Any 32 bytes are a valid identity: whoever makes
//! one from shares compares its recipient with the recorded one before anything else.

use super::bech::{Case, Form};
use super::header::{BODY, Stanza, unpadded};
use super::recipient::Key;
use super::{HeaderError, Kind, Recipient, hybrid, x25519};
use crate::secret::SecretBytes;
use core::fmt;

/// A private key that opens files; wiped on drop.
pub struct Identity {
    kind: Kind,
    /// Of [`SEED`] bytes, always.
    seed: SecretBytes,
}

/// Length in bytes of an identity's seed, of both kinds.
pub const SEED: usize = 32;

/// Why bytes are no identity. Never says what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// It doesn't begin as one.
    #[error("not an age identity: one begins with AGE-SECRET-KEY-PQ-1 or AGE-SECRET-KEY-1")]
    NotIdentity,
    /// An identity of a plugin.
    #[error("an age identity of a plugin: only AGE-SECRET-KEY-PQ-1 and AGE-SECRET-KEY-1 are known here")]
    Plugin,
    /// Wrong length, checksum, case or padding.
    #[error("the {0} identity is mistyped or cut: its length, its case or its checksum is wrong")]
    Text(Kind),
    /// The seed isn't of [`SEED`] bytes.
    #[error("the seed of an age identity has {length} bytes instead of {SEED}")]
    Seed {
        /// Its length in bytes.
        length: usize,
    },
}

const HYBRID: Form = Form::new("age-secret-key-pq-", Case::Upper);
const X25519: Form = Form::new("age-secret-key-", Case::Upper);

const fn form(kind: Kind) -> &'static Form {
    match kind {
        Kind::Hybrid => &HYBRID,
        Kind::X25519 => &X25519,
    }
}

impl Identity {
    /// Reads the text of an identity, without white space around it.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn parse(text: &[u8]) -> Result<Self, IdentityError> {
        if text.starts_with(b"AGE-PLUGIN-") {
            return Err(IdentityError::Plugin);
        }
        let kind = if text.starts_with(b"AGE-SECRET-KEY-PQ-1") {
            Kind::Hybrid
        } else if text.starts_with(b"AGE-SECRET-KEY-1") {
            Kind::X25519
        } else {
            return Err(IdentityError::NotIdentity);
        };
        let seed = form(kind).decode(text, SEED).ok_or(IdentityError::Text(kind))?;
        Ok(Self { kind, seed })
    }

    /// The identity of a seed of [`SEED`] bytes.
    ///
    /// # Errors
    /// [`IdentityError::Seed`] for another length.
    pub fn from_seed(kind: Kind, seed: &SecretBytes) -> Result<Self, IdentityError> {
        match seed.len() {
            SEED => Ok(Self { kind, seed: SecretBytes::copy_of(seed.expose()) }),
            length => Err(IdentityError::Seed { length }),
        }
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The text, in the one case that identities are written in.
    #[must_use]
    pub fn to_text(&self) -> SecretBytes {
        form(self.kind).encode(self.seed.expose())
    }

    /// The recipient whose files it opens.
    ///
    /// # Errors
    /// [`IdentityError::Seed`], which no identity that exists gives.
    pub fn recipient(&self) -> Result<Recipient, IdentityError> {
        let seed = self.seed()?;
        let key = match self.kind {
            Kind::Hybrid => hybrid::PublicKey::of_seed(seed).map(Key::Hybrid),
            Kind::X25519 => Some(Key::X25519(x25519::public(seed))),
        };
        key.map(Recipient).ok_or(IdentityError::Seed { length: self.seed.len() })
    }

    fn seed(&self) -> Result<&[u8; SEED], IdentityError> {
        self.seed.expose().try_into().map_err(|_| IdentityError::Seed { length: self.seed.len() })
    }

    /// The file key of a stanza, if it is for this identity.
    pub(super) fn unwrap(&self, number: usize, stanza: &Native) -> Result<Option<SecretBytes>, HeaderError> {
        let Ok(seed) = self.seed() else { return Ok(None) };
        match (self.kind, stanza) {
            (Kind::Hybrid, Native::Hybrid { enc, body }) => {
                if hybrid::is_low_order(enc) {
                    return Err(HeaderError::LowOrder { stanza: number });
                }
                Ok(hybrid::unwrap(seed, enc, body))
            }
            (Kind::X25519, Native::X25519 { share, body }) => match x25519::unwrap(seed, share, body) {
                Ok(file_key) => Ok(Some(file_key)),
                Err(x25519::Refusal::NotMine) => Ok(None),
                Err(x25519::Refusal::LowOrder) => Err(HeaderError::LowOrder { stanza: number }),
            },
            _ => Ok(None),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, <redacted>)", self.kind)
    }
}

/// A stanza of a kind that is known here, its fields at their lengths.
pub(super) enum Native {
    Hybrid { enc: Box<[u8; hybrid::ENC]>, body: [u8; BODY] },
    X25519 { share: [u8; x25519::KEY], body: [u8; BODY] },
}

impl Native {
    /// The fields of a stanza; `None` when its kind isn't known here. Their lengths are checked
    /// before any key is tried, so that nothing else than a sealed file key is ever opened.
    pub(super) fn read(number: usize, stanza: &Stanza<'_>) -> Result<Option<Self>, HeaderError> {
        let malformed = HeaderError::Stanza { stanza: number };
        let two = || {
            let mut arguments = stanza.arguments().skip(1);
            let argument = arguments.next().filter(|_| arguments.next().is_none())?;
            unpadded(argument.as_bytes())
        };
        let body = stanza.body().try_into().map_err(|_| malformed);
        match stanza.kind() {
            hybrid::KIND => {
                let enc = two().and_then(|enc| enc.into_boxed_slice().try_into().ok()).ok_or(malformed)?;
                Ok(Some(Self::Hybrid { enc, body: body? }))
            }
            x25519::KIND => {
                let share = two().and_then(|share| share.try_into().ok()).ok_or(malformed)?;
                Ok(Some(Self::X25519 { share, body: body? }))
            }
            _ => Ok(None),
        }
    }
}
